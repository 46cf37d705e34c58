"""The indexed evaluator: what a program gives on a whole session, fast, with the places it read.

The enumeration uses it to write answers and evidence. It never decides whether a pair is good: that is the proof checker's
task, whose evaluator shares no code with this one; a differential test compares the two on every candidate.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from decimal import Decimal
from typing import NamedTuple

import msgspec

from trajectory_compiler.dataflow.extract import extract
from trajectory_compiler.dataflow.index import SessionIndex, contains
from trajectory_compiler.dataflow.program import (
    Bridge,
    Call,
    Change,
    Changes,
    Condition,
    Count,
    Difference,
    Distinct,
    Field,
    Get,
    Item,
    Program,
    StateAt,
    Sum,
    Walk,
)
from trajectory_compiler.dataflow.program import Literal as LiteralValue
from trajectory_compiler.model import MISSING, Json, canonical, decimal_text, escape_token, number_of, resolve, turn_object


class Source(NamedTuple):
    """A place that a value was read from; `span` is given where an extractor read part of a string."""

    turn: int
    path: str
    span: tuple[int, int] | None
    text: str


class Trace(NamedTuple):
    """The answer, the turns that each call node matched and picked, and the places of the answer."""

    answer: str
    matches: dict[str, tuple[int, ...]]
    picked: dict[str, tuple[int, ...]]
    sources: tuple[Source, ...]


class _Undefined(Exception):  # noqa: N818  # a control value of this file, not an error that anybody meets
    """Some part of the program has no value here."""


class Reading(NamedTuple):
    """How a program is read. `hidden`: a turn that is left out. `settled`: failed calls are, unless a node asks for them.

    `loose`: a named argument may stand anywhere among the arguments.
    """

    hidden: int = -1
    settled: bool = False
    loose: bool = False


AS_WRITTEN = Reading()


def run(index: SessionIndex, program: Program, reading: Reading = AS_WRITTEN) -> Trace | None:
    """Evaluate a program on the whole session (cut before the target call where it has one); None where undefined."""
    evaluation = _Evaluation(index, len(index.turns), reading)
    try:
        if program.until is not None:
            target = _Evaluation(index, len(index.turns))
            target.call(program.call(program.until.call))
            evaluation.end = target.single(program.until.call)
            evaluation.matches["(target)"] = (evaluation.end,)
        for node in program.calls:
            if program.until is None or node.name != program.until.call:
                evaluation.call(node)
        answer = evaluation.answer(program)
    except _Undefined:
        return None
    return Trace(answer, evaluation.matches, evaluation.picked, tuple(evaluation.sources))


def records(response: Json, key: str) -> Iterator[tuple[str, dict[str, Json]]]:
    """Yield (pointer, object) of every object inside a response that has a scalar at the key."""
    stack = [(response, "/response")]
    while stack:
        value, path = stack.pop()
        if isinstance(value, dict):
            if path != "/response" and canonical(value.get(key)) is not None:
                yield path, value
            stack.extend((inner, f"{path}/{escape_token(name)}") for name, inner in reversed(value.items()))
        elif isinstance(value, list):
            stack.extend((inner, f"{path}/{place}") for place, inner in reversed(list(enumerate(value))))


def item_source(index: SessionIndex, turn: int, field: Field, wanted: str) -> Source | None:
    """Read a field inside the one record whose key has the wanted text; None where there is not exactly one."""
    assert field.item is not None
    key = field.item.key
    found = [path for path, record in records(index.turns[turn].response, key) if canonical(record[key]) == wanted]
    return field_source(index, turn, Field(path=found[0] + field.path)) if len(found) == 1 else None


def field_source(index: SessionIndex, turn: int, field: Field) -> Source | None:
    """Read one field of one turn; None where it is undefined."""
    value = resolve(turn_object(index.turns[turn]), field.path)
    if field.extract is None:
        text = None if value is MISSING else canonical(value)
        return None if text is None else Source(turn, field.path, None, text)
    if not isinstance(value, str):
        return None
    found = extract(field.extract, value)
    return None if found is None else Source(turn, field.path, found.span, found.text)


class _Evaluation:
    def __init__(self, index: SessionIndex, end: int, reading: Reading = AS_WRITTEN) -> None:
        self.index = index
        self.end = end
        self.reading = reading
        self.matches: dict[str, tuple[int, ...]] = {}
        self.picked: dict[str, tuple[int, ...]] = {}
        self.sources: list[Source] = []

    def call(self, node: Call) -> None:
        low = self.single(node.after) if node.after else -1
        high = min(self.end, self.single(node.before)) if node.before else self.end
        wanted = [(self._read_as(condition), self._wanted(condition)) for condition in node.where]
        possible = self._possible(node, wanted)
        matches = tuple(
            t
            for t in possible[bisect_right(possible, low) : bisect_left(possible, high)]
            if t != self.reading.hidden
            and self._is_of_outcome(t, node)
            and (not wanted or all(self._holds(t, condition, text) for condition, text in wanted))
        )
        self.matches[node.name] = matches
        self.picked[node.name] = self._pick(node, matches)

    def _read_as(self, condition: Condition) -> Condition:
        literal = isinstance(condition.value, LiteralValue)
        if self.reading.loose and literal and condition.op != "has" and condition.path.startswith("/arguments"):
            return Condition(path="/arguments", op="has", value=condition.value)
        return condition

    def _is_of_outcome(self, turn: int, node: Call) -> bool:
        ok = self.index.turns[turn].ok
        return ok is node.ok if node.ok is not None else not (self.reading.settled and ok is False)

    def _possible(self, node: Call, wanted: Sequence[tuple[Condition, str]]) -> Sequence[int]:
        """Return calls enough, in order: those that the most telling condition, or else the tool, leaves."""
        for condition, text in wanted:
            if condition.op == "eq" and condition.path.startswith("/arguments"):
                if node.tool is None:
                    return self.index.across.get((condition.path, text), ())
                return self.index.like.get((node.tool, condition.path, text), ())
        loose = next((text for condition, text in wanted if condition.op == "has"), None)
        if loose is not None:
            showing = [t for t in self.index.turns_showing(loose) if self.index.turns[t].kind == "tool"]
            return showing if node.tool is None else [t for t in showing if self.index.turns[t].tool == node.tool]
        if node.tool is None:
            return self.index.tool_turns
        return self.index.tools.get(node.tool, ())

    def _wanted(self, named: Condition | Item) -> str:
        if isinstance(named.value, Bridge):
            return self._read(self.single(named.value.call), named.value.field).text
        return named.value.value

    def _holds(self, turn: int, condition: Condition, text: str) -> bool:
        value = resolve(turn_object(self.index.turns[turn]), condition.path)
        if value is MISSING:
            return False
        if condition.op == "eq":
            return canonical(value) == text
        if condition.op == "ends":
            return isinstance(value, str) and (value == text or value.endswith("/" + text))
        return contains(value, text)

    def _pick(self, node: Call, matches: tuple[int, ...]) -> tuple[int, ...]:
        if (
            not matches
            or (node.pick == "only" and len(matches) != 1)
            or (node.pick == "nth" and not 1 <= node.k <= len(matches))
        ):
            raise _Undefined
        if node.pick == "all":
            return matches
        if node.pick in ("max", "min"):
            return (self._extremum(node, matches),)
        position = {"only": 0, "first": 0, "last": -1, "nth": node.k - 1}[node.pick]
        return (matches[position],)

    def _extremum(self, node: Call, matches: tuple[int, ...]) -> int:
        if node.by is None or len(matches) < 2:
            raise _Undefined
        numbers = [self._number(t, node.by) for t in matches]
        best = max(numbers) if node.pick == "max" else min(numbers)
        if numbers.count(best) != 1:
            raise _Undefined
        return matches[numbers.index(best)]

    def single(self, name: str) -> int:
        picked = self.picked.get(name, ())
        if len(picked) != 1:
            raise _Undefined
        return picked[0]

    def _read(self, turn: int, field: Field) -> Source:
        if field.item is not None:
            source = item_source(self.index, turn, field, self._wanted(field.item))
        else:
            source = field_source(self.index, turn, field)
        if source is None:
            raise _Undefined
        return source

    def _number(self, turn: int, field: Field) -> Decimal:
        value = number_of(self._read(turn, field).text)
        if value is None:
            raise _Undefined
        return value

    def answer(self, program: Program) -> str:  # one case per node of a closed algebra
        match program.answer:
            case Get(name, field):
                return self._keep(self._read(self.single(name), field)).text
            case Count(name):
                return str(len(self.picked[name]))
            case Sum(name, field):
                for t in self.picked[name]:
                    self._keep(self._read(t, field))
                return decimal_text(sum((self._number(t, field) for t in self.picked[name]), Decimal(0)))
            case Distinct(name, field):
                return str(len({self._keep(self._read(t, field)).text for t in self.picked[name]}))
            case Difference(left, right):
                values = [self._number(self.single(side.call), side.field) for side in (left, right)]
                self._keep_both(left, right)
                return decimal_text(values[0] - values[1])
            case Change(left, right):
                old, new = self._keep_both(left, right)
                if old == new:
                    raise _Undefined
                return f"{old} -> {new}"
            case StateAt(name, field, k):
                merged = self._states(name, field)
                if not 1 <= k <= len(merged):
                    raise _Undefined
                return self._keep(merged[k - 1]).text
            case Changes(name, field):
                return str(len([self._keep(source) for source in self._states(name, field)]) - 1)
            case Walk():
                return self._walk(program.answer)

    def _keep(self, source: Source) -> Source:
        self.sources.append(source)
        return source

    def _keep_both(self, left: Get, right: Get) -> tuple[str, str]:
        return (
            self._keep(self._read(self.single(left.call), left.field)).text,
            self._keep(self._read(self.single(right.call), right.field)).text,
        )

    def _states(self, name: str, field: Field) -> list[Source]:
        merged: list[Source] = []
        for t in self.picked[name]:
            source = self._read(t, field)
            if not merged or merged[-1].text != source.text:
                merged.append(source)
        return merged

    def _walk(self, walk: Walk) -> str:
        frontier, reached = {self.single(walk.start)}, set[int]()
        for _ in range(walk.steps):
            following: set[int] = set()
            for c in frontier:
                carried = {leaf.text for leaf in self.index.responses[c] if leaf.path.startswith(walk.source)}
                carried |= {leaf.text for leaf in self.index.arguments[c] if leaf.path.startswith(walk.source)}
                for text in carried:
                    following.update(
                        t
                        for t, path in self.index.used.get(text, ())
                        if path == walk.target and c < t < self.end and t != self.reading.hidden
                    )
            frontier = following - reached
            reached |= following
        if len(reached) < 2:
            raise _Undefined
        self.matches["(walk)"] = self.picked["(walk)"] = tuple(sorted(reached))
        labels = sorted(self._keep(self._read(t, walk.label)).text for t in sorted(reached))
        return msgspec.json.encode(labels).decode()
