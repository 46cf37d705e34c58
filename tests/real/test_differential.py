"""The two evaluators of programs, and the checker with and without an index, on the candidates of every recorded log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.logs import RECORDED, candidates
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Claim, decode, encode
from trajectory_compiler.dataflow.wording import word
from trajectory_compiler.verification import Session, evaluate, prove
from trajectory_compiler.verification.lookup import IndexedSession


@pytest.mark.parametrize("log", RECORDED)
def test_enumeration_and_checker_agree_on_every_candidate(recorded: Path, log: str) -> None:
    """The indexed evaluator and the naive one, which share no code, give the same answer and pick the same turns."""
    seen = 0
    for index, candidate in candidates(recorded / f"{log}.jsonl"):
        turns = index.turns[: candidate.target]
        outcome = evaluate(decode(encode(candidate.program)), turns)
        assert outcome.answer == candidate.trace.answer
        assert {n: t for n, t in candidate.trace.picked.items() if n[0] != "("}.items() <= outcome.picked.items()
        seen += 1
    assert seen > 100


@pytest.mark.parametrize("log", RECORDED)
def test_the_checker_judges_the_same_with_and_without_an_index(recorded: Path, log: str) -> None:
    """Every fifth candidate (of a log with one long session: each) gets the same proof, gate by gate and reason by reason."""
    seen = 0
    last: tuple[SessionIndex | None, Session, Session] = (None, Session(()), Session(()))
    every = 1 if log == "cloudtrail" else 5
    for number, (index, candidate) in enumerate(candidates(recorded / f"{log}.jsonl")):
        if number % every:
            continue
        if last[0] is not index:
            last = (index, Session(index.turns), IndexedSession(index.turns))
        claim = Claim(
            program=candidate.program,
            question=word(candidate),
            answer=candidate.trace.answer,
            answer_type=candidate.answer_type,
            evidence=(),
        )
        assert prove(claim, last[1], thorough=True) == prove(claim, last[2], thorough=True)
        seen += 1
    assert seen >= 30
