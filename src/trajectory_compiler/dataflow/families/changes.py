"""Changes of one object over time: state change and precondition."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import permutations

from trajectory_compiler.dataflow.candidate import Draft, varies
from trajectory_compiler.dataflow.describe import condition_for
from trajectory_compiler.dataflow.evaluate import field_source
from trajectory_compiler.dataflow.fields import (
    askable,
    is_identity_key,
    is_nonce,
    is_plain,
    is_speakable,
    primary_object,
    snake,
    values_of,
)
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Call, Change, Changes, Condition, Difference, Field, Get, StateAt
from trajectory_compiler.model import number_of
from trajectory_compiler.values import Leaf

MAX_READS = 40
SEARCHING = re.compile(r"(search|list|find|query|look|describe)_?")
MAKING = re.compile(
    r"^(create|add|book|register|allocate|send|run|start|post|issue|raise|open|make|put)_|^(bash|grep|glob|write|task)$"
)
MAX_CHANGED = 3


def objects(index: SessionIndex) -> Iterator[tuple[str, Leaf, list[int], Condition]]:
    """Yield the things that one tool was called for at least twice: tool, the naming argument, the calls, the condition."""
    return _objects(index, least=2)


def _objects(index: SessionIndex, least: int) -> Iterator[tuple[str, Leaf, list[int], Condition]]:
    for (tool, path, _), group in index.like.items():
        if not least <= len(group) <= MAX_READS:
            continue
        leaf = index.leaf(group[0], path)
        if leaf is None or primary_object(index, group[0]) != leaf:
            continue
        condition = condition_for(index, tool, leaf)
        if condition is not None:
            yield tool, leaf, group, condition


def state_changes(index: SessionIndex) -> Iterator[Draft]:
    """Yield: the same object read at several times; what a field was and became, by how much, the value between."""
    for tool, _, group, condition in objects(index):
        if not _is_one_object(index, tool, group):
            continue
        first, last = group[0], group[-1]
        before = {asked.field: asked for asked in askable(index, first)}
        for asked in askable(index, last):
            old = before.get(asked.field)
            if old is None or asked.field.extract is not None or not _is_steady(index, tool, group, asked.field):
                continue
            yield from _two_reads(index, (tool, condition, group), asked.field, asked.key)
        if len(group) >= 3:
            yield from _many_reads(index, tool, condition, group)


def state_changes_across(index: SessionIndex) -> Iterator[Draft]:
    """Yield: what a field of one object was when one tool read it, and what another tool's later response says."""
    across: dict[tuple[str, str], dict[str, tuple[Condition, list[int]]]] = defaultdict(dict)
    for tool, leaf, group, condition in _objects(index, least=1):
        if not MAKING.search(snake(tool.rsplit(".", 1)[-1])):
            across[snake(leaf.key), leaf.text][tool] = (condition, group)
    for tools in across.values():
        for (early, (where, reads)), (late, (also, writes)) in permutations(tools.items(), 2):
            if writes[-1] - reads[0] < 2:
                continue
            sides = (
                Call(name="A", tool=early, pick="first" if len(reads) > 1 else "only", where=(where,)),
                Call(name="B", tool=late, pick="last" if len(writes) > 1 else "only", where=(also,)),
            )
            for asked in askable(index, reads[0]):
                after = index.leaf(writes[-1], asked.field.path)
                if after is None or asked.field.extract is not None or after.text == asked.text or is_identity_key(asked.key):
                    continue
                plain = _is_steady(index, early, (reads[0], writes[-1]), asked.field)
                if plain and len(set(values_of(index, early, asked.field).values())) >= 3:
                    yield Draft(
                        family="state_change",
                        calls=sides,
                        answer=Change(Get("A", asked.field), Get("B", asked.field)),
                        key=asked.key,
                        answer_type="change",
                        support=(reads[0], writes[-1]),
                        hops=1,
                        bonus=0.15,
                    )


def _is_one_object(index: SessionIndex, tool: str, group: Sequence[int]) -> bool:
    """Say whether the calls look at (or change) one thing: reads must be the same read, and nothing may be made anew."""
    if MAKING.search(snake(tool.rsplit(".", 1)[-1])):
        return False
    return index.turns[group[0]].effect or all(index.turns[t].arguments == index.turns[group[0]].arguments for t in group)


def _is_steady(index: SessionIndex, tool: str, group: Sequence[int], field: Field) -> bool:
    """Say whether a field is one thing's each time: the third result of a search is not, the third flight of a booking is."""
    return not SEARCHING.match(snake(tool.rsplit(".", 1)[-1])) or is_plain(index, group, field)


def _two_reads(index: SessionIndex, target: tuple[str, Condition, Sequence[int]], field: Field, key: str) -> Iterator[Draft]:
    tool, condition, group = target
    first, last = index.leaf(group[0], field.path), index.leaf(group[-1], field.path)
    if first is None or last is None or first.text == last.text:
        return
    values = list(values_of(index, tool, field).values())
    if len(set(values)) < 3:
        return
    sides = (
        Call(name="A", tool=tool, pick="first", where=(condition,)),
        Call(name="B", tool=tool, pick="last", where=(condition,)),
    )
    support = (group[0], group[-1])
    numbers = number_of(first.text), number_of(last.text)
    if numbers[0] is not None and numbers[1] is not None and not isinstance(first.value, str):
        left, right = ("B", "A") if numbers[1] > numbers[0] else ("A", "B")
        yield Draft(
            family="state_change",
            calls=sides,
            answer=Difference(Get(left, field), Get(right, field)),
            key=key,
            answer_type="number",
            support=support,
            hops=1,
            bonus=0.05,
        )
    yield Draft(
        family="state_change",
        calls=sides,
        answer=Change(Get("A", field), Get("B", field)),
        key=key,
        answer_type="change",
        support=support,
        hops=1,
        bonus=0.1,
    )


def _many_reads(index: SessionIndex, tool: str, condition: Condition, group: Sequence[int]) -> Iterator[Draft]:
    every = Call(name="A", tool=tool, pick="all", where=(condition,))
    for asked in askable(index, group[1]):
        read = [field_source(index, t, asked.field) for t in group]
        sources = [source for source in read if source is not None]
        if len(sources) != len(group) or asked.field.extract is not None or not _is_steady(index, tool, group, asked.field):
            continue
        turning = [s for i, s in enumerate(sources) if i == 0 or s.text != sources[i - 1].text]
        if len(turning) < 3 or len({s.text for s in turning}) < 3:
            continue
        yield Draft(
            family="state_change",
            calls=(every,),
            answer=Changes("A", asked.field),
            key=asked.key,
            answer_type="number",
            support=tuple(s.turn for s in turning),
            hops=1,
        )
        if varies(list(values_of(index, tool, asked.field).values()), turning[1].text):
            yield Draft(
                family="state_change",
                calls=(every,),
                answer=StateAt("A", asked.field, 2),
                key=asked.key,
                answer_type=asked.answer_type,
                support=tuple(s.turn for s in turning[:2]),
                hops=1,
            )


def preconditions(index: SessionIndex) -> Iterator[Draft]:
    """Yield: a call on an object failed, a later one succeeded; what was changed between the two."""
    for tool, leaf, group, condition in objects(index):
        failed = next((t for t in group if index.turns[t].ok is False), None)
        if failed is None:
            continue
        passed = next((t for t in group if t > failed and index.turns[t].ok is True), None)
        if passed is None:
            continue
        calls = (
            Call(name="A", tool=tool, pick="first", where=(condition,), ok=False),
            Call(name="B", tool=tool, pick="first", where=(condition,), ok=True, after="A"),
        )
        for path, key in _changed(index, failed, passed, leaf.path)[:MAX_CHANGED]:
            yield Draft(
                family="precondition",
                calls=calls,
                answer=Change(Get("A", Field(path=path)), Get("B", Field(path=path))),
                key=key,
                answer_type="change",
                support=(failed, passed),
                hops=1,
                bonus=0.2,
            )


def _changed(index: SessionIndex, failed: int, passed: int, named: str) -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for leaf in index.arguments[failed]:
        other = index.leaf(passed, leaf.path)
        if leaf.path == named or other is None or other.text == leaf.text or isinstance(leaf.value, bool):
            continue
        if (
            is_speakable(leaf.path)
            and not is_nonce(leaf.key, leaf.text)
            and all(0 < len(x.text) <= 60 and x.text.isprintable() for x in (leaf, other))
        ):
            found.append((leaf.path, leaf.key))
    return found
