"""Edits: what they change, what they leave alone, and what a fresh value looks like."""

from __future__ import annotations

from typing import Any

import pytest

from tests.building import session, turn
from trajectory_compiler.errors import ProgramError
from trajectory_compiler.verification import Edit, apply_edits
from trajectory_compiler.verification.evaluate import View, fresh, occurs

TURNS = session(
    ("read", {"a/b": {"list": [1, {"x": "old"}]}}, {"n": 5, "f": 1.5, "t": True, "s": "id r-7, twice r-7"}),
    ("read", {"id": "r-7"}, "r-71 and r-7."),
).turns


def test_an_edit_replaces_one_value_and_no_other() -> None:
    """The edited turn is a copy down to the value; the turns given stay as they were."""
    before = TURNS[0].arguments["a/b"]["list"][1]
    first, second = apply_edits(TURNS, [Edit(0, "/arguments/a~1b/list/1/x", "new"), Edit(0, "/tool", "other")])
    assert first.arguments == {"a/b": {"list": [1, {"x": "new"}]}}
    assert first.tool == "other"
    assert first.response is TURNS[0].response
    assert second == TURNS[1]
    assert before == {"x": "old"}


@pytest.mark.parametrize(
    "edit", [Edit(9, "/tool", "x"), Edit(0, "/response/none", 1), Edit(0, "", {}), Edit(0, "/arguments/a~1b/list/7", 1)]
)
def test_an_edit_of_what_is_not_there_is_refused(edit: Edit) -> None:
    """An edit never adds a place, and says so without quoting the log."""
    with pytest.raises(ProgramError, match=f"turn {edit.turn} has no value at"):
        apply_edits(TURNS, [edit])


@pytest.mark.parametrize("text", ["r-7", "5", "-1.5", "true", "Error: no such file", "x" * 300, "", "2026-03-01", "a/b.py"])
def test_a_fresh_value_is_another_of_the_same_form(text: str) -> None:
    """A number stays a number, a boolean a boolean; the old text does not occur in the new one."""
    new = fresh(text)
    assert new != text
    assert len(text) == 0 or not occurs(text, new)
    assert fresh(fresh("5"), -1) == "5"


@pytest.mark.parametrize(
    ("path", "text", "value"),
    [
        ("/response/n", "6", 6),
        ("/response/f", "6", 6),
        ("/response/t", "false", False),
        ("/response/n", "six", "six"),
        ("/response/s", "6", "6"),
    ],
)
def test_a_value_is_written_in_the_type_that_stands_there(path: str, text: str, value: Any) -> None:
    """Numbers and booleans keep their JSON type where the new text allows it."""
    edit = View(TURNS[0]).write(path, text)
    assert edit == (0, path, value)
    assert type(edit[2]) is type(value)


def test_a_span_is_written_inside_its_string() -> None:
    """Only the characters of the span change."""
    assert View(TURNS[0]).write("/response/s", "Q", (3, 6))[2] == "id Q, twice r-7"


def test_renaming_reaches_every_occurrence_and_no_neighbour() -> None:
    """A value is renamed where it stands as a token of its own; tools keep their names."""
    edits = [edit for t in TURNS for edit in View(t).rename("r-7", "z-1")]
    assert {(index, path): value for index, path, value in edits} == {
        (0, "/response/s"): "id z-1, twice z-1",
        (1, "/arguments/id"): "z-1",
        (1, "/response"): "r-71 and z-1.",
    }
    assert View(turn(0, "r-7", {}, {})).rename("r-7", "z-1") == []
