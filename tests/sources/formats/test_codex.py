"""Codex rollouts, with the traps of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.sources.formats.lines import Line, told, write_lines
from tests.sources.logs import read
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.mapped import MappedSource


def line(second: int, kind: str, **payload: Any) -> Line:
    """Return one line of a rollout."""
    return {"timestamp": f"2026-03-01T09:00:{second:02d}.000Z", "type": kind, "payload": payload}


def item(second: int, kind: str, **payload: Any) -> Line:
    """Return the line of a response item."""
    return line(second, "response_item", type=kind, **payload)


def said(second: int, role: str, text: str) -> Line:
    """Return the line of a message."""
    kind = "output_text" if role == "assistant" else "input_text"
    return item(second, "message", role=role, content=[{"type": kind, "text": text}])


META = line(0, "session_meta", id="c0de", timestamp="2026-03-01T09:00:00.000Z", cwd="/w", cli_version="0.65.0", source="cli")
CONTEXT = line(0, "turn_context", cwd="/w", model="gpt-x")
CALL = item(3, "function_call", name="shell", arguments='{"command": ["ls"]}', call_id="c1")
RESULT = item(
    5,
    "function_call_output",
    call_id="c1",
    output=json.dumps({"output": "a.py\n", "metadata": {"exit_code": 0, "duration_seconds": 0.5}}),
)
SESSION = [
    META,
    item(0, "message", role="developer", content=[{"type": "input_text", "text": "be good"}]),
    said(0, "user", "<environment_context>\n  <cwd>/w</cwd>\n</environment_context>"),
    CONTEXT,
    said(1, "user", "list the files"),
    line(1, "event_msg", type="user_message", message="list the files"),
    item(2, "reasoning", summary=[{"type": "summary_text", "text": "look first"}], encrypted_content="gAAA"),
    item(2, "reasoning", summary=[], encrypted_content="gAAB"),
    CALL,
    item(3, "custom_tool_call", name="apply_patch", input="*** Begin Patch", call_id="c2", status="completed"),
    RESULT,
    item(6, "custom_tool_call_output", call_id="c2", output="Exit code: 1\nWall time: 0.2 seconds\nOutput:\nno such file"),
    said(7, "assistant", "There is a.py."),
    line(7, "event_msg", type="agent_message", message="There is a.py."),
    line(8, "event_msg", type="token_count", info=None),
]
TURNS = [
    ("message", "exchange", {}, "list the files"),
    ("thinking", "thinking", {"thought": "look first"}, None),
    ("shell", "tool", {"command": ["ls"]}, {"output": "a.py\n", "metadata": {"exit_code": 0, "duration_seconds": 0.5}}),
    ("apply_patch", "tool", {"input": "*** Begin Patch"}, "Exit code: 1\nWall time: 0.2 seconds\nOutput:\nno such file"),
    ("message", "exchange", {"content": "There is a.py."}, None),
]
COUNTS = {"system_message": 1, "injected_message": 1, "bookkeeping": 3, "hidden_reasoning": 1}


@pytest.mark.parametrize("suffix", ["jsonl", "jsonl.zst"])
def test_a_rollout(tmp_path: Path, suffix: str) -> None:
    """Each item is one turn, calls joined with results, plain or compressed; what the screen showed again is not."""
    path = write_lines(tmp_path / "rollout-2026-03-01T09-00-00-c0de.jsonl", SESSION)
    if suffix.endswith("zst"):
        data = zstandard.compress(path.read_bytes())
        path.unlink()
        path = path.with_name(path.name + ".zst")
        path.write_bytes(data)
    source = open_source(str(path), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert source.told.format == "Codex rollouts"
    assert source.told.sure == "certain"
    assert told(rows) == TURNS
    assert counts == COUNTS
    assert {row.session_id for row in rows} == {"c0de"}
    assert {row.agent for row in rows} == {"codex/gpt-x"}
    assert [(row.success, row.duration_ms) for row in rows[2:4]] == [(True, 500.0), (False, 200.0)]


def test_counts_agree_with_the_file(tmp_path: Path) -> None:
    """Every line of the file is a turn, a result that is part of one, or counted with its reason."""
    rows, counts = read(open_source(str(write_lines(tmp_path / "r.jsonl", SESSION)), SourceOptions()))
    results, contexts = 2, 2  # session_meta and turn_context only name session and model
    assert len(SESSION) == len(rows) + results + contexts + sum(counts.values())


def test_compaction(tmp_path: Path) -> None:
    """A summary of earlier turns is never a turn, in any of its forms."""
    path = write_lines(
        tmp_path / "r.jsonl",
        [
            *SESSION,
            line(9, "compacted", message="There was a.py", replacement_history=[{"type": "message", "role": "user"}]),
            item(9, "compaction", encrypted_content="gAAC"),
            said(9, "user", "Another language model started to solve this problem and produced a summary of it: a.py"),
            said(10, "user", "go on"),
        ],
    )
    rows, counts = read(open_source(str(path), SourceOptions()))
    assert told(rows) == [*TURNS, ("message", "exchange", {}, "go on")]
    assert counts == COUNTS | {"compacted_summary": 3}


def test_a_fork_repeats_its_origin(tmp_path: Path) -> None:
    """What a fork copies belongs to the session that wrote it first; the fork's own turns are the fork's."""
    folder = tmp_path / "2026" / "03"
    write_lines(folder / "01" / "rollout-2026-03-01T09-00-00-c0de.jsonl", SESSION)
    fork = line(20, "session_meta", id="f0", forked_from_id="c0de")
    write_lines(folder / "02" / "rollout-2026-03-02T09-00-00-f0.jsonl", [fork, *SESSION, said(21, "user", "another way")])
    source = open_source(str(tmp_path), SourceOptions())
    rows, counts = read(source)
    assert source.name == "codex"
    assert [row.session_id for row in rows] == ["c0de"] * 5 + ["f0"]
    assert counts["duplicate_of_resumed_session"] == 7  # 5 turns, 2 of which have a result line


def test_early_rollouts(tmp_path: Path) -> None:
    """The first versions wrote bare items without stamps; they keep the order of the file, and a repeated answer stays."""
    items = [
        {"id": "e1", "timestamp": "2025-05-01T09:00:00.000Z", "instructions": None},
        {"record_type": "state"},
        *(each["payload"] for each in (said(1, "user", "yes"), CALL, RESULT, said(2, "user", "yes"))),
    ]
    source = open_source(str(write_lines(tmp_path / "rollout-2025-05-01-e1.jsonl", items)), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert source.told.sure == "likely"
    assert [(row.session_id, row.tool, row.created_at) for row in rows] == [
        ("e1", "message", None),
        ("e1", "shell", None),
        ("e1", "message", None),
    ]
    assert counts == {"bookkeeping": 1}


def test_without_its_first_line(tmp_path: Path) -> None:
    """A rollout whose first line is damaged takes its session from the file's name; the damaged line is counted."""
    path = write_lines(tmp_path / "rollout-x.jsonl", ['{"timestamp": "2026-03-01', *SESSION[4:7], "oops"])
    source = open_source(str(path), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert source.told.sure == "likely"
    assert [row.session_id for row in rows] == ["rollout-x"] * 2
    assert counts == {"unreadable_json": 2, "bookkeeping": 1}
    places = {finding.reason: finding.detail for finding in source.findings()}
    assert places["unreadable_json"] == "rollout-x.jsonl line 1, rollout-x.jsonl line 5"
