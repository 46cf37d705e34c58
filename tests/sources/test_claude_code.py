"""Claude Code's own session files, with the traps of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.logs import read
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Finding, Row
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import Source, claude_code, open_source
from trajectory_compiler.sources.discover import discover

Line = dict[str, Any]


def line(kind: str, second: int, content: Any, **more: Any) -> Line:
    """Return one line of a session file."""
    session = more.pop("session", "5e55")
    message = (
        {"role": kind, "content": content} | ({"model": "claude-x"} if kind == "assistant" else {}) | more.pop("message", {})
    )
    return {
        "parentUuid": None,
        "isSidechain": False,
        "userType": "external",
        "cwd": "/work",
        "sessionId": session,
        "type": kind,
        "message": message,
        "uuid": f"{session}-{second}",
        "timestamp": f"2026-03-01T09:{second // 60:02d}:{second % 60:02d}.000Z",
    } | more


def call(second: int, call_id: str, tool: str, arguments: Any, **more: Any) -> Line:
    """Return the line of a tool call."""
    return line("assistant", second, [{"type": "tool_use", "id": call_id, "name": tool, "input": arguments}], **more)


def result(second: int, call_id: str, content: Any, **more: Any) -> Line:
    """Return the line of a tool result."""
    block = {"type": "tool_result", "tool_use_id": call_id, "content": content} | more.pop("block", {})
    return line("user", second, [block], **more)


def write(path: Path, *lines: Line) -> Path:
    """Write a session file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(item, separators=(",", ":")) + "\n" for item in lines))
    return path


def source_of(path: Path, *lines: Line) -> Source:
    """Write one session file and open it."""
    return open_source(str(write(path / "5e55.jsonl", *lines)), SourceOptions())


def told(rows: list[Row]) -> list[tuple[str, str, Any, Any]]:
    """Return what a test compares of rows."""
    return [(row.tool, row.kind, row.arguments, row.response) for row in rows]


def test_a_session(tmp_path: Path) -> None:
    """Calls are joined with their results; what user and agent say and think are rows of their own kinds."""
    source = source_of(
        tmp_path,
        line("user", 0, "fix the bug"),
        line("assistant", 1, [{"type": "thinking", "thinking": "look first", "signature": "x"}]),
        line("assistant", 2, [{"type": "text", "text": "I will look."}]),
        call(3, "t1", "Bash", {"command": "ls"}),
        call(4, "t2", "Read", {"file_path": "/work/a.py"}),
        result(5, "t2", "1\tx = 1", toolUseResult={"type": "text", "file": {"filePath": "/work/a.py", "numLines": 1}}),
        result(7, "t1", "a.py\nb.py", toolUseResult={"stdout": "a.py\nb.py", "stderr": "", "interrupted": False}),
        line(
            "user", 8, [{"type": "text", "text": "thanks"}, {"type": "text", "text": "<system-reminder>todo</system-reminder>"}]
        ),
    )
    rows, counts = read(source)
    assert source.format == "Claude Code sessions"
    assert source.name == "claude-code"
    assert told(rows) == [
        ("message", "exchange", {}, "fix the bug"),
        ("thinking", "thinking", {"thought": "look first"}, None),
        ("message", "exchange", {"content": "I will look."}, None),
        ("Bash", "tool", {"command": "ls"}, {"stdout": "a.py\nb.py", "stderr": "", "interrupted": False}),
        ("Read", "tool", {"file_path": "/work/a.py"}, {"type": "text", "file": {"filePath": "/work/a.py", "numLines": 1}}),
        ("message", "exchange", {}, "thanks"),
    ]
    assert [row.id for row in rows[3:5]] == ["t1", "t2"]
    assert [(row.duration_ms, row.success) for row in rows[3:5]] == [(4000.0, True), (1000.0, True)]
    assert {row.agent for row in rows[1:]} == {"claude-code/claude-x"}
    assert counts == {}


def test_failed_call(tmp_path: Path) -> None:
    """A result that is flagged as an error makes the call fail, with the text that the agent saw."""
    rows, _ = read(
        source_of(
            tmp_path,
            call(1, "t1", "Bash", {"command": "make"}),
            result(2, "t1", "Exit code 2\nno rule", block={"is_error": True}, toolUseResult="Error: Exit code 2\nno rule"),
        )
    )
    assert [(row.response, row.success) for row in rows] == [("Exit code 2\nno rule", False)]


def test_responses(tmp_path: Path) -> None:
    """Text blocks are one text, JSON text is parsed once, and what nobody reads as text is left out."""
    edit = {"filePath": "/a", "originalFile": "whole file", "structuredPatch": []}
    image = [{"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "iVBOR"}}]
    read_image = {"type": "image", "file": {"base64": "iVBOR", "type": "image/png"}}
    rows, _ = read(
        source_of(
            tmp_path,
            call(1, "t1", "mcp__desk__find", {}),
            result(2, "t1", [{"type": "text", "text": '{"ticket": 4}'}]),
            call(3, "t2", "Edit", {}),
            result(4, "t2", "done", toolUseResult=edit),
            call(5, "t3", "Shot", {}),
            result(6, "t3", image),
            call(7, "t4", "Read", {}),
            result(8, "t4", image, toolUseResult=read_image),
        )
    )
    assert [row.response for row in rows] == [
        {"ticket": 4},
        {"filePath": "/a", "structuredPatch": []},
        [{"type": "image", "source": {"type": "base64", "media_type": "image/png"}}],
        {"type": "image", "file": {"type": "image/png"}},
    ]


def test_summaries_are_no_turns(tmp_path: Path) -> None:
    """A compacted summary repeats earlier turns; it is dropped in all its forms, and counted."""
    rows, counts = read(
        source_of(
            tmp_path,
            {"type": "summary", "summary": "the bug was in a.py", "leafUuid": "x"},
            line("user", 1, "go on"),
            {"type": "system", "subtype": "compact_boundary", "sessionId": "5e55", "uuid": "b"},
            line("user", 2, "the bug was in a.py", isCompactSummary=True),
            line(
                "user",
                3,
                [{"type": "text", "text": "This session is being continued from a previous conversation that ran out"}],
            ),
        )
    )
    assert told(rows) == [("message", "exchange", {}, "go on")]
    assert counts == {"compacted_summary": 3, "bookkeeping": 1}


def test_injected_lines(tmp_path: Path) -> None:
    """What the client wrote in the user's or the agent's name is no turn."""
    rows, counts = read(
        source_of(
            tmp_path,
            line("user", 0, "Caveat: The messages below", isMeta=True),
            line("user", 1, "<local-command-stdout>ok</local-command-stdout>"),
            line("assistant", 2, [{"type": "text", "text": "API Error: 529"}], isApiErrorMessage=True),
            line("assistant", 3, [{"type": "text", "text": "No response requested."}], message={"model": "<synthetic>"}),
            {"type": "file-history-snapshot", "messageId": "x"},
            line("user", 4, "hello"),
        )
    )
    assert told(rows) == [("message", "exchange", {}, "hello")]
    assert counts == {"injected_message": 1, "api_error_message": 2, "bookkeeping": 1}


def test_clear_begins_another_session(tmp_path: Path) -> None:
    """What follows `/clear` has a session id of its own, in the same file or not; the command itself is no turn."""
    cleared = line("user", 1, "<command-name>/clear</command-name>\n<command-args></command-args>", session="next")
    rows, _ = read(source_of(tmp_path, line("user", 0, "one"), cleared, line("user", 2, "two", session="next")))
    assert [(row.session_id, row.response) for row in rows] == [("5e55", "one"), ("next", "two")]


def test_side_chains_are_sessions(tmp_path: Path) -> None:
    """A subagent's turns, inside the file or in one of its own, are a session of their own; the call that sent it is not."""
    side = {"isSidechain": True}
    write(
        tmp_path / "p" / "5e55.jsonl",
        call(1, "t1", "Task", {"prompt": "look"}),
        line("user", 2, "look", uuid="aaaaaaaa1", **side),
        call(3, "t2", "Grep", {"pattern": "x"}, uuid="b", parentUuid="aaaaaaaa1", **side),
        result(4, "t2", "a.py:1", uuid="c", parentUuid="b", **side),
        result(5, "t1", "found", uuid="d"),
    )
    write(tmp_path / "p" / "5e55" / "subagents" / "agent-a7.jsonl", call(6, "t3", "Read", {}, agentId="a7", **side))
    source = open_source(str(tmp_path), SourceOptions())
    sessions = {t.session_id: [row.tool for row in t.rows] for t in open_sessions(source, SessionOptions(min_turns=1))}
    assert sessions == {"5e55": ["Task"], "5e55/aaaaaaaa": ["message", "Grep"], "5e55/a7": ["Read"]}


def test_resumed_sessions(tmp_path: Path) -> None:
    """Lines that a resumed session repeats are read once, for the session that ended first, whatever the files are called."""
    first = [line("user", 0, "hi", uuid="u0"), call(1, "t1", "Read", {}, uuid="u1"), result(2, "t1", "x", uuid="u2")]
    same_uuids = [item | {"sessionId": "res1"} for item in first]
    new_uuids = [item | {"sessionId": "res2", "uuid": item["uuid"] + "-new"} for item in first]
    write(tmp_path / "p" / "zzz.jsonl", *first)
    write(tmp_path / "p" / "aaa.jsonl", *same_uuids, call(8, "t2", "Bash", {}, session="res1"))
    write(tmp_path / "p" / "bbb.jsonl", *new_uuids, call(9, "t3", "Edit", {}, session="res2"))
    rows, counts = read(open_source(str(tmp_path), SourceOptions()))
    assert [(row.session_id, row.tool) for row in rows] == [
        ("5e55", "message"),
        ("5e55", "Read"),
        ("res1", "Bash"),
        ("res2", "Edit"),
    ]
    assert rows[1].response == "x"
    assert counts == {"duplicate_of_resumed_session": 6, "call_without_result": 2}


def test_places_name_file_and_line(tmp_path: Path) -> None:
    """A finding names the file and the line."""
    path = write(tmp_path / "5e55.jsonl", line("user", 0, "hi"))
    path.write_text(path.read_text() + "oops\n")
    source = open_source(str(path), SourceOptions())
    read(source)
    assert source.findings() == (Finding(stage="sources", reason="unreadable_json", count=1, detail="5e55.jsonl line 2"),)


def test_unreadable_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A session file that cannot be read is counted; the other sessions go on."""
    write(tmp_path / "p" / "good.jsonl", line("user", 0, "hi"))
    gone = write(tmp_path / "p" / "gone.jsonl", line("user", 1, "hi", session="other"))
    source = open_source(str(tmp_path), SourceOptions())
    gone.unlink()
    rows, counts = read(source)
    assert [row.session_id for row in rows] == ["5e55"]
    assert counts == {"unreadable_file": 1}
    write(gone, line("user", 1, "hi"))

    def refuse(path: Path) -> str:
        if path.name == "gone.jsonl":
            raise PermissionError(13, "Permission denied")
        return ""

    monkeypatch.setattr(claude_code, "last_stamp", refuse)
    assert read(open_source(str(tmp_path), SourceOptions()))[1] == {"unreadable_file": 1}


def test_given_columns_mean_a_plain_log(tmp_path: Path) -> None:
    """Whoever names columns wants plain JSON Lines."""
    path = write(tmp_path / "5e55.jsonl", line("user", 0, "hi"))
    source = open_source(str(path), SourceOptions(columns={"tool": "type"}))
    assert source.format == "JSONL"
    assert [row.tool for row in source.rows()] == ["user"]


def test_empty_folder(tmp_path: Path) -> None:
    """An empty folder is no log."""
    with pytest.raises(SourceError, match="holds no file of a format that agents write"):
        open_source(str(tmp_path), SourceOptions())


def test_discover(tmp_path: Path) -> None:
    """The folder under a home is found with its number of files; a home without sessions gives nothing."""
    assert discover(tmp_path) == ()
    path = write(tmp_path / ".claude" / "projects" / "-work" / "5e55.jsonl", line("user", 0, "hi"))
    (found,) = discover(tmp_path)
    assert (found.location, found.files, found.size_bytes) == (str(tmp_path / ".claude" / "projects"), 1, path.stat().st_size)
    assert [row.session_id for row in open_source(found.location, SourceOptions()).rows()] == ["5e55"]
