"""Erasure on recorded logs: what only the erased sessions held is in no byte of the store afterwards."""

from __future__ import annotations

import random
from collections import defaultdict
from pathlib import Path

import pytest

from tests.erasing import found_in
from trajectory_compiler.config import CompileOptions, SessionOptions, SourceOptions
from trajectory_compiler.model import Json
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.forget import Order, carry_out, plan_erasure
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.store import Store

SHORTEST = 8  # characters of a value that is sought
MOST = 400  # values a session


def texts(value: Json) -> set[str]:
    """Return the longer texts of a document, in the form in which JSON writes them."""
    if isinstance(value, dict):
        return set().union(*(texts(item) for item in value.values())) if value else set()
    if isinstance(value, list):
        return set().union(*(texts(item) for item in value)) if value else set()
    plain = isinstance(value, str) and len(value) >= SHORTEST and value.isascii() and value.isprintable()
    return {value[:200]} if plain and not {'"', "\\"} & set(str(value)) else set()


def distinctive(log: Path) -> dict[str, set[str]]:
    """Return, by session, the texts that stand in no other session of a log, not as a part of a longer one either."""
    found: dict[str, set[str]] = {}
    for raw in open_sessions(open_source(str(log), SourceOptions()), SessionOptions(min_turns=1)):
        found[raw.session_id] = set().union(*(texts(row.arguments) | texts(row.response) for row in raw.rows))
    owners: dict[str, set[str]] = defaultdict(set)
    for session, values in found.items():
        for value in values:
            owners[value].add(session)
    return {session: {value for value in values if len(owners[value]) == 1} for session, values in found.items()}


@pytest.mark.parametrize("name", ["tau_airline.jsonl", "coding_agent.jsonl"])
@pytest.mark.parametrize("count", [3, pytest.param(40, marks=pytest.mark.long)])
def test_no_distinctive_value_is_left(recorded: Path, tmp_path: Path, name: str, count: int) -> None:
    """With redaction off every value is in the store before; of random sessions none is after, and the others are whole."""
    log = recorded / name
    own = distinctive(log)
    options = CompileOptions(policy="off", policy_reason="recorded, public", workers=1, sessions=SessionOptions(limit=60))
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(log), options)
        key = load_key(key_path(store.path), create=False)
        sessions = sorted(place.session_id for place in store.erasure.known())
        chosen = random.Random(count).sample(sessions, min(count, len(sessions) - 1))
        kept = sum(1 for pair in store.pairs() if pair.session_id not in chosen)
    everything = [value for session in chosen for value in sorted(own[session])[:MOST]]
    before = set(found_in(tmp_path, everything)["store.db"])
    assert len(before) >= len(everything) * 0.9 > 0
    others = " ".join(value for session in sessions if session not in chosen for value in own[session])
    sought = [value for value in sorted(before) if value not in others]
    with Store.open(tmp_path / "store.db") as store:
        carry_out(store, key, plan_erasure(store, key, Order(kind="session", sessions=tuple(chosen))))
        assert sum(1 for _ in store.pairs()) == kept
    left = found_in(tmp_path, sought)
    assert {value for values in left.values() for value in values if not _elsewhere(log, chosen, value)} == set()


def _elsewhere(log: Path, chosen: list[str], value: str) -> bool:
    """Say whether a value stands in a session that stays after all, as a part of something longer."""
    for raw in open_sessions(open_source(str(log), SourceOptions()), SessionOptions(min_turns=1)):
        if raw.session_id not in chosen and any(value in str((row.arguments, row.response)) for row in raw.rows):
            return True
    return False
