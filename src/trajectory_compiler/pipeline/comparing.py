"""The log against the store, session by session: how many rows, and the last of them. What a watermark missed shows here."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from trajectory_compiler.pipeline.run import Progress
from trajectory_compiler.sources.touched import SessionTally, Watched
from trajectory_compiler.store.daily import Daily, Kept

REPORT_EVERY = 200


class Comparison(msgspec.Struct, frozen=True, kw_only=True):
    """What comparing found: sessions whose rows are not those that were compiled, and how many are gone from the log."""

    differing: frozenset[str]
    compared: int
    vanished: int


class Comparer:
    """Compares one source. `name` gives a session's name in the store, `min_turns` how long one must be to be compiled.

    Cost: one grouping query in the log, and the row ids of every session whose number of rows agrees.
    """

    def __init__(self, daily: Daily, source: str, name: Callable[[str], str], min_turns: int) -> None:
        self._daily, self._source, self._name, self._min_turns = daily, source, name, min_turns

    def compare(self, watched: Watched, progress: Progress) -> Comparison | None:
        """Return what differs, or None where the log cannot count its sessions without being read as a whole."""
        tallies = watched.tallies()
        if tallies is None:
            return None
        kept = self._daily.kept(self._source)
        seen: set[str] = set()
        found: set[str] = set()
        compared = 0
        for compared, tally in enumerate(tallies, start=1):
            name = tally.session_id if tally.session_id in kept else self._name(tally.session_id)
            seen.add(name)
            if self._differs(tally, name, kept.get(name)):
                found.add(tally.session_id)
            if compared % REPORT_EVERY == 0:
                progress("comparing", compared, None)
        return Comparison(differing=frozenset(found), compared=compared, vanished=len(kept.keys() - seen))

    def _differs(self, tally: SessionTally, name: str, held: Kept | None) -> bool:
        if held is None:
            return tally.rows >= self._min_turns  # a shorter one cannot have been compiled
        if held.digest is None or tally.rows != held.turns:
            return True
        return tally.last_id not in highest(self._daily.row_ids(self._source, name, held.digest))


def highest(ids: Sequence[str]) -> frozenset[str]:
    """Return the highest of some ids in either order that a database may keep them: as texts and as numbers."""
    if not ids:
        return frozenset()
    numbers = [int(one) for one in ids if one.isascii() and one.isdigit()]
    return frozenset({max(ids, key=lambda one: one.encode("utf-8", "surrogatepass")), str(max(numbers, default=""))})
