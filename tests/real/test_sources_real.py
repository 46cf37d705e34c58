"""The recorded logs, read to the last row and compared with a plain reading of their JSON."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path
from typing import Any

import pytest

from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.sessions import SessionTally, is_effect, open_sessions
from trajectory_compiler.sources import open_source

LOGS = {"tau_airline": (2424, 198, 1270, 90), "coding_agent": (628, 8, 0, 0), "cloudtrail": (2351, 5, 0, 0)}


@pytest.fixture(params=LOGS)
def log(request: pytest.FixtureRequest, recorded: Path) -> Path:
    """Return each recorded log in turn."""
    return recorded / f"{request.param}.jsonl"


def parsed_once(value: Any) -> Any:
    """Return JSON text of an object or list as its value, by the standard library."""
    if isinstance(value, str) and value.strip()[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


def test_every_row(log: Path) -> None:
    """Every row is read, with the values that a plain reading gives; nothing is dropped and nothing noted."""
    raw = [json.loads(line) for line in log.read_text().splitlines()]
    source = open_source(str(log), SourceOptions())
    rows = list(source.rows())
    assert source.findings() == ()
    assert (len(rows), len({row.session_id for row in rows})) == LOGS[log.stem][:2]
    for row, item in zip(rows, raw, strict=True):
        assert (row.id, row.session_id, row.agent, row.tool) == (item["id"], item["session_id"], item["agent"], item["tool"])
        assert (row.created_at, row.duration_ms) == (item["created_at"], item["duration_ms"])
        assert row.arguments == parsed_once(item["arguments"])
        assert row.response == parsed_once(item["response"])
        assert row.extra == {}


def test_kinds(log: Path) -> None:
    """User exchanges and thoughts are told from tool turns, and the mapping shows by which names."""
    source = open_source(str(log), SourceOptions())
    kinds = [row.kind for row in source.rows()]
    assert (kinds.count("exchange"), kinds.count("thinking")) == LOGS[log.stem][2:]
    assert source.mapping.kinds == ({"respond": "exchange", "think": "thinking"} if log.stem == "tau_airline" else {})


def test_sessions(log: Path) -> None:
    """Sessions come whole, in order, the same from a compressed copy; too short ones are counted."""
    rows, sessions, *_ = LOGS[log.stem]
    found = open_sessions(open_source(str(log), SourceOptions()), SessionOptions(min_turns=1))
    assert sum(len(t.rows) for t in found) == rows
    assert found.tally == SessionTally(rows=rows, sessions=sessions, qualified=sessions)
    for trajectory in found:
        stamps = [row.created_at or "" for row in trajectory.rows]
        assert stamps == sorted(stamps)
    six = open_sessions(open_source(str(log), SourceOptions()), SessionOptions())
    left_out = sum(f.count for f in six.findings() if f.reason == "too_few_turns")
    assert six.tally.qualified + left_out == sessions


def test_compressed_and_shuffled_copy(log: Path, tmp_path: Path) -> None:
    """A compressed copy whose rows alternate between sessions gives the same sessions with the same digests."""
    lines = log.read_bytes().splitlines(keepends=True)
    spread = [line for place in range(7) for line in lines[place::7]]
    copy = tmp_path / f"{log.name}.gz"
    copy.write_bytes(gzip.compress(b"".join(spread), 1))
    options = SessionOptions(min_turns=1)
    original = {t.session_id: t.digest for t in open_sessions(open_source(str(log), SourceOptions()), options)}
    shuffled = open_sessions(open_source(str(copy), SourceOptions()), options)
    assert {t.session_id: t.digest for t in shuffled} == original


def test_outcomes(recorded: Path) -> None:
    """Failures are recognised: tau's error texts, the coding agent's flagged errors, CloudTrail's error codes."""
    failed, signs = {}, {"tau_airline": '"response": "Error', "coding_agent": '"is_error": true', "cloudtrail": '"errorCode": '}
    flagged = {}
    for name, sign in signs.items():
        path = recorded / f"{name}.jsonl"
        failed[name] = sum(row.success is False for row in open_source(str(path), SourceOptions()).rows())
        flagged[name] = sum(sign in line for line in path.read_text().splitlines())
    assert min(failed.values()) > 30
    assert failed == flagged | {"coding_agent": flagged["coding_agent"] + 1}  # and one plain "Error: unknown ..."


def test_effects(recorded: Path) -> None:
    """Of tau's tools, exactly those that write to its database or hand over are effects."""
    rows = open_source(str(recorded / "tau_airline.jsonl"), SourceOptions()).rows()
    effects = {row.tool for row in rows if is_effect(row.tool)}
    writing = ("book_reservation", "cancel_reservation", "send_certificate", "transfer_to_human_agents")
    updates = (f"update_reservation_{what}" for what in ("baggages", "flights", "passengers"))
    assert effects == set(itertools.chain(writing, updates))
