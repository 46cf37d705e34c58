"""Order in time: temporal questions around an anchor call."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterator, Sequence

from trajectory_compiler.dataflow.candidate import Draft, best_fields, varies
from trajectory_compiler.dataflow.describe import describe
from trajectory_compiler.dataflow.families.changes import objects
from trajectory_compiler.dataflow.fields import SIZES, askable, askable_arguments, primary_object, snake, values_of
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Call, Count, Get, Literal

MAX_ANCHOR_CALLS = 60
MAX_TOOLS = 12
MAX_FIELDS = 3
MAX_BETWEEN = 12
MAX_PER_TOOL = 2
MIN_SPAN_SHARE = 0.05


def temporals(index: SessionIndex) -> Iterator[Draft]:
    """Yield: a field of the last call of a kind before an anchor, or of the first one after it."""
    frequent = sorted((tool for tool, turns in index.tools.items() if len(turns) >= 3), key=lambda t: (-len(index.tools[t]), t))
    for anchor in _anchors(index):
        node = describe(index, anchor, "X")
        if node is None or node.pick not in ("only", "first"):
            continue
        for tool in frequent[:MAX_TOOLS]:
            if tool == index.turns[anchor].tool:
                continue
            yield from _around(index, node, anchor, tool)


def counts_between(index: SessionIndex) -> Iterator[Draft]:
    """Yield: how often a kind of call was made between two calls about the same thing, each kind a few times at most."""
    counted = Counter[str]()
    for start, end, node, other in (*_first_and_last(index), *_made_and_ended(index)):
        for tool, turns in index.tools.items():
            if tool in (node.tool, other.tool) or counted[tool] >= MAX_PER_TOOL or not _is_kindred(tool, str(node.tool)):
                continue
            between = turns[bisect_right(turns, start) : bisect_left(turns, end)]
            settled = all(index.turns[t].ok is not False for t in between)
            if settled and 3 <= len(between) <= MAX_BETWEEN and len(between) < len(turns):
                counted[tool] += 1
                yield Draft(
                    family="aggregation",
                    calls=(node, other, Call(name="A", tool=tool, pick="all", after="X", before="Y")),
                    answer=Count("A"),
                    key=f"count of {tool}",
                    answer_type="number",
                    support=(start, *between, end),
                    hops=2,
                    bonus=-0.5,
                )


def _is_kindred(tool: str, anchor: str) -> bool:
    """Say whether two tools work on the same kind of thing, by a noun in common; tools named by one word always do."""
    words, others = (snake(re.split(r"__|[.:/]", name)[-1]).split("_") for name in (tool, anchor))
    if len(others) == 1 or len(words) == 1:
        return True
    words, others = words[1:], others[1:]  # the verb tells nothing about the kind of thing
    stems = {word.removesuffix("s") for word in words}
    return bool(stems & {word.removesuffix("s") for word in others})


def _first_and_last(index: SessionIndex) -> Iterator[tuple[int, int, Call, Call]]:
    """Yield the first and the last call of one tool on one thing."""
    for tool, _, group, condition in objects(index):
        if index.turns[group[0]].effect and group[-1] - group[0] > 4:
            yield (
                group[0],
                group[-1],
                Call(name="X", tool=tool, pick="first", where=(condition,)),
                Call(name="Y", tool=tool, pick="last", where=(condition,)),
            )


def _made_and_ended(index: SessionIndex) -> Iterator[tuple[int, int, Call, Call]]:
    """Yield pairs of effects of which the second was given a value that the first produced or was given."""
    for end in (t.index for t in index.turns if t.kind == "tool" and t.effect):
        thing = primary_object(index, end)
        if thing is None:
            continue
        makers = [t for t, _ in index.produced.get(thing.text, ())] + [t for t, _ in index.used.get(thing.text, ())]
        start = min((t for t in makers if index.turns[t].effect), default=end)
        if end - start <= 4 or index.turns[start].tool == index.turns[end].tool:
            continue
        first, last = describe(index, start, "X"), describe(index, end, "Y")
        if first is not None and last is not None and first.pick == last.pick == "only" and _names(first) & _names(last):
            yield start, end, first, last


def _names(node: Call) -> set[str]:
    return {c.value.value for c in node.where if isinstance(c.value, Literal)}


def _anchors(index: SessionIndex) -> Sequence[int]:
    """Return the calls that make good anchors: effects first, then the rest, evenly thinned to a fixed number."""
    effects = [t.index for t in index.turns if t.kind == "tool" and t.effect]
    others = [t.index for t in index.turns if t.kind == "tool" and not t.effect]
    chosen = _thin(effects, MAX_ANCHOR_CALLS * 2 // 3)
    return sorted((*chosen, *_thin(others, MAX_ANCHOR_CALLS - len(chosen))))


def _thin(turns: Sequence[int], limit: int) -> Sequence[int]:
    step = max(1, -(-len(turns) // limit))
    return turns[::step]


def _around(index: SessionIndex, node: Call, anchor: int, tool: str) -> Iterator[Draft]:
    turns = index.tools[tool]
    position = bisect_left(turns, anchor)
    if position >= 1 and position < len(turns) and anchor - turns[position - 1] >= 2:
        yield from _ask(index, node, anchor, Call(name="A", tool=tool, pick="last", before="X"), turns[position - 1])
    position = bisect_right(turns, anchor)
    if 1 <= position < len(turns) and turns[position] - anchor >= 2:
        yield from _ask(index, node, anchor, Call(name="A", tool=tool, pick="first", after="X"), turns[position])


def _ask(index: SessionIndex, node: Call, anchor: int, found: Call, turn: int) -> Iterator[Draft]:
    if abs(turn - anchor) + 1 < MIN_SPAN_SHARE * min(len(index.turns), 200):
        return  # what happened just before or just after needs no long context
    tool = index.turns[turn].tool
    asked_fields = [
        asked
        for asked in (*askable_arguments(index, turn)[:2], *askable(index, turn))
        if asked.field.extract is not None or varies(list(values_of(index, tool, asked.field).values()), asked.text)
    ]
    asked_fields = [asked for asked in asked_fields if asked.field.path not in SIZES]
    for asked in best_fields(asked_fields, MAX_FIELDS):
        yield Draft(
            family="temporal",
            calls=(node, found),
            answer=Get("A", asked.field),
            key=asked.key,
            answer_type=asked.answer_type,
            support=(turn, anchor),
            hops=2,
        )
