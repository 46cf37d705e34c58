"""Figures of a store for reports: counts over pairs, sessions, gates, names and calls, each with the sessions behind it.

Nothing here returns text of a log. What a report may publish of it is decided elsewhere: these counts are exact.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator
from typing import Any

import msgspec
import zstandard

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.verifying import calibrations

_LABEL = re.compile(rb"<([A-Z][A-Z_]{1,30})_([0-9]{1,18})>")  # as `redaction.scan.LABEL`, over the bytes of a stored session
_SESSION = "p.source || ' ' || p.session_id"
GATES = (
    f"SELECT f.checker, f.gates, count(*), count(DISTINCT {_SESSION}) FROM proofs f JOIN pairs p ON p.id = f.pair_id "
    "GROUP BY f.checker, f.gates ORDER BY f.checker, f.gates"
)
STATES = f"SELECT p.state, count(*), count(DISTINCT {_SESSION}) FROM pairs p GROUP BY p.state ORDER BY p.state"
# The stored form of each compiled session as it is now, with the policy that it was redacted by.
CURRENT = (
    "SELECT t.content, t.policy_hash FROM sessions s JOIN trajectories t "
    "ON t.source = s.source AND t.session_id = s.session_id AND t.digest = s.digest "
    "WHERE s.state = 'compiled' ORDER BY s.source, s.session_id"
)
POLICIES = (
    "SELECT t.policy_hash, coalesce(p.name, ''), coalesce(p.reason, ''), count(*) FROM sessions s JOIN trajectories t "
    "ON t.source = s.source AND t.session_id = s.session_id AND t.digest = s.digest "
    "LEFT JOIN policies p ON p.hash = t.policy_hash "
    "WHERE s.state = 'compiled' GROUP BY t.policy_hash, p.name, p.reason ORDER BY 4 DESC, t.policy_hash"
)
SOURCES = (
    "SELECT source, state, count(*), sum(turns), max(watermark) FROM sessions GROUP BY source, state ORDER BY source, state"
)
MODELS = (
    "SELECT provider, model, stage, prompt_version, count(*) - sum(from_cache), sum(from_cache), "
    "count(*) - count(cost_pico_usd), coalesce(sum(input_tokens), 0), coalesce(sum(output_tokens), 0), "
    "coalesce(sum(cost_pico_usd), 0), min(created_at), max(created_at) FROM model_calls "
    "GROUP BY provider, model, stage, prompt_version ORDER BY provider, model, stage, prompt_version"
)


class GateCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many proofs of a checker had this outcome of a gate, over how many sessions at least."""

    checker: str
    gate: str
    outcome: bool | None
    count: int
    sessions: int


class StateCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many pairs are in a state, over how many sessions."""

    state: str
    pairs: int
    sessions: int


class NameCount(msgspec.Struct, frozen=True, kw_only=True):
    """How often redaction put a name of a kind: places, different values (told apart within a session), sessions."""

    kind: str
    places: int
    values: int
    sessions: int


class PolicyUse(msgspec.Struct, frozen=True, kw_only=True):
    """A policy and the number of compiled sessions that it redacted. `reason` says why `off` redacted nothing."""

    hash: str
    name: str
    reason: str
    sessions: int


class SourceCount(msgspec.Struct, frozen=True, kw_only=True):
    """The sessions of a source in a state, their turns, and the stamp of the last row."""

    source: str
    state: str
    sessions: int
    turns: int
    last_row: str | None


class ModelUse(msgspec.Struct, frozen=True, kw_only=True):
    """The calls of one model in one stage with one version of its prompts. `unknown` calls have no known price."""

    provider: str
    model: str
    stage: str
    prompt_version: str
    paid: int
    cached: int
    unknown: int
    input_tokens: int
    output_tokens: int
    cost_pico_usd: int
    first_call: str
    last_call: str


class ReadCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """The newest calibration of a reader with a judge and a key, its `figures` read: whatever was measured."""

    reader: str
    judge: str
    key: str
    figures: Any
    created_at: str


class Figures:
    """The counts of an open store. Make one with `Store.figures`; read several inside one `Store.view`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def gates(self) -> tuple[GateCount, ...]:
        """Return the outcomes of every gate by checker. `sessions` is the most that a single pattern of outcomes came from."""
        counts: Counter[tuple[str, str, bool | None]] = Counter()
        sessions: dict[tuple[str, str, bool | None], int] = defaultdict(int)
        for checker, text, count, behind in self._database.rows(GATES):
            for gate, outcome in _json(text, dict[str, bool | None]).items():
                key = (checker, gate, outcome)
                counts[key] += count
                sessions[key] = max(sessions[key], behind)
        return tuple(
            GateCount(checker=key[0], gate=key[1], outcome=key[2], count=count, sessions=sessions[key])
            for key, count in counts.items()
        )

    def pair_states(self) -> tuple[StateCount, ...]:
        """Return how many pairs are in each state."""
        rows = self._database.rows(STATES)
        return tuple(StateCount(state=row[0], pairs=row[1], sessions=row[2]) for row in rows)

    def session_turns(self) -> Iterator[int]:
        """Yield the number of turns of each compiled session."""
        for row in self._database.rows("SELECT turns FROM sessions WHERE state = 'compiled' ORDER BY source, session_id"):
            yield int(row[0])

    def names(self) -> tuple[NameCount, ...]:
        """Return what redaction put in place of values, by kind.

        Cost: every compiled session is unpacked and searched once, about 200 MB of text a second.
        """
        places, values, sessions = Counter[str](), Counter[str](), Counter[str]()
        for content, _ in self._database.rows(CURRENT):
            found = Counter(_LABEL.findall(_unpacked(content)))
            for (kind, _number), count in found.items():
                places[kind.decode()] += count
                values[kind.decode()] += 1
            sessions.update({kind.decode() for kind, _ in found})
        return tuple(NameCount(kind=k, places=places[k], values=values[k], sessions=sessions[k]) for k in sorted(places))

    def policies(self) -> tuple[PolicyUse, ...]:
        """Return the policies of the compiled sessions; a store of version 1 did not keep their names."""
        rows = self._database.rows(POLICIES)
        return tuple(PolicyUse(hash=row[0], name=row[1], reason=row[2], sessions=row[3]) for row in rows)

    def sources(self) -> tuple[SourceCount, ...]:
        """Return the sessions of every source by their state."""
        return tuple(
            SourceCount(source=row[0], state=row[1], sessions=row[2], turns=int(row[3]), last_row=row[4])
            for row in self._database.rows(SOURCES)
        )

    def models(self) -> tuple[ModelUse, ...]:
        """Return which models were asked, for what, how often and at what cost."""
        names = ModelUse.__struct_fields__
        return tuple(ModelUse(**dict(zip(names, row, strict=True))) for row in self._database.rows(MODELS))

    def calibrations(self) -> tuple[ReadCalibration, ...]:
        """Return the newest calibration of every reader, judge and key, the oldest of them first."""
        newest: dict[tuple[str, str, str], ReadCalibration] = {}
        for item in calibrations(self._database):
            name = (item.reader, item.judge, item.key)
            newest.pop(name, None)
            read = msgspec.structs.asdict(item) | {"figures": _json(item.figures, Any)}
            newest[name] = ReadCalibration(**read)
        return tuple(newest.values())


def _json(text: str, kind: Any) -> Any:
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        seen = f"its stored form is damaged ({type(error).__name__})"
        raise StoreError("read the figures of the store", seen, "Restore a backup of the store.") from error


def _unpacked(content: bytes) -> bytes:
    try:
        return zstandard.ZstdDecompressor().decompress(content)
    except zstandard.ZstdError as error:
        seen = "the stored form of a session is damaged"
        raise StoreError("read the figures of the store", seen, "Compile its session again.") from error
