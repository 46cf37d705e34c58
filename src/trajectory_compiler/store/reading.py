"""Pairs, trajectories, drops and figures out of the store, streamed."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterator

from trajectory_compiler.errors import InputError, StoreError
from trajectory_compiler.model import Finding, Pair, Trajectory, short_hash
from trajectory_compiler.store.codec import PAIR_COLUMNS, PROOF_COLUMNS, decoded_strings, pair_of, unpack
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.records import Drop, PairFacts, PairQuery, StoredSession, Totals

CHUNK = 400  # ids in one query: far below every engine's limit on parameters
_PAIR = ", ".join(f"p.{name.strip()}" for name in PAIR_COLUMNS.split(","))
_PROOF = ", ".join(f"f.{name.strip()}" for name in PROOF_COLUMNS.split(","))
SELECT_PAIR = f"SELECT {_PAIR}, {_PROOF} FROM pairs p JOIN proofs f ON f.pair_id = p.id AND f.checker = p.checker"
SELECT_FACTS = (
    "SELECT p.id, p.source, p.session_id, p.qa_type, p.answer_type, p.origin, p.state, p.split, p.hops, p.width, p.span_turns, "
    "t.turns, f.guess_rate, p.agents, p.tools FROM pairs p "
    "JOIN proofs f ON f.pair_id = p.id AND f.checker = p.checker "
    "JOIN trajectories t ON t.source = p.source AND t.session_id = p.session_id AND t.digest = p.trajectory_digest"
)
LISTED = 5


def pairs(database: Database, query: PairQuery) -> Iterator[Pair]:
    """Yield the pairs that a query asks for, in its order.

    They are read some hundreds at a time, so that the store may be written to in between.
    Cost: one pass over the rows; with a seed, the ids of all matching pairs are held in memory and sorted.
    """
    if query.seed is not None:
        yield from _by_ids(database, _drawn(database, query, query.seed))
        return
    where, parameters = _conditions(query)
    following = f"{where}{' AND' if where else ' WHERE'} (p.source, p.session_id, p.id) > (?, ?, ?)"
    order = "ORDER BY p.source, p.session_id, p.id LIMIT"
    left = sys.maxsize if query.limit is None else query.limit
    last: tuple[str, str, str] | None = None
    while (size := min(CHUNK, left)) > 0:
        text, values = (where, parameters) if last is None else (following, [*parameters, *last])
        rows = list(database.rows(f"{SELECT_PAIR}{text} {order} {size}", values))
        for row in rows:
            yield pair_of(row)
        if len(rows) < size:
            return
        left -= size
        last = (rows[-1][2], rows[-1][3], rows[-1][0])  # source, session, id: see PAIR_COLUMNS


def pair(database: Database, prefix: str) -> Pair:
    """Return the pair whose id starts with `prefix`. Raises InputError where none does, or several do."""
    goal = f"find pair '{prefix}'"
    # A range instead of LIKE: it uses the key's index, and % and _ mean themselves.
    rows = list(
        database.rows(
            f"{SELECT_PAIR} WHERE p.id >= ? AND p.id < ? ORDER BY p.id LIMIT {LISTED + 1}", (prefix, prefix + "\U0010ffff")
        )
    )
    exact = [row for row in rows if row[0] == prefix]
    if not prefix or not rows:
        raise InputError(goal, "no pair's id begins so", "List some ids with: trajc sample")
    if len(rows) > 1 and not exact:
        some = ", ".join(row[0] for row in rows[:LISTED])
        raise InputError(goal, f"several ids begin so ({some}{', ...' if len(rows) > LISTED else ''})", "Give more of the id.")
    return pair_of((exact or rows)[0])


def trajectory(database: Database, digest: str) -> Trajectory:
    """Return the redacted session with this digest. Raises StoreError where the store holds none, or damaged bytes."""
    row = database.row("SELECT content FROM trajectories WHERE digest = ? ORDER BY source, session_id LIMIT 1", (digest,))
    return _unpacked(row, digest)


def trajectory_of(database: Database, pair: Pair) -> Trajectory:
    """Return the redacted session that a pair was proved on, though another session may have the same content."""
    row = database.row(
        "SELECT content FROM trajectories WHERE source = ? AND session_id = ? AND digest = ?",
        (pair.source, pair.session_id, pair.trajectory_digest),
    )
    return _unpacked(row, pair.trajectory_digest)


def sessions(database: Database, source: str) -> tuple[StoredSession, ...]:
    """Return the compiled sessions of a source, by id."""
    chosen = "source = ? AND state = 'compiled' ORDER BY session_id"
    rows = database.rows(f"SELECT session_id, digest, raw_digest, turns FROM sessions WHERE {chosen}", (source,))
    return tuple(StoredSession(session_id=row[0], digest=row[1], raw_digest=row[2], turns=row[3]) for row in rows)


def stage_keys(database: Database, source: str, origin: str) -> dict[str, tuple[str, str]]:
    """Return (trajectory digest, key) of every session that a later stage is done with, by session id."""
    chosen = "source = ? AND origin = ? AND state = 'done'"
    return {
        row[0]: (row[1], row[2])
        for row in database.rows(f"SELECT session_id, digest, key FROM stages WHERE {chosen}", (source, origin))
    }


def facts(database: Database, query: PairQuery) -> Iterator[PairFacts]:
    """Yield the figures of the matching pairs; order, limit and seed of the query do not matter here."""
    where, parameters = _conditions(query)
    for row in database.rows(f"{SELECT_FACTS}{where} ORDER BY p.source, p.session_id, p.id", parameters):
        yield PairFacts(
            id=row[0],
            source=row[1],
            session_id=row[2],
            qa_type=row[3],
            answer_type=row[4],
            origin=row[5],
            state=row[6],
            split=row[7],
            hops=row[8],
            width=row[9],
            span_turns=row[10],
            session_turns=row[11],
            guess_rate=row[12],
            agents=decoded_strings(row[13]),
            tools=decoded_strings(row[14]),
        )


def drops(database: Database, source: str | None, run_id: str | None) -> tuple[Drop, ...]:
    """Return what was dropped, by stage and reason, the most frequent first; of one source or one run where named."""
    where, parameters = _joined([("source = ?", source), ("run_id = ?", run_id)])
    found = database.rows(
        f"SELECT stage, reason, sum(count), count(DISTINCT session_id) FROM findings{where} GROUP BY stage, reason "
        "ORDER BY 3 DESC, stage, reason",
        parameters,
    )
    return tuple(Drop(stage=row[0], reason=row[1], count=int(row[2]), sessions=row[3]) for row in found)


def findings(database: Database, source: str | None, session: str | None) -> Iterator[Finding]:
    """Yield single findings with their places, of one source or one session where named."""
    where, parameters = _joined([("source = ?", source), ("session_id = ?", session)])
    columns = "stage, reason, session_id, count, detail"
    for row in database.rows(
        f"SELECT {columns} FROM findings{where} ORDER BY source, session_id, stage, reason, id", parameters
    ):
        yield Finding(stage=row[0], reason=row[1], session_id=row[2], count=row[3], detail=row[4])


def totals(database: Database) -> Totals:
    """Count what the store holds."""
    sessions: Counter[str] = Counter()
    turns = 0
    for state, count, length in database.rows("SELECT state, count(*), sum(turns) FROM sessions GROUP BY state ORDER BY state"):
        sessions[state] = count
        turns += int(length)
    states = {row[0]: row[1] for row in database.rows("SELECT state, count(*) FROM pairs GROUP BY state ORDER BY state")}
    reviews = database.row("SELECT count(*) FROM reviews")
    return Totals(sessions=dict(sessions), turns=turns, pairs=states, reviews=reviews[0] if reviews else 0)


def _conditions(query: PairQuery) -> tuple[str, list[object]]:
    listed = (("p.state", query.states), ("p.qa_type", query.qa_types), ("p.split", query.splits), ("p.origin", query.origins))
    parts = [f"{column} IN ({', '.join('?' * len(values))})" for column, values in listed if values]
    parameters: list[object] = [value for _, values in listed for value in values]
    where, single = _joined([("p.source = ?", query.source), ("p.session_id = ?", query.session)])
    joined = " AND ".join([*parts, *([where.removeprefix(" WHERE ")] if where else [])])
    return (f" WHERE {joined}" if joined else ""), [*parameters, *single]


def _joined(conditions: list[tuple[str, str | None]]) -> tuple[str, list[object]]:
    given = [(sql, value) for sql, value in conditions if value is not None]
    where = " WHERE " + " AND ".join(sql for sql, _ in given) if given else ""
    return where, [value for _, value in given]


def _drawn(database: Database, query: PairQuery, seed: int) -> list[str]:
    """Return the matching ids in an order that depends on seed and ids alone: the same on any machine and engine."""
    where, parameters = _conditions(query)
    ids = [row[0] for row in database.rows(f"SELECT p.id FROM pairs p{where}", parameters)]
    ids.sort(key=lambda identity: short_hash(str(seed), identity))
    return ids if query.limit is None else ids[: max(0, query.limit)]


def _by_ids(database: Database, ids: list[str]) -> Iterator[Pair]:
    for start in range(0, len(ids), CHUNK):
        chunk = ids[start : start + CHUNK]
        places = ", ".join("?" * len(chunk))
        found = {row[0]: row for row in database.rows(f"{SELECT_PAIR} WHERE p.id IN ({places})", chunk)}
        for identity in chunk:
            if identity in found:  # another process may have erased it meanwhile
                yield pair_of(found[identity])


def _unpacked(row: tuple[bytes, ...] | None, digest: str) -> Trajectory:
    if row is None:
        raise StoreError(f"read trajectory '{digest}'", "the store does not hold it", "Compile its session again.")
    return unpack(row[0], digest)
