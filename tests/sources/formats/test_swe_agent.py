"""SWE-agent trajectories, with the traps of the format."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.formats.lines import Line, told
from tests.sources.logs import read
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Row
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.mapped import MappedSource


def step(action: str, observation: str, thought: str) -> Line:
    """Return one step of a trajectory."""
    state = {"open_file": "n/a", "working_dir": "/repo"}
    more = {"response": f"{thought}\n```\n{action}\n```", "thought": thought, "execution_time": 0.25, "state": state}
    return {"action": action, "observation": observation} | more


def acted(action: str, name: str, arguments: str) -> Line:
    """Return the history's message of an action that was a function call."""
    call = {"id": f"call_{name}", "type": "function", "function": {"name": name, "arguments": arguments}}
    more = {"agent": "main", "message_type": "action", "tool_calls": [call]}
    return {"role": "assistant", "content": "thought", "thought": "thought", "action": action} | more


STEPS = [
    step("find_file a.py", "Found 1 match: /repo/a.py", "find it first"),
    step("python3 /repo/a.py", "8.2", ""),
    step("submit", "diff --git a/a.py", "done"),
]
DOCUMENT: Line = {
    "environment": "main",
    "trajectory": STEPS,
    "history": [
        {"role": "system", "content": "You are a programmer.", "agent": "main", "message_type": "system_prompt"},
        {"role": "user", "content": "Here is how others did it", "is_demo": True, "agent": "main"},
        {"role": "user", "content": "Fix the issue", "agent": "main", "message_type": "observation"},
        acted("find_file a.py", "find_file", '{"file_name": "a.py"}'),
        {"role": "tool", "content": "Found 1 match", "tool_call_ids": ["call_find_file"], "message_type": "observation"},
        acted("python3 /repo/a.py", "bash", '{"command": "python3 /repo/a.py"}'),
        {"role": "user", "content": "8.2", "message_type": "observation"},
    ],
    "info": {"exit_status": "submitted", "submission": "diff", "model_stats": {"instance_cost": 0.1}},
}
TURNS = [
    ("message", "exchange", {}, "Fix the issue"),
    ("thinking", "thinking", {"thought": "find it first"}, None),
    ("find_file", "tool", {"file_name": "a.py"}, "Found 1 match: /repo/a.py"),
    ("bash", "tool", {"command": "python3 /repo/a.py"}, "8.2"),
    ("thinking", "thinking", {"thought": "done"}, None),
    ("submit", "tool", {"command": "submit"}, "diff --git a/a.py"),
]


def rows_of(path: Path, document: Any, name: str = "repo-1.traj") -> tuple[list[Row], dict[str, int]]:
    """Write a trajectory and return its rows and what was counted."""
    (path / name).write_text(json.dumps(document, indent=2))
    source = open_source(str(path / name), SourceOptions())
    assert isinstance(source, MappedSource)
    assert (source.format, source.told.sure) == ("SWE-agent trajectories", "certain")
    return read(source)


def test_a_trajectory(tmp_path: Path) -> None:
    """Each step is a call with its observation, and a thought; the history gives task, tool and arguments, no second turns."""
    rows, counts = rows_of(tmp_path, DOCUMENT)
    assert told(rows) == TURNS
    assert counts == {"system_message": 1, "demonstration": 1}
    assert {row.session_id for row in rows} == {"repo-1"}
    assert [row.duration_ms for row in rows if row.kind == "tool"] == [250.0] * 3


def test_counts_agree_with_the_file(tmp_path: Path) -> None:
    """As many calls as steps, as many thoughts as steps with one, and one task."""
    rows, _ = rows_of(tmp_path, DOCUMENT)
    kinds = [row.kind for row in rows]
    assert kinds.count("tool") == len(STEPS)
    assert kinds.count("thinking") == sum(bool(each["thought"]) for each in STEPS)
    assert kinds.count("exchange") == 1


def test_without_a_history(tmp_path: Path) -> None:
    """Without function calls the tool is the command's first word; a step without an action keeps its observation."""
    rows, _ = rows_of(tmp_path, {"trajectory": [*STEPS[:2], step("", "Exited", "")], "info": {}})
    assert [(row.tool, row.arguments) for row in rows if row.kind == "tool"] == [
        ("find_file", {"command": "find_file a.py"}),
        ("python3", {"command": "python3 /repo/a.py"}),
        ("no_action", {}),
    ]


def test_attempts(tmp_path: Path) -> None:
    """Each attempt is a session; the document around them repeats the best one and is not read again."""
    rows, counts = rows_of(tmp_path, DOCUMENT | {"attempts": [DOCUMENT, DOCUMENT | {"trajectory": STEPS[:1]}]})
    sessions = [row.session_id for row in rows]
    assert [sessions.count(f"repo-1/attempt-{number}") for number in (1, 2)] == [6, 3]
    assert counts["repeated_session"] == 1


def test_a_folder(tmp_path: Path) -> None:
    """The files of a folder are sessions by their paths; other files and damaged ones are counted."""
    for folder in ("run-1", "run-2"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "repo-1.traj").write_text(json.dumps(DOCUMENT))
    (tmp_path / "run-2" / "preds.json").write_text('{"repo-1": {}}')
    (tmp_path / "run-2" / "cut.traj").write_text(json.dumps(DOCUMENT, indent=1)[:400])
    source = open_source(str(tmp_path), SourceOptions())
    rows, counts = read(source)
    assert told(rows) == [*TURNS, *TURNS]
    assert list(dict.fromkeys(row.session_id for row in rows)) == ["run-1/repo-1", "run-2/repo-1"]
    assert counts == {"other_format": 2, "system_message": 2, "demonstration": 2}
    assert isinstance(source, MappedSource)
    assert source.told.signs[-1] == "2 of 4 files are of this format"


def test_damage(tmp_path: Path) -> None:
    """Steps of no known form are counted; a document that ends early is no log, in one sentence."""
    rows, counts = rows_of(tmp_path, DOCUMENT | {"trajectory": [STEPS[0], "oops", {"state": "x"}, STEPS[2]]})
    assert sum(row.kind == "tool" for row in rows) == 2
    assert counts["unknown_part"] == 2
    (tmp_path / "cut.traj").write_text(json.dumps(DOCUMENT, indent=1)[:400])
    with pytest.raises(SourceError, match="no line is a JSON object"):
        open_source(str(tmp_path / "cut.traj"), SourceOptions())
