"""Conversations as chat models read them, with the traps of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.sources.formats.lines import Line, told, write_lines
from tests.sources.logs import read
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.model import Row
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.formats.messages import Part, messages_in, parts_of
from trajectory_compiler.sources.mapped import MappedSource


def call(call_id: str, name: str, arguments: str) -> Line:
    """Return a tool call."""
    return {"id": call_id, "type": "function", "function": {"name": name, "arguments": arguments}}


TALK: list[Line] = [
    {"role": "system", "content": "You are a clerk."},
    {"role": "user", "content": "Where are T-1 and T-2?"},
    {
        "role": "assistant",
        "content": None,
        "reasoning_content": "two look-ups",
        "tool_calls": [call("c1", "find", '{"ticket": "T-1"}'), call("c2", "find", "not json")],
    },
    {"role": "tool", "tool_call_id": "c2", "content": "Error: no such ticket"},
    {"role": "tool", "tool_call_id": "c1", "content": '{"place": "north"}'},
    {"role": "assistant", "content": [{"type": "text", "text": "T-1 is north."}], "refusal": None},
]
TURNS = [
    ("message", "exchange", {}, "Where are T-1 and T-2?"),
    ("thinking", "thinking", {"thought": "two look-ups"}, None),
    ("find", "tool", {"ticket": "T-1"}, {"place": "north"}),
    ("find", "tool", {"input": "not json"}, "Error: no such ticket"),
    ("message", "exchange", {"content": "T-1 is north."}, None),
]


def rows_of(path: Path, *lines: Any) -> tuple[list[Row], dict[str, int]]:
    """Write a file and return its rows and what was counted."""
    source = open_source(str(write_lines(path / "talks.jsonl", lines)), SourceOptions())
    assert isinstance(source, MappedSource)
    assert source.format == "OpenAI messages"
    return read(source)


def test_a_conversation(tmp_path: Path) -> None:
    """Each call is a turn with the answer to it, whatever the order of the answers; so is each thing said or thought."""
    rows, counts = rows_of(tmp_path, {"messages": TALK, "tools": [{"type": "function"}], "parallel_tool_calls": True})
    assert told(rows) == TURNS
    assert [row.success for row in rows] == [None, None, True, False, None]
    assert counts == {"system_message": 1}


def test_counts_agree_with_the_file(tmp_path: Path) -> None:
    """Messages, less the system's and the tools', and calls: as many turns as the file holds, for every conversation."""
    lines: list[Line] = [{"messages": TALK[: 2 + place] + TALK[5:], "id": f"talk {place}"} for place in (0, 2)] + [
        {"messages": TALK}
    ]
    rows, _ = rows_of(tmp_path, *lines)
    by_hand = sum(
        (message["role"] in ("user", "assistant") and message["content"] is not None)
        + ("reasoning_content" in message)
        + len(message.get("tool_calls", ()))
        for line in lines
        for message in line["messages"]
    )
    assert len(rows) == by_hand == 2 + 5 + 5
    assert list(dict.fromkeys(row.session_id for row in rows)) == ["talk 0", "talk 2", "talks-000003"]


def test_a_line_for_every_step(tmp_path: Path) -> None:
    """Lines that repeat all that came before are one conversation: a repeated turn would support an answer twice."""
    rows, counts = rows_of(tmp_path, *({"messages": TALK[:length]} for length in (2, 3, 5, 6)), {"messages": TALK[:2]})
    assert told(rows) == [*TURNS, TURNS[0]]
    assert {row.session_id for row in rows} == {"talks-000004", "talks-000005"}
    assert counts == {"prefix_of_next": 3, "system_message": 2}


def test_calls_of_the_first_kind(tmp_path: Path) -> None:
    """Function calls of old have no ids; each is joined with the next answer of its function."""
    old: list[Line] = [
        {"role": "user", "content": "Two prices"},
        {"role": "assistant", "content": None, "function_call": {"name": "price", "arguments": '{"of": "tea"}'}},
        {"role": "function", "name": "price", "content": "2"},
        {"role": "assistant", "content": None, "function_call": {"name": "price", "arguments": '{"of": "bun"}'}},
        {"role": "function", "name": "price", "content": "3"},
    ]
    rows, counts = rows_of(tmp_path, {"messages": old})
    assert [(row.tool, row.arguments, row.response) for row in rows[1:]] == [
        ("price", {"of": "tea"}, "2"),
        ("price", {"of": "bun"}, "3"),
    ]
    assert counts == {}


def test_damage(tmp_path: Path) -> None:
    """Damaged lines and parts of no known form are counted; the conversations around them are read whole."""
    odd = {"role": "oracle", "content": "hm"}
    rows, counts = rows_of(tmp_path, {"messages": TALK}, '{"messages": [{"role"', {"messages": [odd, *TALK]}, {"n": 1})
    assert told(rows) == [*TURNS, *TURNS]
    assert counts == {"unreadable_json": 1, "system_message": 2, "unknown_part": 2}


def test_a_file_for_a_conversation(tmp_path: Path) -> None:
    """One JSON document, pretty-printed, is a conversation of the file's name; so is a bare list of messages."""
    (tmp_path / "one.json").write_text(json.dumps({"messages": TALK}, indent=2))
    (tmp_path / "two.json").write_text(json.dumps(TALK, indent=1))
    for name in ("one", "two"):
        rows, _ = read(open_source(str(tmp_path / f"{name}.json"), SourceOptions()))
        assert told(rows) == TURNS
        assert {row.session_id for row in rows} == {name}
    rows, _ = read(open_source(str(tmp_path), SourceOptions()))
    assert told(rows) == [*TURNS, *TURNS]


def test_a_table_of_messages_is_a_plain_log(tmp_path: Path) -> None:
    """Rows that name session and tool are a table, even where one of their columns holds messages."""
    lines = [{"session_id": "s", "tool": "ask", "messages": [{"role": "user", "content": "hi"}]} for _ in range(3)]
    source = open_source(str(write_lines(tmp_path / "log.jsonl", lines)), SourceOptions())
    assert source.format == "JSONL"


def test_dialects() -> None:
    """One call and its answer, in every dialect of messages that logs hold, are the same parts."""
    arguments = {"ticket": "T-1"}
    text = json.dumps(arguments)
    calls: list[Any] = [
        {"role": "assistant", "tool_calls": [call("c1", "find", text)]},
        {"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "find", "arguments": text},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "c1", "name": "find", "input": arguments}]},
        {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "find", "arguments": arguments}]},
        {"message": {"role": "assistant", "tool_calls": [{"tool_call": call("c1", "find", text)}]}},
        {"type": "ai", "content": "", "tool_calls": [{"id": "c1", "name": "find", "args": arguments}]},
        {"role": "assistant", "content": "", "tool_calls": [{"id": "c1", "function": "find", "arguments": arguments}]},
    ]
    results: list[Any] = [
        {"role": "tool", "tool_call_id": "c1", "content": "north"},
        {"type": "function_call_output", "call_id": "c1", "output": "north"},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1", "content": "north"}]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": "north"}]},
        {
            "message": {
                "role": "tool",
                "tool_call_id": "c1",
                "contents": [{"message_content": {"type": "text", "text": "north"}}],
            }
        },
        {"type": "tool", "content": [{"type": "text", "text": "north"}], "tool_call_id": "c1"},
    ]
    for message in calls:
        assert parts_of(message) == [Part("call", None, "c1", "find", arguments)]
    for message in results:
        (part,) = parts_of(message)
        assert (part.kind, part.said, part.call_id) == ("result", "north", "c1")


def test_what_a_provider_sent() -> None:
    """The messages of a request or a response are found in it; a bare text is a message of its role."""
    message = {"role": "assistant", "content": "hi"}
    assert messages_in({"model": "m", "choices": [{"message": message}]}, "assistant") == [message]
    assert messages_in({"model": "m", "messages": [message]}, "user") == [message]
    assert messages_in([[message]], "user") == [message]
    assert messages_in("hi", "assistant") == [message]
    assert messages_in({"answer": 4}, "assistant") == [{"role": "assistant", "content": {"answer": 4}}]
    assert messages_in(None, "user") == []
