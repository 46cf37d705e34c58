"""Chains: composition, next argument and provenance. All three follow a value from the response that produced it to its use."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trajectory_compiler.dataflow.candidate import Draft, best_fields, varies
from trajectory_compiler.dataflow.describe import describe
from trajectory_compiler.dataflow.fields import (
    Asked,
    answer_type_of,
    askable,
    askable_arguments,
    is_identity_key,
    is_speakable,
    last_key,
    snake,
    values_of,
)
from trajectory_compiler.dataflow.index import STAMP_PATH, SessionIndex
from trajectory_compiler.dataflow.program import Bridge, Call, Condition, Field, Get, Target

MAX_USES = 6
MAX_FIELDS = 4


class Link(NamedTuple):
    """A value that the response of `producer` was first to show and that `consumer` was given as an argument."""

    value: str
    producer: int
    source: str
    consumer: int
    target: str


def links(index: SessionIndex) -> list[Link]:
    """Return the def-use links of a session: distinctive values, first shown by a response, later used as an argument."""
    found: list[Link] = []
    for value, uses in index.used.items():
        produced = index.produced.get(value)
        if not produced or not index.is_distinctive(value):
            continue
        producer, source = produced[0]
        if not is_speakable(source) or index.first_shown(value) != producer:
            continue
        uses = [use for use in uses if _names_the_same(source, use[1])]
        found.extend(
            Link(value, producer, source, consumer, target)
            for consumer, target in uses[:MAX_USES]
            if consumer > producer and target.count("/") <= 6
        )
    return found


def _names_the_same(source: str, target: str) -> bool:
    """Say whether two places hold the same kind of identity: `/response/reservations/2` and `/arguments/reservation_id`."""
    key = last_key(target)
    if not is_identity_key(key) or not is_speakable(target):
        return False
    words = set(snake(key).split("_")) - {"id", "name", "path", "number"}
    origin = {word.removesuffix("s") for token in source.split("/")[2:] for word in snake(token).split("_")}
    return bool(origin & {word.removesuffix("s") for word in words}) or (not words and snake(key) == snake(last_key(source)))


def compositions(index: SessionIndex) -> Iterator[Draft]:
    """Yield: find a call, take a value of its response, find the later call that used it, take a field of that response."""
    all_links = links(index)
    by_producer: dict[int, list[Link]] = {}
    for link in all_links:
        by_producer.setdefault(link.producer, []).append(link)
    for first in all_links:
        yield from _ask_at_end(index, (first,))
        for second in by_producer.get(first.consumer, ())[:MAX_FIELDS]:
            yield from _ask_at_end(index, (first, second))
            for third in by_producer.get(second.consumer, ())[:1]:
                yield from _ask_at_end(index, (first, second, third))


def _ask_at_end(index: SessionIndex, chain: tuple[Link, ...]) -> Iterator[Draft]:
    calls = chain_calls(index, chain)
    if calls is None:
        return
    last = chain[-1].consumer
    bridges = {link.value for link in chain}
    support = (chain[0].producer, *(link.consumer for link in chain))
    for asked in (*best_fields(_end_fields(index, last, bridges), MAX_FIELDS), *_time_of(index, last)):
        yield Draft(
            family="composition",
            calls=calls,
            answer=Get(calls[-1].name, asked.field),
            key=asked.key,
            answer_type=asked.answer_type,
            support=support,
            hops=len(calls),
            bonus=-0.3 if _goes_in_order(index, chain[0]) else 0.0,
        )


def _goes_in_order(index: SessionIndex, link: Link) -> bool:
    """Say whether the k-th thing of a list was also the k-th to be looked up: then the list is hardly needed."""
    position = next((int(token) for token in link.source.split("/") if token.isdigit()), None)
    like = index.tools[index.turns[link.consumer].tool]
    return position is not None and like.index(link.consumer) == position


def _time_of(index: SessionIndex, turn: int) -> Iterator[Asked]:
    """Yield the time of an effect as a field to ask for, where times are real and no other call shares it."""
    stamp = index.turns[turn].created_at
    if stamp is not None and index.turns[turn].effect and index.stamps[stamp] == 1 and index.times_are_real:
        yield Asked(Field(path=STAMP_PATH), "created_at", stamp, "date")


def _end_fields(index: SessionIndex, turn: int, bridges: set[str]) -> Iterator[Asked]:
    tool = index.turns[turn].tool
    for asked in askable(index, turn):
        if asked.text in bridges or any(leaf.text == asked.text for leaf in index.arguments[turn]):
            continue
        if asked.field.extract is not None or varies(list(values_of(index, tool, asked.field).values()), asked.text):
            yield asked


def chain_calls(index: SessionIndex, chain: tuple[Link, ...]) -> tuple[Call, ...] | None:
    """Return the call nodes of a chain: the first described by what it did, each other by the value it was given."""
    avoid = frozenset(link.value for link in chain)
    first = describe(index, chain[0].producer, "A", avoid)
    if first is None:
        return None
    calls = [first]
    for number, link in enumerate(chain):
        name = "ABCDE"[number + 1]
        bridge = Bridge(calls[-1].name, Field(path=link.source))
        condition = Condition(path=link.target, op="eq", value=bridge)
        tool = index.turns[link.consumer].tool
        group = index.like[tool, link.target, link.value]
        if len(group) > 1:
            return None
        calls.append(Call(name=name, tool=tool, pick="only", where=(condition,)))
    return tuple(calls)


def next_arguments(index: SessionIndex) -> Iterator[Draft]:
    """Yield: the context ends before a successful effect, and one of its arguments must be foretold."""
    all_links = links(index)
    into: dict[int, list[Link]] = {}
    for link in all_links:
        into.setdefault(link.consumer, []).append(link)
    for last in all_links:
        effect = index.turns[last.consumer]
        if not effect.effect or effect.ok is False or last.consumer - last.producer < 2:
            continue
        leaf = index.leaf(last.consumer, last.target)
        if leaf is None:
            continue
        position = index.tools[effect.tool].index(last.consumer) + 1
        target = Call(name="X", tool=effect.tool, pick="nth", k=position)
        for earlier in into.get(last.producer, ()):
            calls = chain_calls(index, (earlier,))
            if calls is None or earlier.value == last.value:
                continue
            yield Draft(
                family="next_argument",
                calls=(*calls, target),
                answer=Get("B", Field(path=last.source)),
                key=leaf.key,
                answer_type=answer_type_of(leaf.value, leaf.text, leaf.key),
                support=(earlier.producer, earlier.consumer),
                hops=2,
                until=Target("X", Field(path=last.target)),
                bonus=0.1,
            )


def provenances(index: SessionIndex) -> Iterator[Draft]:
    """Yield: which earlier call first produced the value that a call was given, named by what that call was asked."""
    for link in links(index):
        producer = index.turns[link.producer]
        if len(index.tools[producer.tool]) < 3 or link.consumer - link.producer < 2:
            continue
        use = describe(index, link.consumer, "A", frozenset((link.value,)))
        if use is None:
            continue
        bridge = Bridge("A", Field(path=link.target))
        origin = Call(
            name="B",
            tool=producer.tool,
            pick="first",
            where=(Condition(path="/response", op="has", value=bridge),),
            before="A",
        )
        for asked in askable_arguments(index, link.producer)[:2]:
            if not varies(list(values_of(index, producer.tool, asked.field).values()), asked.text):
                continue
            yield Draft(
                family="provenance",
                calls=(use, origin),
                answer=Get("B", asked.field),
                key=asked.key,
                answer_type=asked.answer_type,
                support=(link.producer, link.consumer),
                hops=2,
                bonus=0.05,
            )
