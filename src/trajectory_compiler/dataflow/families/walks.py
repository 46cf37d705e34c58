"""Walks (opt-in): the calls reached by following values of a named kind, as in GraphWalks."""

from __future__ import annotations

from collections.abc import Iterator

from trajectory_compiler.dataflow.candidate import Draft
from trajectory_compiler.dataflow.describe import describe
from trajectory_compiler.dataflow.families.chains import Link, links
from trajectory_compiler.dataflow.fields import askable_arguments
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Walk

MAX_STEPS = 3
MAX_REACHED = 10


def walks(index: SessionIndex) -> Iterator[Draft]:
    """Yield: from a described call, follow the values under one part of it to the calls that were given them, k times."""
    outgoing: dict[tuple[int, str, str], list[Link]] = {}
    for link in links(index):
        outgoing.setdefault((link.producer, "/response", link.target), []).append(link)
    for (start, source, target), first in outgoing.items():
        node = describe(index, start, "A", frozenset(link.value for link in first))
        if node is None:
            continue
        for steps in range(1, MAX_STEPS + 1):
            reached = _reached(index, start, target, steps)
            if not 2 <= len(reached) <= MAX_REACHED:
                continue
            for label in askable_arguments(index, reached[0])[:1]:
                yield Draft(
                    family="walk",
                    calls=(node,),
                    answer=Walk("A", source, target, steps, label.field),
                    key=label.key,
                    answer_type="list",
                    support=(start, *reached),
                    hops=steps + 1,
                )


def _reached(index: SessionIndex, start: int, target: str, steps: int) -> list[int]:
    frontier, reached = {start}, set[int]()
    for _ in range(steps):
        following = {
            t
            for c in frontier
            for leaf in index.responses[c]
            for t, path in index.used.get(leaf.text, ())
            if path == target and t > c
        }
        frontier = following - reached
        reached |= following
    return sorted(reached)
