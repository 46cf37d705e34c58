"""Exhaustive reading: aggregation, recall and comparison."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise

from trajectory_compiler.dataflow.candidate import Draft
from trajectory_compiler.dataflow.describe import condition_for, describe
from trajectory_compiler.dataflow.fields import (
    SIZES,
    Asked,
    askable,
    askable_arguments,
    is_identity_key,
    is_plain,
    looks_random,
    names_a_thing,
    values_of,
)
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import (
    Call,
    Condition,
    Count,
    Difference,
    Distinct,
    Expression,
    Field,
    Get,
    Literal,
    Sum,
)
from trajectory_compiler.model import number_of

MIN_COUNT = 3
MAX_COUNT = 30
MAX_RECALLS = 24
MAX_PAIRS_PER_FIELD = 6
_NO_AMOUNT = re.compile(r"year|port$|version|level|rank|index|order|page|line$|row$", re.I)  # numbers that name, not measure
_SMALL_TALK = ("/response/bytes", "/response/totalToolUseCount")  # nobody compares the weight of two web pages


def aggregations(index: SessionIndex) -> Iterator[Draft]:
    """Yield counts of three or more, sums and numbers of different values over calls that match a description."""
    yield from _counts(index)
    for tool, turns in index.tools.items():
        if MIN_COUNT <= len(turns) <= MAX_COUNT:
            yield from _over_all(index, tool, None, turns)
    for (tool, path, _), group in index.like.items():
        condition = _group_condition(index, tool, path, group)
        if condition is not None and MIN_COUNT <= len(group) <= MAX_COUNT and len(group) < len(index.tools[tool]):
            yield from _over_all(index, tool, condition, group)


def is_even_count(index: SessionIndex, group: Sequence[int], siblings: Sequence[int]) -> bool:
    """Say whether a count can be asked: no failed call in it to quarrel about, and not the usual count of its siblings."""
    if any(index.turns[t].ok is False for t in group):
        return False
    return len(set(siblings)) >= MIN_COUNT and siblings.count(len(group)) * 3 <= len(siblings)


def _counts(index: SessionIndex) -> Iterator[Draft]:
    sizes: dict[tuple[str, str], list[int]] = defaultdict(list)
    for (tool, path, _), group in index.like.items():
        sizes[tool, path].append(len(group))
    for (tool, path, _), group in index.like.items():
        if not MIN_COUNT <= len(group) <= MAX_COUNT or not is_even_count(index, group, sizes[tool, path]):
            continue
        condition = _group_condition(index, tool, path, group)
        if condition is None:
            continue
        calls = (Call(name="A", tool=tool, pick="all", where=(condition,)),)
        yield _aggregate(calls, Count("A"), group, f"count by {path}", 0.1)
    yield from _counts_across_tools(index)


def _counts_across_tools(index: SessionIndex) -> Iterator[Draft]:
    """Count the calls, and the tools, that were given one thing under one name, where several tools were."""
    sizes: dict[str, list[int]] = defaultdict(list)
    for (path, _), group in index.across.items():
        sizes[path].append(len(group))
    for (path, _), group in index.across.items():
        if not MIN_COUNT <= len(group) <= MAX_COUNT or path.count("/") != 2:
            continue
        tools = Counter(index.turns[t].tool for t in group)
        leaf = index.leaf(group[0], path)
        if len(tools) < 2 or leaf is None or not names_a_thing(leaf) or not is_identity_key(leaf.key):
            continue
        condition = condition_for(index, None, leaf)
        if condition is None:
            continue
        calls = (Call(name="A", tool=None, pick="all", where=(condition,)),)
        if is_even_count(index, group, sizes[path]):
            yield _aggregate(calls, Count("A"), group, f"calls with {leaf.key}", 0.1)
        single = [t for t in group if tools[index.turns[t].tool] == 1]
        if MIN_COUNT <= len(tools) < len(group):
            yield _aggregate(calls, Distinct("A", Field(path="/tool")), single, "tool", 0.1)


def _group_condition(index: SessionIndex, tool: str, path: str, group: Sequence[int]) -> Condition | None:
    leaf = index.leaf(group[0], path)
    if leaf is None or not names_a_thing(leaf) or not is_identity_key(leaf.key) or looks_random(leaf.text):
        return None
    return condition_for(index, tool, leaf)


def aggregate(calls: tuple[Call, ...], answer: Expression, support: Sequence[int], key: str, bonus: float) -> Draft:
    """Return the draft of a number over calls."""
    return Draft(
        family="aggregation",
        calls=calls,
        answer=answer,
        key=key,
        answer_type="number",
        support=tuple(support),
        hops=1,
        bonus=bonus,
    )


def _aggregate(calls: tuple[Call, ...], answer: Expression, support: Sequence[int], key: str, bonus: float) -> Draft:
    return aggregate(calls, answer, support, key, bonus + 0.02 * min(len(support), 12))


def _over_all(index: SessionIndex, tool: str, condition: Condition | None, group: Sequence[int]) -> Iterator[Draft]:
    calls = (Call(name="A", tool=tool, pick="all", where=(condition,) if condition else ()),)
    for asked in askable(index, group[0]):
        if asked.answer_type == "amount" and asked.field.extract is None and is_plain(index, group, asked.field):
            values = [leaf for t in group if (leaf := index.leaf(t, asked.field.path)) is not None]
            if (
                len(values) == len(group)
                and all(number_of(v.text) is not None for v in values)
                and len({v.text for v in values}) > 2
            ):
                yield _aggregate(calls, Sum("A", asked.field), group, asked.key, 0.15)
    for asked in askable_arguments(index, group[0]):
        values_at = {t: leaf.text for t in group if (leaf := index.leaf(t, asked.field.path)) is not None}
        counts = Counter(values_at.values())
        if len(values_at) != len(group) or not MIN_COUNT <= len(counts) < len(group) or not is_identity_key(asked.key):
            continue
        single = [t for t, text in values_at.items() if counts[text] == 1]
        yield _aggregate(calls, Distinct("A", asked.field), single, asked.key, 0.1)


def recalls(index: SessionIndex) -> Iterator[Draft]:
    """Yield a field of the k-th of n like calls, k neither the first nor the last, its value unlike all others."""
    for tool, turns in index.tools.items():
        if not 4 <= len(turns) <= MAX_RECALLS:
            continue
        for k in range(2, min(len(turns), 9)):
            turn = turns[k - 1]
            for asked in (*askable(index, turn), *askable_arguments(index, turn)):
                values = values_of(index, tool, asked.field)
                if asked.field.path in SIZES:
                    continue
                if asked.field.extract is None and len(values) == len(turns) and list(values.values()).count(asked.text) == 1:
                    yield Draft(
                        family="recall",
                        calls=(Call(name="A", tool=tool, pick="nth", k=k),),
                        answer=Get("A", asked.field),
                        key=asked.key,
                        answer_type=asked.answer_type,
                        support=tuple(turns[:k]),
                        hops=1,
                    )


def comparisons(index: SessionIndex) -> Iterator[Draft]:
    """Yield the difference of a number between two described calls, or between the greatest and the least of four or more."""
    for tool, turns in index.tools.items():
        if len(turns) < MIN_COUNT:
            continue
        for asked in _number_fields(index, turns):
            values = values_of(index, tool, asked.field)
            known = [t for t in turns if t in values and number_of(values[t]) is not None]
            if len({values[t] for t in known}) < MIN_COUNT:
                continue
            yield from _between_two(index, known, asked)
            if asked.field.path not in SIZES and len(known) == len(turns) and 4 <= len(turns) <= MAX_COUNT:
                yield from _range(turns, values, asked, tool)


def _number_fields(index: SessionIndex, turns: Sequence[int]) -> Iterator[Asked]:
    seen: set[Field] = set()
    for turn in turns[:8]:
        for asked in askable(index, turn):
            numeric = asked.answer_type in ("number", "amount") and not (
                is_identity_key(asked.key) or _NO_AMOUNT.search(asked.key)
            )
            if (
                numeric
                and asked.field.path not in _SMALL_TALK
                and asked.field.extract is None
                and asked.field not in seen
                and is_plain(index, turns, asked.field)
            ):
                seen.add(asked.field)
                yield asked


def _between_two(index: SessionIndex, known: Sequence[int], asked: Asked) -> Iterator[Draft]:
    described = [
        (t, node) for t in known[:40] if (node := describe(index, t, "A")) is not None and node.pick == "only" and node.where
    ]
    half = len(described) // 2
    made = 0
    for (left, node), (right, other) in [*zip(described, described[half:], strict=False), *pairwise(described)]:
        first, second = index.leaf(left, asked.field.path), index.leaf(right, asked.field.path)
        if left == right or first is None or second is None or first.text == second.text:
            continue
        if made >= MAX_PAIRS_PER_FIELD:
            return
        a, b = number_of(first.text), number_of(second.text)
        if a is None or b is None or not _are_alike(node, other):
            continue
        pair = ("A", "B") if a > b else ("B", "A")
        made += 1
        yield Draft(
            family="comparison",
            calls=(node, Call(name="B", tool=other.tool, pick="only", where=other.where)),
            answer=Difference(Get(pair[0], asked.field), Get(pair[1], asked.field)),
            key=asked.key,
            answer_type=asked.answer_type,
            support=(left, right),
            hops=1,
        )


def _are_alike(left: Call, right: Call) -> bool:
    """Say whether two calls are worth comparing: of two files, those that end alike."""
    return _ending(left) == _ending(right)


def _ending(node: Call) -> str:
    names = (c.value.value for c in node.where if c.op == "ends" and isinstance(c.value, Literal))
    return next(names, "").rpartition(".")[2]


def _range(turns: Sequence[int], values: dict[int, str], asked: Asked, tool: str) -> Iterator[Draft]:
    numbers = {t: number_of(values[t]) for t in turns}
    ordered = sorted((n, t) for t, n in numbers.items() if n is not None)
    if ordered[0][0] == ordered[1][0] or ordered[-1][0] == ordered[-2][0]:
        return
    yield Draft(
        family="comparison",
        calls=(
            Call(name="A", tool=tool, pick="max", by=asked.field),
            Call(name="B", tool=tool, pick="min", by=asked.field),
        ),
        answer=Difference(Get("A", asked.field), Get("B", asked.field)),
        key=asked.key,
        answer_type=asked.answer_type,
        support=(ordered[0][1], ordered[-1][1]),
        hops=1,
    )
