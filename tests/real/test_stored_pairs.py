"""The pairs of the recorded logs: every one re-proved, every corruption refused."""

from __future__ import annotations

from collections import Counter
from pathlib import Path
from random import Random

import pytest

from tests.real.logs import RECORDED, redacted
from tests.real.mutations import CLAIM_MUTATIONS, other_turn
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.pipeline import Corpus, compile_trajectory
from trajectory_compiler.verification import Session, claim_of, prove

Made = list[tuple[Trajectory, tuple[Pair, ...]]]


def compiled(log: Path) -> Made:
    """Compile every session of a log."""
    trajectories, snapshot = redacted(log)
    corpus = Corpus(snapshot.document_frequency, snapshot.sessions)
    return [(t, compile_trajectory(t, corpus, CompileOptions()).pairs) for t in trajectories]


@pytest.mark.parametrize("log", RECORDED)
def test_every_pair_is_proved_again_from_what_is_stored(recorded: Path, log: str) -> None:
    """The checker, given the stored program and the stored turns alone, finds what it found before, for every pair."""
    made = compiled(recorded / f"{log}.jsonl")
    for trajectory, pairs in made:
        session = Session(trajectory.turns)
        for pair in pairs:
            proof = prove(claim_of(pair), session)
            assert proof.passed, proof.reasons
            assert (proof.supporting, proof.read_set) == (pair.proof.supporting, pair.proof.read_set)
            assert proof.supporting == pair.supporting_turns
    assert sum(len(pairs) for _, pairs in made) > 60


def refused(made: Made, limit: int) -> tuple[Counter[str], list[str]]:
    """Corrupt `limit` pairs in each of four ways; return what was tried and which corruptions passed."""
    random, tried, passed = Random(5), Counter[str](), list[str]()
    for trajectory, pairs in made:
        session = Session(trajectory.turns)
        for pair in pairs:
            if tried["answer"] >= limit:
                return tried, passed
            claim = claim_of(pair)
            for kind, mutate in CLAIM_MUTATIONS.items():
                tried[kind] += 1
                mutant = mutate(claim, trajectory.turns, random)
                if prove(mutant, session).passed:
                    passed.append(f"{kind}: {pair.id} {pair.qa_type}")
            tried["turn"] += 1
            if prove(claim, other_turn(claim, trajectory.turns, random)).passed:
                passed.append(f"turn: {pair.id} {pair.qa_type}")
    return tried, passed


@pytest.mark.parametrize("log", RECORDED)
def test_corruptions_are_refused(recorded: Path, log: str) -> None:
    """Another answer, quote, program node or turn is refused; what passes leaves the meaning alone and is at most 2%."""
    tried, passed = refused(compiled(recorded / f"{log}.jsonl"), 40)
    assert tried.total() >= 160
    assert not [mutant for mutant in passed if not mutant.startswith("program")]
    assert len(passed) <= 0.02 * tried.total(), passed


@pytest.mark.long
def test_a_thousand_pairs_refuse_corruptions(recorded: Path, tmp_path: Path) -> None:
    """The same over 1,000 pairs of the recorded logs and the demo log: 4,000 corruptions."""
    write_demo_log(tmp_path / "demo.jsonl")
    made = [one for log in RECORDED for one in compiled(recorded / f"{log}.jsonl")] + compiled(tmp_path / "demo.jsonl")
    tried, passed = refused(made, 1_000)
    print(f"\ncorruptions tried: {dict(tried)}; passed: {len(passed)} {Counter(p.split(':')[0] for p in passed)}")  # noqa: T201
    for mutant in passed:
        print(" ", mutant)  # noqa: T201
    assert tried["answer"] == 1_000
    assert not [mutant for mutant in passed if not mutant.startswith("program")]
    assert len(passed) <= 0.02 * tried.total()
