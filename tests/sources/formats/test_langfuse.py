"""Langfuse exports in their forms, with what several observations tell told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.formats.lines import Line, told, write_lines
from tests.sources.logs import read
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.model import Row
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.mapped import MappedSource

USER = {"role": "user", "content": "Where is T-1?"}
CALL = {"id": "c1", "type": "function", "function": {"name": "find", "arguments": '{"ticket": "T-1"}'}}
ASKS = {"role": "assistant", "content": None, "tool_calls": [CALL]}
FOUND = {"role": "tool", "tool_call_id": "c1", "content": '{"place": "north"}'}
SAYS = {"role": "assistant", "content": "It is north."}
TURNS = [
    ("message", "exchange", {}, "Where is T-1?"),
    ("find", "tool", {"ticket": "T-1"}, {"place": "north"}),
    ("message", "exchange", {"content": "It is north."}, None),
]


def observation(identifier: str, kind: str, begins: int, ends: int, given: Any, gave: Any, **more: Any) -> Line:
    """Return an observation as the API gives it."""
    stamps = {"startTime": f"2026-03-01T09:00:{begins:02d}.000Z", "endTime": f"2026-03-01T09:00:{ends:02d}.000Z"}
    fields = {"id": identifier, "traceId": "t1", "type": kind, "name": more.pop("name", kind.lower()), "level": "DEFAULT"}
    return fields | stamps | {"input": given, "output": gave, "parentObservationId": "a"} | more


OBSERVATIONS = [
    observation("a", "AGENT", 0, 9, [USER], SAYS, name="clerk", parentObservationId=None),
    observation("b", "GENERATION", 1, 2, [USER], ASKS, model="m", calculatedTotalCost=0.25),
    observation("c", "TOOL", 3, 5, {"ticket": "T-1"}, {"place": "north"}, name="find"),
    observation("d", "GENERATION", 6, 7, {"messages": [USER, ASKS, FOUND], "tools": []}, {"choices": [{"message": SAYS}]}),
    observation("e", "EMBEDDING", 7, 8, "T-1", None),
    observation("f", "EVALUATOR", 8, 8, "good?", "yes"),
]
TRACE = {"id": "t1", "name": "desk", "timestamp": "2026-03-01T09:00:00Z", "sessionId": "s1", "userId": "u", "input": [USER]}
COUNTS = {"wrapper_span": 1, "other_span": 2, "repeated_message": 3}


def snake(item: Line) -> Line:
    """Return a row as the blob storage integration writes it: snake case, JSON as text, stamps without a zone."""
    names = {"".join(f"_{c.lower()}" if c.isupper() else c for c in key): value for key, value in item.items()}
    for name in ("input", "output"):
        names[name] = json.dumps(names[name]) if isinstance(names.get(name), dict | list) else names.get(name)
    return {k: v.replace("T", " ").rstrip("Z") if k.endswith(("_time", "timestamp")) else v for k, v in names.items()}


def read_back(path: Path) -> tuple[list[Row], dict[str, int]]:
    """Return the rows of an export and what was counted."""
    source = open_source(str(path), SourceOptions())
    assert isinstance(source, MappedSource)
    assert (source.format, source.told.sure) == ("Langfuse export", "certain")
    return read(source)


def test_observations(tmp_path: Path) -> None:
    """Each message, call and result is one turn, whatever repeats it; cost and duration are those of the observations."""
    rows, counts = read_back(write_lines(tmp_path / "o.jsonl", OBSERVATIONS))
    assert told(rows) == TURNS
    assert counts == COUNTS
    assert {(row.session_id, row.agent) for row in rows} == {("t1", "clerk")}
    assert (rows[1].cost_usd, rows[1].duration_ms, rows[1].success) == (0.25, 2000.0, True)


LAYOUTS: dict[str, Any] = {
    "list": OBSERVATIONS,
    "page": {"data": OBSERVATIONS, "meta": {"page": 1}},
    "trace": TRACE | {"observations": OBSERVATIONS},
    "download": {"trace": TRACE, "observations": OBSERVATIONS, "scores": []},
    "session": {"id": "s1", "traces": [TRACE | {"observations": OBSERVATIONS, "sessionId": None}]},
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_layouts(tmp_path: Path, layout: str) -> None:
    """A list, a page of the API, a trace or a session that was downloaded: the same turns, in the session that is named."""
    path = tmp_path / "export.json"
    path.write_text(json.dumps(LAYOUTS[layout], indent=2))
    rows, counts = read_back(path)
    assert told(rows) == TURNS
    has_trace = layout not in ("list", "page")
    assert {row.session_id for row in rows} == {"s1" if has_trace else "t1"}
    assert counts == COUNTS | {"wrapper_span": 1 + has_trace}


def test_the_blob_export(tmp_path: Path) -> None:
    """Traces and observations in files of their own, snake case, exported twice: the trace names the session of its rows."""
    write_lines(tmp_path / "observations" / "1.jsonl", map(snake, OBSERVATIONS))
    write_lines(tmp_path / "observations" / "2.jsonl", map(snake, OBSERVATIONS[2:4]))
    write_lines(tmp_path / "traces" / "1.jsonl", [snake(TRACE | {"projectId": "p"})])
    source = open_source(str(tmp_path), SourceOptions())
    rows, counts = read(source)
    assert source.format == "Langfuse export"
    assert told(rows) == TURNS
    assert {row.session_id for row in rows} == {"s1"}
    assert rows[0].created_at == "2026-03-01T09:00:01.000Z"
    assert counts == COUNTS | {"duplicate_row": 2, "wrapper_span": 2}


def test_functions_that_were_traced(tmp_path: Path) -> None:
    """A span in which nothing lies is a call; one that failed has what its status says."""
    failed = {"level": "ERROR", "statusMessage": "ValueError: no such ticket"}
    rows, counts = read_back(
        write_lines(
            tmp_path / "o.jsonl",
            [
                observation("a", "SPAN", 0, 9, "go", "went", name="main", parentObservationId=None),
                observation("b", "SPAN", 1, 2, {"ticket": "T-1"}, "north", name="find"),
                observation("c", "SPAN", 3, 4, {"ticket": "T-9"}, None, name="find", **failed),
                observation("d", "RETRIEVER", 5, 6, "T-1", ["doc"], name="look up"),
            ],
        )
    )
    assert [(row.tool, row.arguments, row.response, row.success) for row in rows] == [
        ("find", {"ticket": "T-1"}, "north", True),
        ("find", {"ticket": "T-9"}, "ValueError: no such ticket", False),
        ("look up", {"input": "T-1"}, ["doc"], True),
    ]
    assert counts == {"wrapper_span": 1}


def test_damage(tmp_path: Path) -> None:
    """Damaged lines and rows of another kind are counted; the others are read."""
    score = {"id": "x", "name": "quality", "value": 1, "traceId": "t1"}
    rows, counts = read_back(write_lines(tmp_path / "o.jsonl", [*OBSERVATIONS, '{"id": "z", "type', score]))
    assert told(rows) == TURNS
    assert counts == COUNTS | {"unreadable_json": 1, "unknown_part": 1}
