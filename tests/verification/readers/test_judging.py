"""Grading what a reader gave: to abstain has more than one form."""

from __future__ import annotations

import asyncio

import pytest
from msgspec.structs import replace

from tests.verification.readers.hand_made import pair
from trajectory_compiler.verification import ABSTENTION
from trajectory_compiler.verification.readers import Grader, ReaderAnswer


@pytest.mark.parametrize(
    "given",
    [
        ReaderAnswer("", known=False, answer=""),
        ReaderAnswer("", known=True, answer="The log does not say."),
        ReaderAnswer("", known=True, answer="unknown"),
    ],
)
def test_an_abstention_in_words_is_an_abstention(given: ReaderAnswer) -> None:
    """A reader that says in words that the log does not say is right where that is the answer, and wrong elsewhere."""
    absent = replace(pair(), answer=ABSTENTION, answer_type="abstention")
    right, wrong = (asyncio.run(Grader().grade(asked, given)) for asked in (absent, pair()))
    assert (right.right, right.grader) == (True, "abstention")
    assert (wrong.right, wrong.grader) == (False, "abstention")
