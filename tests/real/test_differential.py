"""The two evaluators of question programs against each other, on every candidate of every recorded log."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.real.logs import RECORDED, candidates
from trajectory_compiler.dataflow.program import decode, encode
from trajectory_compiler.verification import evaluate


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
