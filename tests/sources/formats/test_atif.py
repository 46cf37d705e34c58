"""ATIF trajectories, with the traps of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.formats.lines import Line, told
from tests.sources.logs import read
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.mapped import MappedSource


def step(number: int, source: str, message: Any, **more: Any) -> Line:
    """Return one step."""
    stamp = f"2026-03-01T09:00:{number:02d}Z"
    return {"step_id": number, "timestamp": stamp, "source": source, "message": message} | more


def call(call_id: str, name: str, **arguments: Any) -> Line:
    """Return a tool call."""
    return {"tool_call_id": call_id, "function_name": name, "arguments": arguments}


def observed(*results: tuple[str | None, Any]) -> Line:
    """Return an observation."""
    return {"results": [{"source_call_id": call_id, "content": content} for call_id, content in results]}


def document(*steps: Line, **more: Any) -> Line:
    """Return a trajectory."""
    agent = {"name": "clerk", "version": "1", "model_name": "m"}
    return {"schema_version": "ATIF-v1.7", "session_id": "s1", "agent": agent, "steps": list(steps)} | more


STEPS = (
    step(1, "system", "be good"),
    step(2, "user", "Where are T-1 and T-2?"),
    step(
        3,
        "agent",
        "I look.",
        reasoning_content="two look-ups",
        tool_calls=[call("c1", "find", ticket="T-1"), call("c2", "find", ticket="T-2")],
        observation=observed(("c2", "south"), ("c1", '{"place": "north"}'), ("c2", "ern")),
        metrics={"cost_usd": 0.5},
    ),
    step(4, "agent", "", tool_calls=[call("c3", "done")], observation=observed((None, "ok"))),
    step(5, "agent", [{"type": "text", "text": "North and south."}]),
    step(6, "agent", "look", observation=observed((None, "screen"))),
)
TURNS = [
    ("message", "exchange", {}, "Where are T-1 and T-2?"),
    ("thinking", "thinking", {"thought": "two look-ups"}, None),
    ("message", "exchange", {"content": "I look."}, None),
    ("find", "tool", {"ticket": "T-1"}, {"place": "north"}),
    ("find", "tool", {"ticket": "T-2"}, "south\nern"),
    ("done", "tool", {}, "ok"),
    ("message", "exchange", {"content": "North and south."}, None),
    ("message", "exchange", {"content": "look"}, None),
    ("observation", "tool", {}, "screen"),
]


def write(path: Path, trajectory: Line) -> Path:
    """Write a trajectory as Harbor does, over many lines."""
    path.write_text(json.dumps(trajectory, indent=2))
    return path


def test_a_trajectory(tmp_path: Path) -> None:
    """Calls are joined with the results of their step; what agent and user said and thought are rows of their own."""
    source = open_source(str(write(tmp_path / "trajectory.json", document(*STEPS))), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert (source.told.format, source.told.sure) == ("ATIF trajectories", "certain")
    assert told(rows) == TURNS
    assert counts == {"system_message": 1}
    assert {(row.session_id, row.agent) for row in rows} == {("s1", "clerk/m")}
    assert sum(row.cost_usd or 0 for row in rows) == 0.5


def test_counts_agree_with_the_file(tmp_path: Path) -> None:
    """Messages, thoughts, calls and observations without a call: the rows are as many as the steps of users and agents hold."""
    rows, _ = read(open_source(str(write(tmp_path / "t.json", document(*STEPS))), SourceOptions()))
    own = [each for each in STEPS if each["source"] != "system"]
    by_hand = sum(
        bool(each["message"]) + ("reasoning_content" in each) + len(each.get("tool_calls", ())) for each in own
    ) + sum("observation" in each and "tool_calls" not in each for each in own)
    assert len(rows) == by_hand == 9


def test_continuations(tmp_path: Path) -> None:
    """A continuation belongs to the session that names it; the steps that it copied are counted, not read again."""
    first = document(*STEPS[:4], continued_trajectory_ref="trajectory.cont-1.json")
    copied = [each | {"is_copied_context": True} for each in STEPS[1:4]]
    write(tmp_path / "trajectory.json", first)
    write(tmp_path / "trajectory.cont-1.json", document(*copied, *STEPS[4:], session_id="s1-cont-1"))
    rows, counts = read(open_source(str(tmp_path), SourceOptions()))
    assert told(rows) == TURNS
    assert {row.session_id for row in rows} == {"s1"}
    assert counts == {"system_message": 1, "copied_context": 3}


def test_trajectories_inside_others_and_of_one_run(tmp_path: Path) -> None:
    """Another agent's trajectory is a session of its own, inside the document or beside it under the same session id."""
    inner = document(step(1, "agent", "inner"), session_id=None, trajectory_id="t-in")
    write(tmp_path / "a.json", document(step(1, "agent", "outer"), subagent_trajectories=[inner]))
    write(tmp_path / "b.json", document(step(1, "agent", "beside"), trajectory_id="t-b"))
    rows, _ = read(open_source(str(tmp_path), SourceOptions()))
    assert [(row.session_id, row.arguments["content"]) for row in rows] == [
        ("s1", "outer"),
        ("s1/t-in", "inner"),
        ("s1/t-b", "beside"),
    ]


def test_damage(tmp_path: Path) -> None:
    """Steps and documents of no known form are counted, a damaged file of a folder too; without a version it is likely."""
    odd = document(STEPS[1], "oops", {"step_id": 3}, *STEPS[4:])  # type: ignore[arg-type]
    del odd["schema_version"]
    source = open_source(str(write(tmp_path / "t.json", odd)), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert source.told.sure == "likely"
    assert len(rows) == 4
    assert counts == {"not_an_object": 1, "unknown_part": 1}
    (tmp_path / "u.json").write_text((tmp_path / "t.json").read_text()[:200])
    assert read(open_source(str(tmp_path), SourceOptions()))[1] == counts | {"other_format": 1}


@pytest.mark.long
def test_what_harbor_wrote(tmp_path: Path) -> None:
    """A trajectory that Harbor's own types wrote is read as the one that was written by hand."""
    trajectories = pytest.importorskip("harbor.models.trajectories", reason="Harbor is not installed")
    whole = trajectories.Trajectory.model_validate(document(*STEPS))
    path = write(tmp_path / "trajectory.json", whole.to_json_dict())
    assert told(read(open_source(str(path), SourceOptions()))[0]) == TURNS
