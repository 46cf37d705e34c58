"""Calls and results in rows of their own, and messages among the calls."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.sources.logs import jsonl, open_bytes, read
from trajectory_compiler.model import Row
from trajectory_compiler.sources import joining


def call(place: int, call_id: str, session: str = "s", **more: Any) -> dict[str, Any]:
    """Return the row of a call."""
    stamp = f"2026-03-01T09:00:{place:02d}.000Z"
    return {
        "session": session,
        "ts": stamp,
        "type": "tool_use",
        "call_id": call_id,
        "name": "look",
        "input": {"n": place},
    } | more


def result(place: int, call_id: str, session: str = "s", **more: Any) -> dict[str, Any]:
    """Return the row of a result."""
    stamp = f"2026-03-01T09:00:{place:02d}.500Z"
    return {"session": session, "ts": stamp, "type": "tool_result", "call_id": call_id, "output": f"saw {place}"} | more


def rows_of(folder: Path, *records: dict[str, Any]) -> tuple[list[Row], dict[str, int]]:
    """Return the rows and the counts of a log of these records."""
    return read(open_bytes(folder, jsonl(records)))


def test_join(tmp_path: Path) -> None:
    """A result completes the call of its id, in the place and with the stamp of the call, however many calls lie between."""
    rows, counts = rows_of(tmp_path, call(0, "a"), call(1, "b"), result(2, "b"), call(3, "c"), result(4, "a"), result(5, "c"))
    assert [(row.arguments["n"], row.response, row.success) for row in rows] == [
        (0, "saw 4", True),
        (1, "saw 2", True),
        (3, "saw 5", True),
    ]
    assert rows[0].created_at == "2026-03-01T09:00:00.000Z"
    assert counts == {}


def test_one_id_in_two_sessions(tmp_path: Path) -> None:
    """Call ids are a session's own: `call_1` of one session never takes the result of another."""
    rows, _ = rows_of(tmp_path, call(0, "x", "s"), call(1, "x", "t"), result(2, "x", "t"), result(3, "x", "s"))
    assert [(row.session_id, row.response) for row in rows] == [("s", "saw 3"), ("t", "saw 2")]


def test_an_id_used_again(tmp_path: Path) -> None:
    """An id may be used again once its call is answered."""
    rows, counts = rows_of(tmp_path, call(0, "x"), result(1, "x"), call(2, "x"), result(3, "x"))
    assert [(row.arguments["n"], row.response) for row in rows] == [(0, "saw 1"), (2, "saw 3")]
    assert counts == {}


def test_call_without_result(tmp_path: Path) -> None:
    """A call whose result never comes is still a row, without outcome, and is noted."""
    rows, counts = rows_of(tmp_path, call(0, "a"), call(1, "b"), result(2, "b"))
    assert [(row.arguments["n"], row.response, row.success) for row in rows] == [(0, None, None), (1, "saw 2", True)]
    assert counts == {"call_without_result": 1}


def test_result_without_call(tmp_path: Path) -> None:
    """A result whose call is nowhere is counted and makes no row."""
    rows, counts = rows_of(tmp_path, call(0, "a"), result(1, "a"), result(2, "zzz"))
    assert len(rows) == 1
    assert counts == {"result_without_call": 1}


def test_result_before_its_call(tmp_path: Path) -> None:
    """In a file that nobody sorted, a result may come first."""
    rows, counts = rows_of(tmp_path, result(1, "a"), call(0, "a"))
    assert [(row.arguments["n"], row.response) for row in rows] == [(0, "saw 1")]
    assert counts == {}


def test_failed_result(tmp_path: Path) -> None:
    """The outcome of the call is what its result says."""
    rows, _ = rows_of(tmp_path, call(0, "a"), result(1, "a", output="Error: gone"), call(2, "b"), result(3, "b", is_error=True))
    assert [row.success for row in rows] == [False, False]


def test_result_that_names_its_tool(tmp_path: Path) -> None:
    """A result may repeat the name of the tool."""
    rows, counts = rows_of(tmp_path, call(0, "a"), result(1, "a", name="look"))
    assert [row.response for row in rows] == ["saw 1"]
    assert counts == {}


def test_complete_rows_with_call_ids(tmp_path: Path) -> None:
    """A log whose rows hold call and result is not taken for a split one because it has a call id."""
    records = [call(n, f"c{n}", output=f"saw {n}") for n in range(3)]
    for item in records:
        del item["type"]
    source = open_bytes(tmp_path, jsonl(records))
    assert not source.mapping.joins
    assert [row.response for row in source.rows()] == ["saw 0", "saw 1", "saw 2"]


def test_waiting_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A call waits for so many rows and no longer, so that one lost result does not fill the memory."""
    monkeypatch.setattr(joining, "WAITING_ROWS", 4)
    records = [call(0, "lost")]
    for place in range(1, 10):
        records += [call(place, f"c{place}"), result(place, f"c{place}")]
    source = open_bytes(tmp_path, jsonl([*records, result(11, "lost")]))
    rows = source.rows()
    first = next(rows)
    assert (first.arguments["n"], first.response) == (0, None)
    assert [row.response for row in rows] == [f"saw {place}" for place in range(1, 10)]
    assert {f.reason: f.count for f in source.findings()} == {"call_without_result": 1, "result_without_call": 1}


def test_messages(tmp_path: Path) -> None:
    """What a user says is a response, what the agent says an argument; system messages and empty ones are counted."""
    stamp = "2026-03-01T09:00:00Z"

    def message(role: str, content: str) -> dict[str, Any]:
        return {"conversation_id": "s", "timestamp": stamp, "role": role, "content": content}

    rows, counts = rows_of(
        tmp_path,
        message("system", "be kind"),
        message("user", "where is T-1?"),
        {**message("assistant", "one moment"), "tool": None},
        {**message("assistant", ""), "tool": "find", "args": '{"id": "T-1"}', "tool_call_id": "c"},
        {**message("tool", '{"desk": 4}'), "tool_call_id": "c"},
        message("assistant", ""),
    )
    assert [(row.tool, row.kind, row.arguments, row.response) for row in rows] == [
        ("message", "exchange", {}, "where is T-1?"),
        ("message", "exchange", {"content": "one moment"}, None),
        ("find", "tool", {"id": "T-1"}, {"desk": 4}),
    ]
    assert counts == {"system_message": 1, "empty_message": 1}


def test_kind_column_of_turn_kinds(tmp_path: Path) -> None:
    """A log that already says tool, exchange and thinking is taken at its word."""
    records = [
        {"session_id": "s", "kind": kind, "tool": tool, "arguments": {}, "response": "ok"}
        for kind, tool in (("tool", "a"), ("exchange", "b"), ("thinking", "c"))
    ]
    rows, counts = rows_of(tmp_path, *records)
    assert [(row.tool, row.kind, row.response) for row in rows] == [
        ("a", "tool", "ok"),
        ("b", "exchange", "ok"),
        ("c", "thinking", "ok"),
    ]
    assert counts == {}
