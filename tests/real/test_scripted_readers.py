"""The gates of readers on pairs of the recorded logs: five readers whose behaviour is known, each caught as designed."""

from __future__ import annotations

import asyncio
from collections import Counter
from functools import lru_cache
from pathlib import Path
from random import Random

import pytest

from tests.real.logs import RECORDED
from tests.real.test_stored_pairs import compiled
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.verification.readers import Grader, ReadingOptions, read_pair
from trajectory_compiler.verification.readers.scripted import scripted_readers

READERS = scripted_readers(seed=3)
Sample = list[tuple[Trajectory, Pair]]


@lru_cache(maxsize=4)
def sample(log: Path, size: int) -> Sample:
    """Compile as many sessions of a log as it takes, and draw pairs of each family in turn, by a seed."""
    made = [(trajectory, pair) for trajectory, pairs in compiled(log) for pair in pairs]
    Random(7).shuffle(made)
    rank = Counter[str]()
    ranked: list[tuple[int, int, tuple[Trajectory, Pair]]] = []
    for one in made:
        ranked.append((rank[one[1].qa_type], len(ranked), one))
        rank[one[1].qa_type] += 1
    return [one for _, _, one in sorted(ranked, key=lambda entry: entry[:2])[:size]]


def read(log: Path, size: int, name: str) -> Counter[tuple[bool, str, str]]:
    """Return how often a reader's pairs, unanswerable ones or not, had an outcome and fell at which gate."""
    found = Counter[tuple[bool, str, str]]()
    drawn = sample(log, size)
    assert len(drawn) == size
    for trajectory, pair in drawn:
        one = asyncio.run(read_pair(pair, trajectory.turns, READERS[name], Grader(), ReadingOptions(full=True)))
        fell = next((gate for gate, went in one.proof.gates.items() if went is False), "")
        assert len(one.taken) == one.planned or fell
        found[pair.answer_type == "abstention", one.outcome, fell] += 1
    return found


SIZES = [22, pytest.param(75, marks=pytest.mark.long)]
over_the_logs = pytest.mark.parametrize("log", RECORDED)
over_sizes = pytest.mark.parametrize("size", SIZES)


@over_the_logs
@over_sizes
def test_the_perfect_reader_passes_every_pair(recorded: Path, log: str, size: int) -> None:
    """The naive evaluator on the visible turns: no sound pair is rejected, none is left undecided."""
    assert {(outcome, fell) for _, outcome, fell in read(recorded / f"{log}.jsonl", size, "perfect")} == {("passed", "")}


@over_the_logs
@over_sizes
@pytest.mark.parametrize(("name", "gate"), [("closed_book", "unleaked"), ("last_turn", "sufficient"), ("liar", "sufficient")])
def test_a_reader_with_a_known_fault_falls_at_its_gate(recorded: Path, log: str, size: int, name: str, gate: str) -> None:
    """Every pair with an answer falls at the one gate that is made for the fault.

    An unanswerable pair is a case of its own: there it is right not to know, so who remembers all or sees too little passes,
    and only who says some value falls.
    """
    found = read(recorded / f"{log}.jsonl", size, name)
    assert {one[1:] for one in found if not one[0]} == {("failed", gate)}
    assert {one[1:] for one in found if one[0]} <= {("failed", gate) if name == "liar" else ("passed", "")}


@over_the_logs
@over_sizes
def test_a_random_reader_falls(recorded: Path, log: str, size: int) -> None:
    """Nine of ten pairs fall at `sufficient`; who is right there by chance falls later, and no pair passes."""
    found = read(recorded / f"{log}.jsonl", size, "random")
    assert {outcome for _, outcome, _ in found} == {"failed"}
    assert sum(count for (_, _, fell), count in found.items() if fell == "sufficient") >= 0.9 * size
