"""Grading an answer: the rules of `grading` first, and a judge for free text that they leave open.

The judge sees question, right answer and answer, nothing of where the pair came from. Without a judge an open answer is not
right: what cannot be shown does not count.
"""

from __future__ import annotations

from typing import Literal, Protocol

import msgspec

from trajectory_compiler.model import Pair
from trajectory_compiler.models import CallPlace, ModelClient, ModelName, Request
from trajectory_compiler.synthesis.prompts import fenced, instructions
from trajectory_compiler.synthesis.quotes import is_abstention
from trajectory_compiler.verification.grading import Verdict, grade, token_f1
from trajectory_compiler.verification.readers.reader import STAGE, ReaderAnswer

JUDGE_PROMPT = "judge-1"
Mode = Literal["right", "topical", "partial", "longer", "contrary", "evasive"]


class Judged(msgspec.Struct, frozen=True):
    """What a judge answers: the difference first, then what kind of difference it is."""

    difference: str
    mode: Mode


class Judge(Protocol):
    """Says whether an answer in free text is the right one."""

    @property
    def name(self) -> str:
        """The model."""

    async def judge(self, pair: Pair, answer: str) -> Mode:
        """Return `right`, or the way in which an answer fails. Raises as a model client does."""


class ModelJudge:
    """A model as a judge."""

    def __init__(self, client: ModelClient, model: ModelName) -> None:
        self._client = client
        self._model = model
        self.name = str(model)

    async def judge(self, pair: Pair, answer: str) -> Mode:
        """Ask the model; see `Judge.judge`."""
        data = f"QUESTION: {pair.question}\nRIGHT ANSWER: {pair.answer}\nANSWER TO BE GRADED: {' '.join(answer.split())}"
        request = Request(
            model=self._model,
            instructions=instructions(JUDGE_PROMPT),
            prompt=fenced(data, "Grade the answer."),
            answer_type=Judged,
            max_output_tokens=150,
            temperature=0.0,
        )
        place = CallPlace(
            stage=f"{STAGE}/judge",
            prompt_version=JUDGE_PROMPT,
            source=pair.source,
            session_id=pair.session_id,
            pair_id=pair.id,
            row_ids=pair.row_ids,
        )
        return (await self._client.ask(request, place)).answer.mode


class Grader:
    """Rules first, then a judge where there is one. `judged` counts how often it was asked."""

    def __init__(self, judge: Judge | None = None) -> None:
        self._judge = judge
        self.judged = 0

    async def grade(self, pair: Pair, given: ReaderAnswer) -> Verdict:
        """Grade what a reader gave. To abstain is right where the log does not say, and nowhere else. Raises as the judge."""
        abstains = pair.answer_type == "abstention"
        if not given.known or is_abstention(given.answer):
            return Verdict(right=abstains, grader="abstention", credit=float(abstains))
        if abstains:
            return Verdict(right=False, grader="abstention", credit=0.0)
        verdict = grade(pair.answer, given.answer, pair.answer_type)
        if verdict is not None:
            return verdict
        credit = token_f1(pair.answer, given.answer)
        if self._judge is None:
            return Verdict(right=False, grader="no judge", credit=credit)
        self.judged += 1
        right = await self._judge.judge(pair, given.answer) == "right"
        return Verdict(right=right, grader=f"judge:{self._judge.name}", credit=1.0 if right else min(credit, 0.5))
