"""One compiled session into the store: trajectory, pairs, proofs and drops, replacing what was there of that session.

What is replaced is not forgotten. A pair that the new compilation does not give becomes `superseded` and keeps its
reviews; one that it gives again takes over what people decided about it, as far as they saw the same text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from trajectory_compiler.model import Finding, Pair, Trajectory, short_hash
from trajectory_compiler.store.codec import PAIR_COLUMNS, PROOF_COLUMNS, json_of, pack, pair_values, proof_values
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.records import BlockedSession, SessionResult, StageResult
from trajectory_compiler.store.reviewing import reviewed_state


def upsert(table: str, columns: str, keys: str) -> str:
    """Return an INSERT that updates every other column where the keys exist: the same text on SQLite and PostgreSQL."""
    names = [name.strip() for name in columns.split(",")]
    changed = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys.split(", "))
    places = ", ".join("?" * len(names))
    return f"INSERT INTO {table} ({', '.join(names)}) VALUES ({places}) ON CONFLICT ({keys}) DO UPDATE SET {changed}"


SESSION_COLUMNS = "source, session_id, state, raw_digest, digest, compile_key, watermark, turns, attempts, run_id, updated_at"
SAVE_SESSION = upsert("sessions", SESSION_COLUMNS, "source, session_id")
SAVE_PAIR = upsert("pairs", f"{PAIR_COLUMNS}, agents, tools, run_id, updated_at", "id")
SAVE_PROOF = upsert("proofs", f"pair_id, checker, format, {PROOF_COLUMNS}, score, run_id, checked_at", "pair_id, checker")
SAVE_TRAJECTORY = (
    "INSERT INTO trajectories (source, session_id, digest, raw_digest, policy_hash, turns, content, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (source, session_id, digest) DO UPDATE SET "
    "raw_digest = excluded.raw_digest, policy_hash = excluded.policy_hash, content = excluded.content"
)
SAVE_STAGE = upsert(
    "stages", "source, session_id, origin, digest, key, state, run_id, updated_at", "source, session_id, origin"
)
SAVE_IDENTITY = (
    "INSERT INTO identities (source, session_id, digest, kind, hash, name, key_id) VALUES (?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (source, session_id, digest, hash, name) DO NOTHING"
)
SAVE_FINDING = (
    "INSERT INTO findings (id, run_id, source, scope, session_id, stage, reason, count, detail, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO UPDATE SET count = excluded.count"
)
DROP_UNUSED_TRAJECTORIES = (
    "DELETE FROM trajectories WHERE source = ? AND session_id = ? AND digest <> ? AND digest NOT IN "
    "(SELECT trajectory_digest FROM pairs WHERE source = ? AND session_id = ?)"
)
PROOF_FORMAT = 1
LATER_STAGES = ("synthesis", "proposals", "paraphrase", "acc")  # of findings that compiling a session again leaves alone
COMPILER = "dataflow"  # the origin of the pairs that compiling a session makes; other origins are those of later stages


def save_session(database: Database, result: SessionResult, now: str) -> None:
    """Write one compiled session inside the caller's transaction."""
    packed = pack(result.trajectory) if isinstance(result.trajectory, Trajectory) else result.trajectory
    source, session = packed.source, packed.session_id
    database.execute(
        SAVE_SESSION,
        (
            source,
            session,
            "compiled",
            packed.raw_digest,
            packed.digest,
            result.compile_key,
            packed.watermark,
            len(packed.calls),
            1,
            result.run_id,
            now,
        ),
    )
    content = (packed.digest, packed.raw_digest, packed.policy_hash, len(packed.calls), packed.content, now)
    database.execute(SAVE_TRAJECTORY, (source, session, *content))
    _replace_identities(database, (source, session, packed.digest), result)
    # What later stages made of these very turns stands: they are not run again.
    gone = "(origin = ? OR trajectory_digest <> ?)", (COMPILER, packed.digest)
    _supersede(database, (source, session), result.pairs, gone, now)
    _save_pairs(database, result.pairs, packed.calls, result.run_id, now)
    # New turns need every stage again, and so does a question that is the template again.
    redone = "(digest <> ? OR origin LIKE 'paraphrase:%')"
    database.execute(f"DELETE FROM stages WHERE source = ? AND session_id = ? AND {redone}", (source, session, packed.digest))
    database.execute(DROP_UNUSED_TRAJECTORIES, (source, session, packed.digest, source, session))
    _replace_findings(database, result.run_id, (source, session), result.findings, now)


def save_stage(database: Database, result: StageResult, now: str) -> None:
    """Write what a later stage made of a stored session inside the caller's transaction."""
    trajectory = result.trajectory
    key = (trajectory.source, trajectory.session_id)
    state = "failed" if result.failed else "done"
    database.execute(SAVE_STAGE, (*key, result.origin, trajectory.digest, result.key, state, result.run_id, now))
    _supersede(database, key, result.pairs, ("origin = ?", (result.origin,)), now)
    _save_pairs(database, result.pairs, [(turn.agent, turn.tool) for turn in trajectory.turns], result.run_id, now)
    _replace_findings(database, result.run_id, key, result.findings, now, stage=result.stage)


def _replace_identities(database: Database, key: tuple[str, str, str], result: SessionResult) -> None:
    database.execute("DELETE FROM identities WHERE source = ? AND session_id = ? AND digest = ?", key)
    rows = [(*key, item.kind, item.hash, item.name, result.key_id) for item in result.identities]
    if rows:
        database.execute_many(SAVE_IDENTITY, rows)


def save_blocked(database: Database, blocked: BlockedSession, now: str) -> None:
    """Write that a session was blocked; pairs of an earlier state of it are superseded: nothing of it may pass any more."""
    key = (blocked.source, blocked.session_id)
    row = database.row("SELECT attempts FROM sessions WHERE source = ? AND session_id = ? AND state = 'blocked'", key)
    attempts = 1 + (row[0] if row else 0)
    values = (*key, "blocked", blocked.raw_digest, None, blocked.compile_key, None, 0, attempts, blocked.run_id, now)
    database.execute(SAVE_SESSION, values)
    _supersede(database, key, (), ("0 = 0", ()), now)
    database.execute("DELETE FROM stages WHERE source = ? AND session_id = ?", key)
    _replace_findings(database, blocked.run_id, key, blocked.findings, now)


def save_run_findings(database: Database, run_id: str, source: str, findings: Iterable[Finding], now: str) -> None:
    """Write what a run dropped before any session was compiled, in place of what earlier runs of the source dropped.

    A run may call this several times, once for each stage; the same finding again replaces its count.
    """
    database.execute("DELETE FROM findings WHERE source = ? AND scope = 'run' AND run_id <> ?", (source, run_id))
    _insert_findings(database, (run_id, source, "run"), findings, now)


def _supersede(
    database: Database, key: tuple[str, str], pairs: Iterable[Pair], of: tuple[str, tuple[str, ...]], now: str
) -> None:
    """Supersede a session's pairs that a condition on them (SQL, parameters) selects, apart from those given."""
    kept = {pair.id for pair in pairs}
    current = database.rows(
        f"SELECT id FROM pairs WHERE source = ? AND session_id = ? AND state <> 'superseded' AND {of[0]}", (*key, *of[1])
    )
    gone = [(now, row[0]) for row in current if row[0] not in kept]
    if gone:
        database.execute_many("UPDATE pairs SET state = 'superseded', updated_at = ? WHERE id = ?", gone)


def _save_pairs(database: Database, given: Iterable[Pair], calls: Sequence[tuple[str, str]], run_id: str, now: str) -> None:
    """Write pairs with their proofs; `calls` are (agent, tool) of each turn of their session."""
    pairs = [reviewed_state(database, pair) for pair in given]
    if not pairs:
        return
    database.execute_many(SAVE_PAIR, [_pair_row(pair, calls, run_id, now) for pair in pairs])
    database.execute_many(
        SAVE_PROOF,
        [(pair.id, checker(pair), PROOF_FORMAT, *proof_values(pair.proof), None, run_id, now) for pair in pairs],
    )


def checker(pair: Pair) -> str:
    """Return the name of the checker whose proof a pair carries: programs are proved exactly, prose by a reader."""
    return "reader" if pair.program is None else "exact"


def _pair_row(pair: Pair, calls: Sequence[tuple[str, str]], run_id: str, now: str) -> tuple[object, ...]:
    supporting = [calls[turn] for turn in pair.supporting_turns if turn < len(calls)]
    agents = json_of(sorted({agent for agent, _ in supporting}))
    tools = json_of(sorted({tool for _, tool in supporting}))
    return (*pair_values(pair, checker(pair)), agents, tools, run_id, now)


def _replace_findings(
    database: Database, run_id: str, key: tuple[str, str], findings: Iterable[Finding], now: str, *, stage: str = ""
) -> None:
    """Write a session's findings in place of those of the same stage; without one, of the compiler's stages."""
    stages, chosen = ((stage,), "IN") if stage else (LATER_STAGES, "NOT IN")
    which = f"scope = 'session' AND stage {chosen} ({', '.join('?' * len(stages))})"
    database.execute(f"DELETE FROM findings WHERE source = ? AND session_id = ? AND {which}", (*key, *stages))
    own = [finding if finding.session_id is not None else _owned(finding, key[1]) for finding in findings]
    _insert_findings(database, (run_id, key[0], "session"), own, now)


def _owned(finding: Finding, session: str) -> Finding:
    return Finding(stage=finding.stage, reason=finding.reason, session_id=session, count=finding.count, detail=finding.detail)


def _insert_findings(database: Database, owner: tuple[str, str, str], findings: Iterable[Finding], now: str) -> None:
    """Insert findings of (run, source, scope); those that differ in nothing but their count become one."""
    counts: Counter[tuple[str | None, str, str, str]] = Counter()
    for finding in findings:
        counts[(finding.session_id, finding.stage, finding.reason, finding.detail)] += finding.count
    rows = []
    for (session, stage, reason, detail), count in counts.items():
        identity = short_hash("finding", *owner, session or "", stage, reason, detail)
        rows.append((identity, *owner, session, stage, reason, count, detail, now))
    if rows:
        database.execute_many(SAVE_FINDING, rows)
