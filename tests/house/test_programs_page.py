"""The worked examples of `docs/programs.md`, run."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import NamedTuple

import pytest

from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.model import FAMILIES, Turn
from trajectory_compiler.verification import evaluate

PAGE = Path(__file__).resolve().parents[2] / "docs" / "programs.md"
_BLOCK = re.compile(r"```json program(?: without (\d+))?\n(.*?)```\n+(.*?)(?:\n\n|\Z)", re.DOTALL)
_ANSWER = re.compile(
    r"Answer `(.*?)`, read from turns ([\d, ]+); without any one of these the answer changes: ([\d, ]+)\.", re.DOTALL
)


class Example(NamedTuple):
    """One program of the page with the sentence below it."""

    withheld: str
    program: str
    claim: str


def session() -> list[Turn]:
    """Return the page's session as turns."""
    block = re.search(r"```jsonl session\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert block
    rows = [json.loads(line) for line in block.group(1).splitlines()]
    return [
        Turn(
            index=row["turn"],
            row_id=f"r{row['turn']}",
            created_at=None,
            agent="desk",
            tool=row["tool"],
            kind="tool",
            arguments=row["arguments"],
            response=row["response"],
            ok=row.get("ok", True),
            effect=False,
        )
        for row in rows
    ]


EXAMPLES = [Example(*match) for match in _BLOCK.findall(PAGE.read_text())]


def numbers(text: str) -> set[int]:
    """Read `1, 2` as a set."""
    return {int(number) for number in text.split(",")}


@pytest.mark.parametrize("example", EXAMPLES, ids=[decode(example.program.encode()).family for example in EXAMPLES])
def test_a_worked_example_gives_the_answer_that_the_page_states(example: Example) -> None:
    """Each program gives the stated answer from the stated turns, and loses it without each of the turns said to be needed."""
    program = decode(example.program.encode())
    turns = session()
    if example.withheld:
        present = [turn for turn in turns if turn.index != int(example.withheld)]
        assert evaluate(program, turns).answer is not None
        assert evaluate(program, present).answer is None
        return
    claim = _ANSWER.search(" ".join(example.claim.split()))
    assert claim, "the sentence below the program has another form"
    whole = evaluate(program, turns)
    assert whole.answer == claim.group(1)
    assert whole.read - _effect_turns(program.until is not None) == numbers(claim.group(2))
    lost = {t for t in whole.read if evaluate(program, [turn for turn in turns if turn.index != t]).answer != whole.answer}
    assert lost - _effect_turns(program.until is not None) == numbers(claim.group(3))


def _effect_turns(has_effect: bool) -> set[int]:
    """Return the turn of the effect that a `next_argument` program stops at: without it there is no question."""
    return {10} if has_effect else set()


def test_the_page_has_an_example_of_every_family() -> None:
    """No family is left unexplained."""
    assert {decode(example.program.encode()).family for example in EXAMPLES} == set(FAMILIES)
