"""Known faults planted into proved pairs: the exact gates find each one that changes the truth, and let every sound pair be."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from random import Random

import pytest

from tests.real.logs import RECORDED
from tests.real.test_stored_pairs import Made, compiled
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.verification import Session, claim_of, prove
from trajectory_compiler.verification.readers import Grader, ReadingOptions, read_pair
from trajectory_compiler.verification.readers.faults import KINDS, plant
from trajectory_compiler.verification.readers.scripted import scripted_readers


def drawn(made: Made, count: int) -> Iterator[tuple[Pair, Trajectory, Session]]:
    """Draw proved pairs that have an answer, by a seed."""
    whole = [(pair, trajectory) for trajectory, pairs in made for pair in pairs if pair.answer_type != "abstention"]
    Random(6).shuffle(whole)
    sessions: dict[str, Session] = {}
    for pair, trajectory in whole[:count]:
        yield pair, trajectory, sessions.setdefault(trajectory.digest, Session(trajectory.turns))


def planted(made: Made, count: int) -> tuple[Counter[tuple[str, str]], list[str]]:
    """Plant every fault into `count` pairs; return what was planted and found, and what the exact gates missed."""
    seen, missed = Counter[tuple[str, str]](), list[str]()
    for pair, trajectory, session in drawn(made, count):
        seen["sound", "proved" if prove(claim_of(pair), session).passed else "rejected"] += 1
        for kind in KINDS:
            fault = plant(kind, pair, trajectory.turns)
            if fault is None or not fault.changes_truth:
                seen[kind, "not planted" if fault is None else "same truth"] += 1
                continue
            passed = prove(claim_of(fault.pair), session).passed
            seen[kind, "missed" if passed else "found"] += 1
            missed += [f"{kind}: {pair.id}"] if passed else []
    return seen, missed


@pytest.mark.parametrize("log", RECORDED)
def test_the_exact_gates_find_every_planted_fault(recorded: Path, log: str) -> None:
    """On each recorded log: all faults that change the truth are found, no sound pair falls."""
    seen, missed = planted(compiled(recorded / f"{log}.jsonl"), 12 if log == "cloudtrail" else 25)
    assert not missed
    assert seen["sound", "rejected"] == 0
    assert all(seen[kind, "found"] for kind in KINDS)


@pytest.mark.long
def test_six_faults_in_five_hundred_pairs(recorded: Path, tmp_path: Path) -> None:
    """500 pairs of the recorded logs and the demo, six faults each; prints what was planted and found."""
    made = [session for log in RECORDED for session in compiled(recorded / f"{log}.jsonl")]
    demo = tmp_path / "demo.jsonl"
    write_demo_log(demo)
    seen, missed = planted([*made, *compiled(demo)], 500)
    print()  # noqa: T201
    for (kind, outcome), count in sorted(seen.items()):
        print(f"{kind:17} {outcome:12} {count}")  # noqa: T201
    assert seen["sound", "proved"] == 500
    assert not missed


def test_a_perfect_reader_finds_what_the_exact_gates_find(recorded: Path) -> None:
    """The gates for prose, read by the naive evaluator, let the same faults fall and no sound pair."""
    grader, options, reader = Grader(), ReadingOptions(full=True), scripted_readers()["perfect"]
    for pair, trajectory, _ in drawn(compiled(recorded / "tau_airline.jsonl"), 15):
        sound = asyncio.run(read_pair(pair, trajectory.turns, reader, grader, options))
        assert (sound.outcome, sound.score) == ("passed", 1.0), sound.proof.reasons
        for kind in KINDS:
            fault = plant(kind, pair, trajectory.turns)
            if fault is not None and fault.changes_truth:
                found = asyncio.run(read_pair(fault.pair, trajectory.turns, reader, grader, options))
                assert found.outcome == "failed", kind
