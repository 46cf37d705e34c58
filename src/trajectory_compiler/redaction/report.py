"""What a redaction run did, in types, counts and places: what people read before they hand a copy on. It holds no values."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable

import msgspec

from trajectory_compiler.model import RawTrajectory, Trajectory
from trajectory_compiler.redaction.changes import Change, changes
from trajectory_compiler.redaction.policy import Limits, Policy
from trajectory_compiler.redaction.pseudonyms import Named
from trajectory_compiler.redaction.scan import LABEL

PLACES_SHOWN = 40
_TOP_FIELDS = ("agent", "tool", "created_at")
_NUMBER = re.compile(r"(?<=/)[0-9]+(?=/|$)|[0-9a-fA-F-]{16,}|[0-9]{4,}")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where something was replaced: tool, and the path in its row with list indices and ids as `*`."""

    tool: str
    path: str
    count: int


class TypeReport(msgspec.Struct, frozen=True, kw_only=True):
    """One type: how many different values (added up over the sessions), how often they were replaced, and where most often."""

    type: str
    values: int
    replaced: int
    sessions: int
    places: tuple[Place, ...]
    more_places: int


class Unscanned(msgspec.Struct, frozen=True, kw_only=True):
    """Why leaves could not be scanned, how many, and where most often."""

    reason: str
    count: int
    places: tuple[Place, ...]


class Blocked(msgspec.Struct, frozen=True, kw_only=True):
    """A session that was left out, and why. Its name is a hash where the id may be personal itself."""

    session: str
    reason: str
    rows: int


class RedactionReport(msgspec.Struct, frozen=True, kw_only=True):
    """The whole report. `policy_reason` says why nothing was looked for; `dropped` counts rows that nobody could read."""

    source: str
    policy: str
    policy_hash: str
    policy_reason: str
    scope: str
    rows: int
    rows_written: int
    sessions: int
    types: tuple[TypeReport, ...]
    unscanned: tuple[Unscanned, ...]
    blocked: tuple[Blocked, ...]
    dropped: dict[str, int]


class Tally:
    """Counts over the sessions of a run."""

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._values: Counter[str] = Counter()
        self._sessions: Counter[str] = Counter()
        self._places: dict[str, Counter[tuple[str, str]]] = {}
        self._unscanned: dict[str, Counter[tuple[str, str]]] = {}
        self._blocked: list[Blocked] = []
        self.rows = self.rows_written = self.sessions = 0

    def add(self, redacted: Trajectory, named: tuple[Named, ...], changed: Iterable[tuple[int, str, Change]]) -> None:
        """Count one session. `changed` gives the number of the row, the field, and the change."""
        kinds = {item.name: item.identity.kind for item in named}
        found = Counter(item.identity.kind for item in named)
        self._values.update(found)
        self._sessions.update(dict.fromkeys(found, 1))
        for row, field, change in changed:
            tool = redacted.turns[row].tool if row < len(redacted.turns) else ""
            place = (tool, f"{field}{_NUMBER.sub('*', change.path)}{' (key)' if change.is_key else ''}")
            for name in LABEL.findall(change.after):
                if name in kinds:
                    self._places.setdefault(kinds[name], Counter())[place] += 1
                    if kinds[name] == "UNSCANNED":
                        reason = reason_unscanned(change, self._policy.limits)
                        self._unscanned.setdefault(reason, Counter())[place] += 1

    def add_blocked(self, name: str, reason: str, rows: int) -> None:
        """Count a session that was left out."""
        self._blocked.append(Blocked(session=name, reason=reason, rows=rows))

    def report(self, source: str, dropped: dict[str, int]) -> RedactionReport:
        """Return the report of what was counted so far."""
        policy = self._policy
        types = [self._type(kind) for kind in self._values if kind != "UNSCANNED"]
        return RedactionReport(
            source=source,
            policy=policy.name,
            policy_hash=policy.hash,
            policy_reason=policy.reason,
            scope=policy.scope,
            rows=self.rows,
            rows_written=self.rows_written,
            sessions=self.sessions,
            types=tuple(sorted(types, key=lambda t: (-t.replaced, t.type))),
            unscanned=tuple(
                Unscanned(reason=reason, count=places.total(), places=_listed(places))
                for reason, places in sorted(self._unscanned.items())
            ),
            blocked=tuple(self._blocked),
            dropped=dropped,
        )

    def _type(self, kind: str) -> TypeReport:
        places = self._places.get(kind, Counter())
        return TypeReport(
            type=kind,
            values=self._values[kind],
            replaced=places.total(),
            sessions=self._sessions[kind],
            places=_listed(places),
            more_places=max(0, len(places) - PLACES_SHOWN),
        )


def changes_of(raw: RawTrajectory, redacted: Trajectory) -> Iterable[tuple[int, str, Change]]:
    """Yield row number, field and change for everything that differs between a session and its redacted form."""
    yield from ((0, "session_id", change) for change in changes(raw.session_id, redacted.session_id))
    for number, (row, turn) in enumerate(zip(raw.rows, redacted.turns, strict=True)):
        yield from ((number, "id", change) for change in changes(row.id, turn.row_id))
        for field in (*_TOP_FIELDS, "arguments", "response"):
            yield from ((number, field, change) for change in changes(getattr(row, field), getattr(turn, field)))


def reason_unscanned(change: Change, limits: Limits) -> str:
    """Say why a leaf could not be scanned, as far as its original tells."""
    if isinstance(change.before, dict | list):
        return "too deep"
    text = str(change.before)
    if len(text) > limits.max_leaf_characters:
        return "too long"
    if any("\ud800" <= character <= "\udfff" for character in text):
        return "broken text"
    return "binary"


def _listed(places: Counter[tuple[str, str]]) -> tuple[Place, ...]:
    ordered = sorted(places.items(), key=lambda item: (-item[1], item[0]))
    return tuple(Place(tool=tool, path=path, count=count) for (tool, path), count in ordered[:PLACES_SHOWN])
