"""Tallies: how often something was done, and with what outcome.

These are the questions of whoever reviews a log: how many roles were created, how many attempts failed and with which error.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence

from trajectory_compiler.dataflow.candidate import Draft
from trajectory_compiler.dataflow.families.counts import MAX_COUNT, MIN_COUNT, aggregate
from trajectory_compiler.dataflow.fields import is_speakable, snake
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Call, Condition, Count, Distinct, Expression, Field, Literal

MAX_OUTCOMES = 12
_OUTCOME_KEYS = re.compile(r"(^|_)(code|status|state|outcome|verdict|reason|severity|priority|stage|phase|category)$")


def tally(calls: tuple[Call, ...], answer: Expression, support: Sequence[int], key: str, bonus: float) -> Draft:
    """Return the draft of a number over calls. A count of three is guessed first, so larger ones are worth more."""
    return aggregate(calls, answer, support, key, bonus + 0.05 * min(len(support) - MIN_COUNT, 6))


def tallies(index: SessionIndex) -> Iterator[Draft]:
    """Yield how often a tool was called, how often it failed or succeeded, and how often it came back with which outcome."""
    for tool, turns in index.tools.items():
        failed = [t for t in turns if index.turns[t].ok is False]
        passed = [t for t in turns if index.turns[t].ok is not False]
        if failed and MIN_COUNT <= len(failed) <= MAX_COUNT and passed:
            yield tally((Call(name="A", tool=tool, pick="all", ok=False),), Count("A"), failed, "failures", 0.1)
        if index.turns[turns[0]].effect and MIN_COUNT <= len(passed) <= MAX_COUNT and all(index.turns[t].ok for t in passed):
            ok = True if failed else None
            yield tally((Call(name="A", tool=tool, pick="all", ok=ok),), Count("A"), passed, "times", 0.1)
    yield from _by_outcome(index)
    yield from _failing_tools(index)


def _by_outcome(index: SessionIndex) -> Iterator[Draft]:
    """Count the calls, of one tool and of any, that came back with one of several codes or states."""
    of_tool: dict[tuple[str, str], dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    of_any: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for turn in index.turns:
        if turn.kind != "tool":
            continue
        for leaf in index.responses[turn.index]:
            if isinstance(leaf.value, str) and _OUTCOME_KEYS.search(snake(leaf.key)) and _is_outcome(leaf.path, leaf.text):
                of_tool[turn.tool, leaf.path][leaf.text].append(turn.index)
                of_any[leaf.path][leaf.text].append(turn.index)
    for (tool, path), groups in of_tool.items():
        yield from _each_outcome(tool, path, groups)
    for path, everywhere in of_any.items():
        tools = {index.turns[t].tool for group in everywhere.values() for t in group}
        groups = {text: group for text, group in everywhere.items() if _is_all(index, path, text, group)}
        if len(tools) > 1:
            yield from _each_outcome(None, path, groups)
            yield from _tools_of_outcome(index, path, groups)


def _is_all(index: SessionIndex, path: str, text: str, group: Sequence[int]) -> bool:
    """Say whether no call came back with the outcome under a longer name: `dBInstanceStatus` is a status, too."""
    word = snake(path.rsplit("/", 1)[-1]).split("_")[-1]
    named = {t for (key, value), turns in index.keyed.items() if value == text and word in snake(key).split("_") for t in turns}
    return named <= set(group)


def _is_outcome(path: str, text: str) -> bool:
    return 2 <= len(text) <= 60 and " " not in text and text.isprintable() and _is_one_place(path) and not text.isdigit()


def _is_one_place(path: str) -> bool:
    """Say whether a place is no list entry: the state of the third of several things is not the outcome of a call."""
    return is_speakable(path) and not any(token.isdigit() for token in path.split("/"))


def _each_outcome(tool: str | None, path: str, groups: dict[str, list[int]]) -> Iterator[Draft]:
    if not 2 <= len(groups) <= MAX_OUTCOMES:
        return
    for text, group in groups.items():
        if MIN_COUNT <= len(group) <= MAX_COUNT:
            condition = Condition(path=path, op="eq", value=Literal(text))
            calls = (Call(name="A", tool=tool, pick="all", where=(condition,)),)
            yield tally(calls, Count("A"), group, f"count by {path}", 0.15)


def _tools_of_outcome(index: SessionIndex, path: str, groups: dict[str, list[int]]) -> Iterator[Draft]:
    for text, group in groups.items():
        tools = Counter(index.turns[t].tool for t in group)
        if len(group) <= MAX_COUNT and MIN_COUNT <= len(tools) < len(group):
            condition = Condition(path=path, op="eq", value=Literal(text))
            single = [t for t in group if tools[index.turns[t].tool] == 1]
            yield tally(
                (Call(name="A", tool=None, pick="all", where=(condition,)),),
                Distinct("A", Field(path="/tool")),
                single,
                "tool",
                0.1,
            )


def _failing_tools(index: SessionIndex) -> Iterator[Draft]:
    failed = [turn.index for turn in index.turns if turn.kind == "tool" and turn.ok is False]
    tools = Counter(index.turns[t].tool for t in failed)
    if MIN_COUNT <= len(tools) < len(failed) <= MAX_COUNT:
        single = [t for t in failed if tools[index.turns[t].tool] == 1]
        calls = (Call(name="A", tool=None, pick="all", ok=False),)
        yield tally(calls, Distinct("A", Field(path="/tool")), single, "failing tools", 0.1)
