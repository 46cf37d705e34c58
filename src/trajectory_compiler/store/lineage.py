"""Where a pair comes from and where it went: everything that the store knows of it beside its text.

rows of the source ─> redacted turns ─> pair <─ run, statistics, model calls
                                         └─> proofs, reviews, data set versions, exports
"""

from __future__ import annotations

import msgspec

from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import Pair, short_hash
from trajectory_compiler.store import reading
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.reviewing import reviews

SESSION = "SELECT raw_digest, compile_key, state, updated_at FROM sessions WHERE source = ? AND session_id = ?"
FORM = "SELECT raw_digest, policy_hash, created_at FROM trajectories WHERE source = ? AND session_id = ? AND digest = ?"
RUN = """SELECT id, kind, compiler_version, status, started_at, options FROM runs
    WHERE id = (SELECT run_id FROM pairs WHERE id = ?)"""
PROOFS = """SELECT f.checker, f.gates, f.guess_rate, f.score, f.run_id, f.checked_at, p.checker = f.checker
    FROM proofs f JOIN pairs p ON p.id = f.pair_id WHERE f.pair_id = ? ORDER BY f.checker"""
CALLS = """SELECT id, stage, provider || ':' || model, prompt_version, status, from_cache, input_tokens, output_tokens,
    cost_pico_usd, price_source, created_at, coalesce(pair_id, '') = ? FROM model_calls
    WHERE pair_id = ? OR (source = ? AND session_id = ? AND pair_id IS NULL) ORDER BY created_at, id"""
VERSIONS = """SELECT v.name, v.version, v.digest, i.place FROM dataset_items i
    JOIN dataset_versions v ON v.digest = i.dataset_digest WHERE i.pair_id = ? ORDER BY v.name, v.version, i.place"""
STAGES: dict[str, str] = {"model": "synthesis", "program": "proposals"}  # of origins: whose calls made the pair
REWORDING = "paraphrase"


class LineageRow(msgspec.Struct, frozen=True, kw_only=True):
    """A supporting turn: its row in the source, and the hash of the turn as it is stored, after redaction."""

    turn: int
    row_id: str
    turn_hash: str


class LineageRun(msgspec.Struct, frozen=True, kw_only=True):
    """The run that last wrote the pair, and what it was started with."""

    id: str
    kind: str
    compiler_version: str
    status: str
    started_at: str
    options: msgspec.Raw


class LineageProof(msgspec.Struct, frozen=True, kw_only=True):
    """What one checker found. `decides` says that the pair's state rests on it."""

    checker: str
    gates: dict[str, bool | None]
    guess_rate: float
    score: float | None
    run_id: str
    checked_at: str
    decides: bool


class LineageCall(msgspec.Struct, frozen=True, kw_only=True):
    """A call of a model. `of_pair` calls were made for the pair, others for its session, in the stage that wrote the pair."""

    id: str
    stage: str
    model: str
    prompt_version: str
    status: str
    from_cache: bool
    input_tokens: int | None
    output_tokens: int | None
    cost_pico_usd: int | None
    price_source: str | None
    created_at: str
    of_pair: bool


class LineageReview(msgspec.Struct, frozen=True, kw_only=True):
    """What a person decided."""

    reviewer: str
    verdict: str
    reason: str
    created_at: str


class LineageVersion(msgspec.Struct, frozen=True, kw_only=True):
    """A data set version that holds the pair, and its place there."""

    name: str
    version: int
    digest: str
    place: int


class LineagePolicy(msgspec.Struct, frozen=True, kw_only=True):
    """By which rules the session was redacted; `reason` says why it was not, where it was not."""

    hash: str
    name: str
    reason: str


class Lineage(msgspec.Struct, frozen=True, kw_only=True):
    """All that the store knows of a pair beside its text.

    `rows_digest` is a keyed digest of the raw rows of the whole session, `trajectory_digest` names its redacted form;
    `is_latest` says that the session was not compiled from other rows since. `cost_pico_usd` adds up the calls (None: one has
    no known price).
    """

    pair: str
    state: str
    origin: str
    split: str
    source: str
    session_id: str
    rows: tuple[LineageRow, ...]
    rows_digest: str
    trajectory_digest: str
    is_latest: bool
    stored_at: str
    policy: LineagePolicy
    run: LineageRun
    compile_key: str
    snapshot: str | None
    calls: tuple[LineageCall, ...]
    cost_pico_usd: int | None
    proofs: tuple[LineageProof, ...]
    reviews: tuple[LineageReview, ...]
    data_sets: tuple[LineageVersion, ...]


def lineage(database: Database, pair: Pair) -> Lineage:
    """Return what the store knows of a pair. Raises StoreError where its session is gone."""
    key = (pair.source, pair.session_id)
    form = database.row(FORM, (*key, pair.trajectory_digest))
    session = database.row(SESSION, key)
    run = database.row(RUN, (pair.id,))
    if form is None or session is None or run is None:
        raise StoreError(f"trace pair '{pair.id[:12]}'", "the store no longer holds its session", "Compile the log again.")
    policy = database.row("SELECT name, reason FROM policies WHERE hash = ?", (form[1],))
    snapshot = database.row("SELECT digest FROM snapshots WHERE source = ? AND is_current = 1", (pair.source,))
    calls = _calls(database, pair)
    costs = [call.cost_pico_usd for call in calls]
    return Lineage(
        pair=pair.id,
        state=pair.state,
        origin=pair.origin,
        split=pair.split,
        source=pair.source,
        session_id=pair.session_id,
        rows=_rows(database, pair),
        rows_digest=form[0],
        trajectory_digest=pair.trajectory_digest,
        is_latest=form[0] == session[0],
        stored_at=form[2],
        policy=LineagePolicy(hash=form[1], name=policy[0] if policy else "", reason=policy[1] if policy else ""),
        run=LineageRun(
            id=run[0],
            kind=run[1],
            compiler_version=run[2],
            status=run[3],
            started_at=run[4],
            options=msgspec.Raw(run[5].encode()),
        ),
        compile_key=session[1],
        snapshot=snapshot[0] if snapshot else None,
        calls=calls,
        cost_pico_usd=None if None in costs else sum(filter(None, costs)),
        proofs=_proofs(database, pair.id),
        reviews=tuple(
            LineageReview(reviewer=one.reviewer, verdict=one.verdict, reason=one.reason, created_at=one.created_at)
            for one in reviews(database, pair.id)
        ),
        data_sets=tuple(
            LineageVersion(name=row[0], version=row[1], digest=row[2], place=row[3])
            for row in database.rows(VERSIONS, (pair.id,))
        ),
    )


def _rows(database: Database, pair: Pair) -> tuple[LineageRow, ...]:
    turns = reading.trajectory_of(database, pair).turns
    named = [(turn, row) for turn, row in zip(pair.supporting_turns, pair.row_ids, strict=True) if turn < len(turns)]
    return tuple(
        LineageRow(turn=turn, row_id=row, turn_hash=short_hash("turn", msgspec.json.encode(turns[turn]).decode()))
        for turn, row in named
    )


def _proofs(database: Database, pair_id: str) -> tuple[LineageProof, ...]:
    return tuple(
        LineageProof(
            checker=row[0],
            gates=msgspec.json.decode(row[1]),
            guess_rate=row[2],
            score=row[3],
            run_id=row[4],
            checked_at=row[5],
            decides=bool(row[6]),
        )
        for row in database.rows(PROOFS, (pair_id,))
    )


def _calls(database: Database, pair: Pair) -> tuple[LineageCall, ...]:
    """Return the calls for the pair, and those for its session whose stage and model its origin names; rewording, too."""
    kind, _, model = pair.origin.partition(":")
    names = LineageCall.__struct_fields__
    made = []
    for row in database.rows(CALLS, (pair.id, pair.id, pair.source, pair.session_id)):
        record = dict(zip(names, row, strict=True))
        call = msgspec.convert(record | {"from_cache": bool(row[5]), "of_pair": bool(row[11])}, LineageCall)
        # A model on this machine is named by its path in a pair and by its file in a call.
        is_own = call.stage == STAGES.get(kind) and call.model.rpartition("/")[2] == model.rpartition("/")[2].rpartition(":")[2]
        is_own = is_own or (call.stage == STAGES.get(kind) and call.model == model)
        if call.of_pair or is_own or (kind == "dataflow" and call.stage == REWORDING):
            made.append(call)
    return tuple(made)
