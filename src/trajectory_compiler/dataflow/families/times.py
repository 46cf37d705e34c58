"""Order in time: temporal questions around an anchor call."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence

from trajectory_compiler.dataflow.candidate import Draft, best_fields, varies
from trajectory_compiler.dataflow.describe import describe
from trajectory_compiler.dataflow.fields import SIZES, askable, askable_arguments, values_of
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Call, Get

MAX_ANCHOR_CALLS = 60
MAX_TOOLS = 12
MAX_FIELDS = 3
MIN_SPAN_SHARE = 0.05


def temporals(index: SessionIndex) -> Iterator[Draft]:
    """Yield: a field of the last call of a kind before an anchor, or of the first one after it."""
    frequent = sorted((tool for tool, turns in index.tools.items() if len(turns) >= 3), key=lambda t: (-len(index.tools[t]), t))
    for anchor in _anchors(index):
        node = describe(index, anchor, "X")
        if node is None:
            continue
        for tool in frequent[:MAX_TOOLS]:
            if tool == index.turns[anchor].tool:
                continue
            yield from _around(index, node, anchor, tool)


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
