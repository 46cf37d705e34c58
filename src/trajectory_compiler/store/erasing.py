"""What the store holds of a session, and how it goes: every row that was made from it, in one transaction.

    sessions ─> trajectories ─> identities        deleted; the schema's cascades take what hangs below
             ─> pairs ─> proofs, reviews, items of data sets
             ─> stages
    findings, waiting                              deleted, and their places in the findings of whole runs made unreadable
    model_calls                                    their answers, digests, rows and sessions go; tokens and costs stay

An answer is kept under the digest of its request, so that two sessions with the same turns share it. It goes from every call
that shares the digest, also from those of sessions that stay: they lose a cached answer, no pair.

`delete_sessions` is written in the portable subset against anything that runs statements, so that a mirror erases by it, too.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple, Protocol

import msgspec

from trajectory_compiler.model import short_hash

GONE = "(erased)"
UNDER_WAY = ("submitting", "submitted")
TELLING = 6  # characters: a shorter id stands in other text by chance
COUNTED = {
    "sessions": "sessions WHERE source = ? AND session_id = ? AND state <> 'erased'",
    "trajectories": "trajectories WHERE source = ? AND session_id = ?",
    "identities": "identities WHERE source = ? AND session_id = ?",
    "stages": "stages WHERE source = ? AND session_id = ?",
    "findings": "findings WHERE source = ? AND session_id = ?",
    "waiting": "waiting WHERE source = ? AND session_id = ?",
    "pairs": "pairs WHERE source = ? AND session_id = ?",
    "proofs": "proofs WHERE pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)",
    "reviews": "reviews WHERE pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)",
    "dataset_items": "dataset_items WHERE pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)",
}
DELETED = (
    "findings WHERE source = ? AND session_id = ?",
    "waiting WHERE source = ? AND session_id = ?",
    "dataset_items WHERE pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)",
    "reviews WHERE pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)",
    "proofs WHERE pair_id IN (SELECT id FROM pairs WHERE source = ? AND session_id = ?)",
    "pairs WHERE source = ? AND session_id = ?",
    "stages WHERE source = ? AND session_id = ?",
    "identities WHERE source = ? AND session_id = ?",
    "trajectories WHERE source = ? AND session_id = ?",
    "sessions WHERE source = ? AND session_id = ?",
)
FORMS = "SELECT digest FROM trajectories WHERE source = ? AND session_id = ?"
MANIFESTS = "SELECT digest, manifest FROM dataset_versions"
LENT_TO = """SELECT i.place FROM dataset_items i JOIN pairs p ON p.id = i.pair_id
    WHERE i.dataset_digest = ? AND p.origin = 'acc' ORDER BY i.place"""
FORGET_ANSWER = f"""UPDATE model_calls SET response = NULL, request_digest = '',
    status = CASE WHEN status IN {UNDER_WAY} THEN 'interrupted' ELSE status END WHERE id = ?"""
FORGET_PLACE = "UPDATE model_calls SET source = NULL, session_id = NULL, pair_id = NULL, row_ids = '[]' WHERE id = ?"
SELECT_CALLS = "SELECT id, source, session_id, pair_id, request_digest, row_ids, status, response IS NOT NULL FROM model_calls"


class SessionKey(NamedTuple):
    """A session as the store names it: by the redacted id."""

    source: str
    session_id: str


class Statements(Protocol):
    """Whatever runs the portable SQL with `?` for parameters: the store's own database, or a mirror's."""

    def execute(self, sql: str, parameters: Sequence[object] = (), /) -> int:
        """Run one statement and return how many rows it changed."""

    def rows(self, sql: str, parameters: Sequence[object] = (), /) -> Iterator[tuple[Any, ...]]:
        """Yield the rows of a query."""


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """The model calls that some sessions reach.

    `own` were made for them. `shared` were made for others and have the answer to a request of theirs; `sharers` are the
    sessions of those. `answers` counts those of both whose answer is kept, `under_way` those that a batch has not brought yet.
    """

    own: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()
    sharers: tuple[SessionKey, ...] = ()
    answers: int = 0
    under_way: int = 0


def pair_ids(database: Statements, key: SessionKey) -> tuple[str, ...]:
    """Return the ids of all pairs of a session, in whatever state."""
    return tuple(r[0] for r in database.rows("SELECT id FROM pairs WHERE source = ? AND session_id = ? ORDER BY id", key))


def counts_of(database: Statements, keys: Sequence[SessionKey]) -> dict[str, int]:
    """Count the rows that hang on some sessions, by table. Cost: a dozen look-ups by index for each session."""
    counts: Counter[str] = Counter(dict.fromkeys(COUNTED, 0))
    for key in keys:
        for table, which in COUNTED.items():
            counts[table] += sum(int(row[0]) for row in database.rows(f"SELECT count(*) FROM {which}", key))
    counts["lent_items"] = len(lent_items(database, keys))
    return dict(counts)


def calls_of(database: Statements, keys: Collection[SessionKey], pairs: Collection[str], rows: Collection[str]) -> Reached:
    """Return the model calls that some sessions, their pairs or their rows reach. Cost: one pass over the calls.

    `rows` are ids of rows; they decide only for a call that names a source and no session.
    """
    sources = {key.source for key in keys}
    own: dict[str, str] = {}
    others: dict[str, list[tuple[str, SessionKey | None]]] = {}
    held: dict[str, tuple[bool, bool]] = {}
    for call, source, session, pair, digest, listed, status, has_answer in database.rows(SELECT_CALLS):
        place = None if source is None or session is None else SessionKey(source, session)
        shows = place is None and source in sources and listed != "[]" and _meets(listed, rows)
        held[call] = (bool(has_answer), status in UNDER_WAY)
        if place in keys or pair in pairs or shows:
            own[call] = digest
        elif digest:
            others.setdefault(digest, []).append((call, place))
    shared = [other for digest in sorted(set(own.values()) - {""}) for other in others.get(digest, ())]
    reached = [*own, *(call for call, _ in shared)]
    return Reached(
        own=tuple(own),
        shared=tuple(call for call, _ in shared),
        sharers=tuple(sorted({place for _, place in shared if place is not None})),
        answers=sum(held[call][0] for call in reached),
        under_way=sum(held[call][1] for call in reached),
    )


def lent_items(database: Statements, keys: Iterable[SessionKey]) -> tuple[tuple[str, int], ...]:
    """Return (data set digest, place) of the items of others in whose contexts pieces of some sessions may stand.

    A version whose manifest names a session among its lenders does not say which of its `acc` pairs it lent to, so all count.
    """
    digests = [row[0] for key in keys for row in database.rows(FORMS, key)]
    versions = [row[0] for row in database.rows(MANIFESTS) if any(digest in row[1] for digest in digests)]
    return tuple((version, int(row[0])) for version in versions for row in database.rows(LENT_TO, (version,)))


def delete_sessions(database: Statements, keys: Sequence[SessionKey], reached: Reached) -> None:
    """Delete everything that was made from some sessions, inside the caller's transaction; costs keep their sums.

    Deleting what is not there is no error: after an outage a mirror runs the same again.
    """
    for item in lent_items(database, keys):
        database.execute("DELETE FROM dataset_items WHERE dataset_digest = ? AND place = ?", item)
    for key in keys:
        for which in DELETED:
            database.execute(f"DELETE FROM {which}", key)
    for call in (*reached.own, *reached.shared):
        database.execute(FORGET_ANSWER, (call,))
    for call in reached.own:
        database.execute(FORGET_PLACE, (call,))
    _forget_places(database, keys)
    for key in keys:  # a released hold named it in plain
        database.execute(
            "UPDATE holds SET subject = ? WHERE kind = 'session' AND subject = ? AND released_at IS NOT NULL",
            (GONE, key.session_id),
        )


def drop_old_snapshots(database: Statements, source: str) -> None:
    """Delete the statistics of a source that are not current, where sessions of it were erased: nothing reads them any more."""
    erased = "SELECT 1 FROM sessions WHERE source = ? AND state = 'erased'"
    database.execute(f"DELETE FROM snapshots WHERE source = ? AND is_current = 0 AND EXISTS ({erased})", (source, source))


def _meets(listed: str, rows: Collection[str]) -> bool:
    return any(row in rows for row in msgspec.json.decode(listed, type=list[str]))


def _forget_places(database: Statements, keys: Sequence[SessionKey]) -> None:
    """Take sessions out of the findings of whole runs, which name them among places of others."""
    ids: dict[str, list[str]] = {}
    for key in keys:
        ids.setdefault(key.source, []).append(key.session_id)
    for source, names in ids.items():
        found = list(database.rows("SELECT id, detail FROM findings WHERE source = ? AND scope = 'run'", (source,)))
        for identity, detail in found:
            told = without_sessions(detail, names)
            if told != detail:  # the id is a hash of what stood there
                new = short_hash("finding", identity[:8], told)
                database.execute("UPDATE findings SET id = ?, detail = ? WHERE id = ?", (new, told, identity))


def without_sessions(detail: str, names: Iterable[str]) -> str:
    """Return the places of a finding with those of some sessions made unreadable."""
    for name in names:
        detail = re.sub(rf"(row '[^']*' of )?session '{re.escape(name)}'", GONE, detail)
        if len(name) >= TELLING:
            detail = detail.replace(name, GONE)
    return detail
