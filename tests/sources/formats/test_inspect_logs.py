"""Logs of Inspect evaluations, written by Inspect itself, and the traps of the format."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

import pytest

from tests.sources.formats.lines import Line, told
from tests.sources.logs import read
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.mapped import MappedSource

NOTE = "x" * 200  # longer than what Inspect keeps in place: it becomes an attachment
TURNS = [
    ("message", "exchange", {}, "Where is T-1?"),
    ("message", "exchange", {"content": "let me see"}, None),
    ("find", "tool", {"ticket": "T-1"}, {"place": "north", "note": NOTE}),
    ("message", "exchange", {"content": "let me see"}, None),
    ("find", "tool", {"ticket": "T-9"}, "no such ticket"),
    ("message", "exchange", {"content": "It is north."}, None),
]


@pytest.fixture(scope="module")
def evaluated(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder with the log of an evaluation of one sample in two epochs; it asks no model."""
    inspect_ai = pytest.importorskip("inspect_ai")
    from inspect_ai.dataset import Sample  # noqa: PLC0415 - an optional part
    from inspect_ai.model import ChatMessageAssistant, execute_tools  # noqa: PLC0415
    from inspect_ai.solver import solver  # noqa: PLC0415
    from inspect_ai.tool import ToolCall, ToolError, tool  # noqa: PLC0415

    @tool
    def find() -> Any:
        async def execute(ticket: str) -> str:
            """Find a ticket.

            Args:
                ticket: Its number.
            """
            if ticket == "T-9":
                raise ToolError("no such ticket")
            return json.dumps({"place": "north", "note": NOTE})

        return execute

    @solver
    def clerk() -> Any:
        async def solve(state: Any, _generate: Any) -> Any:
            for number, ticket in enumerate(("T-1", "T-9")):
                call = ToolCall(id=f"c{number}", function="find", arguments={"ticket": ticket})
                state.messages.append(ChatMessageAssistant(content="let me see", tool_calls=[call]))
                answers, _ = await execute_tools(state.messages, [find()])
                state.messages.extend(answers)
            state.messages.append(ChatMessageAssistant(content="It is north."))
            return state

        return solve

    folder = tmp_path_factory.mktemp("logs")
    sample = Sample(id="a", input="Where is T-1?", target="north")
    task = inspect_ai.Task(dataset=[sample], solver=clerk(), epochs=2, name="desk")
    (log,) = inspect_ai.eval(task, model="mockllm/model", log_dir=str(folder), display="none")
    assert log.status == "success"
    return folder


def test_a_log_that_inspect_wrote(evaluated: Path) -> None:
    """Every epoch is a session with the turns that the agent took: attachments put back, errors told, stamps of the events."""
    (path,) = evaluated.glob("*.eval")
    source = open_source(str(path), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert (source.told.format, source.told.sure) == ("Inspect logs", "certain")
    assert told(rows) == [*TURNS, *TURNS]
    assert counts == {}
    sessions = list(dict.fromkeys(row.session_id for row in rows))
    assert [session.rpartition("/")[0] for session in sessions] == ["desk/a/1", "desk/a/2"]
    calls = [row for row in rows if row.kind == "tool"]
    assert [row.success for row in calls] == [True, False] * 2
    assert all(row.created_at and row.duration_ms is not None for row in calls)
    assert [row.created_at for row in rows[:6]] == sorted(row.created_at or "" for row in rows[:6])


def test_the_json_form_and_the_archive_agree(evaluated: Path, tmp_path: Path) -> None:
    """Inspect's other form of the same log gives the same rows; both in one folder are read once."""
    pytest.importorskip("inspect_ai")
    from inspect_ai.log import read_eval_log, write_eval_log  # noqa: PLC0415 - an optional part

    (path,) = evaluated.glob("*.eval")
    write_eval_log(read_eval_log(str(path)), str(tmp_path / "log.json"))
    rows, _ = read(open_source(str(path), SourceOptions()))
    assert read(open_source(str(tmp_path / "log.json"), SourceOptions())) == (rows, {})
    (tmp_path / path.name).write_bytes(path.read_bytes())
    both, counts = read(open_source(str(tmp_path), SourceOptions()))
    assert both == rows
    assert counts == {"repeated_session": 2}


def archive(path: Path, *samples: Line, method: int = zipfile.ZIP_DEFLATED) -> Path:
    """Write a log by hand."""
    with zipfile.ZipFile(path, "w", method) as out:
        out.writestr("_journal/start.json", json.dumps({"version": 2, "eval": {"task": "desk", "model": "m", "eval_id": "e"}}))
        for number, sample in enumerate(samples, 1):
            out.writestr(f"samples/{number}_epoch_1.json", json.dumps({"id": number, "epoch": 1} | sample))
    return path


def said(text: str) -> Line:
    """Return a sample of one message."""
    return {"messages": [{"role": "user", "content": text}]}


def tool_event(call: str, span: str, **more: Any) -> Line:
    """Return the event of a tool call."""
    stamp = f"2026-03-01T09:00:0{call[-1]}+00:00"
    event = {"event": "tool", "id": call, "function": "find", "arguments": {}, "result": f"r{call[-1]}", "span_id": span}
    return event | {"timestamp": stamp, "working_time": 0.5} | more


def test_agents_inside_others(tmp_path: Path) -> None:
    """Calls that only the events hold, of an agent of their own, are a session of their own; none is lost."""
    spans = [
        {"event": "span_begin", "id": "s1", "type": "agent", "name": "clerk"},
        {"event": "span_begin", "id": "s2", "parent_id": "s1", "type": "agent", "name": "porter"},
    ]
    call = {"id": "c1", "function": "find", "arguments": {}}
    messages = [
        {"role": "assistant", "content": "", "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "c1", "content": "r1"},
    ]
    events = [*spans, tool_event("c1", "s1"), tool_event("c2", "s2"), tool_event("c3", "s1"), tool_event("c4", "")]
    rows, counts = read(
        open_source(str(archive(tmp_path / "l.eval", {"messages": messages, "events": events})), SourceOptions())
    )
    assert [(row.session_id, row.response) for row in rows] == [
        ("desk/1/1/e", "r1"),
        ("desk/1/1/e/porter-s2", "r2"),
        ("desk/1/1/e", "r3"),
        ("desk/1/1/e", "r4"),
    ]
    assert counts == {}


def test_a_sample_that_failed(tmp_path: Path) -> None:
    """A sample whose messages were lost with its failure has the calls of its events."""
    events = [tool_event("c1", "s1"), tool_event("c2", "s1", error={"type": "timeout", "message": "too slow"})]
    sample = {"messages": [], "events": events, "error": {"message": "x"}}
    rows, _ = read(open_source(str(archive(tmp_path / "l.eval", sample)), SourceOptions()))
    assert [(row.response, row.success, row.duration_ms) for row in rows] == [("r1", True, 500.0), ("too slow", False, 500.0)]


def test_demonstrations_are_no_turns(tmp_path: Path) -> None:
    """What an assistant says in the sample's own input was never done."""
    shown = [{"role": "user", "content": "2+2?", "source": "input"}, {"role": "assistant", "content": "4", "source": "input"}]
    rows, counts = read(open_source(str(archive(tmp_path / "l.eval", {"messages": shown})), SourceOptions()))
    assert told(rows) == [("message", "exchange", {}, "2+2?")]
    assert counts == {"demonstration": 1}


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_damage(tmp_path: Path, method: int) -> None:
    """A damaged sample is counted under its name; the others are read."""
    path = archive(tmp_path / "l.eval", said("one" * 50), said("two" * 50), said("six" * 50), method=method)
    with zipfile.ZipFile(path) as whole:
        place = whole.getinfo("samples/2_epoch_1.json").header_offset
    data = bytearray(path.read_bytes())
    data[place + 60 : place + 80] = bytes(20)
    path.write_bytes(data)
    source = open_source(str(path), SourceOptions())
    rows, counts = read(source)
    assert [row.response for row in rows] == ["one" * 50, "six" * 50]
    assert counts == {"damaged_member": 1}
    assert source.findings()[0].detail == "l.eval samples/2_epoch_1.json"


def test_an_archive_that_ends_early(tmp_path: Path, evaluated: Path) -> None:
    """An archive without its directory is read as far as it goes, deflated or Zstandard."""
    path = archive(tmp_path / "l.eval", said("one"), said("two"), said("six"))
    with zipfile.ZipFile(path) as whole:
        place = whole.getinfo("samples/3_epoch_1.json").header_offset
    path.write_bytes(path.read_bytes()[: place + 65])
    rows, counts = read(open_source(str(path), SourceOptions()))
    assert [row.response for row in rows] == ["one", "two"]
    assert counts == {"truncated": 1, "damaged_member": 1}
    (full,) = evaluated.glob("*.eval")
    data = full.read_bytes()
    path.write_bytes(data[: data.index(b"samples/a_epoch_2.json") + 500])
    rows, counts = read(open_source(str(path), SourceOptions()))
    assert told(rows) == TURNS
    assert counts == {"truncated": 1, "damaged_member": 1}


def test_samples_that_are_none(tmp_path: Path) -> None:
    """A sample that is no JSON is counted; an archive of something else is no log."""
    path = archive(tmp_path / "l.eval", said("one"))
    with zipfile.ZipFile(path, "a") as out:
        out.writestr("samples/9_epoch_1.json", "{")
        out.writestr("samples/10_epoch_1.json", "[]")
    rows, counts = read(open_source(str(path), SourceOptions()))
    assert [row.response for row in rows] == ["one"]
    assert counts == {"unreadable_json": 1, "not_an_object": 1}
    with zipfile.ZipFile(tmp_path / "other.zip", "w") as out:
        out.writestr("readme.txt", "hi")
    with pytest.raises(SourceError, match="no line is a JSON object"):
        open_source(str(tmp_path / "other.zip"), SourceOptions())
