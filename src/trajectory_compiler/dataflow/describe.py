"""How a call is singled out: the smallest description that fits exactly one call of the session.

A person says "the lookup of reservation OI5L9G", not the whole JSON. One argument that names a thing is best, two are
tolerable, "the first" or "the last" of its like comes next. Files are named by as much of the end of their path as it takes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trajectory_compiler.dataflow.fields import is_identity_key, looks_random, names_a_thing
from trajectory_compiler.dataflow.index import SessionIndex, path_endings
from trajectory_compiler.dataflow.program import Call, Condition, Literal, Pick
from trajectory_compiler.values import Leaf

_MAX_ANCHORS = 6


def anchors(index: SessionIndex, turn: int) -> list[Leaf]:
    """Return the arguments that may stand in a description of the call, the most telling first."""
    found = [leaf for leaf in index.arguments[turn] if names_a_thing(leaf) and leaf.path.count("/") <= 5]
    return sorted(found, key=_rank)[:_MAX_ANCHORS]


def _rank(leaf: Leaf) -> tuple[bool, bool, int]:
    """Put identities first, machine-made ones last; among equals the order of the arguments stands, first is weightiest."""
    return (looks_random(leaf.text), not is_identity_key(leaf.key), leaf.path.count("/"))


def condition_for(index: SessionIndex, tool: str | None, leaf: Leaf) -> Condition | None:
    """Return the condition that names this argument's value, shortened for paths where the short form is unambiguous."""
    if leaf.text.startswith(("/", "~/")) or (leaf.text.count("/") >= 3 and "://" not in leaf.text and " " not in leaf.text):
        short = _shortest_ending(index, tool, leaf)
        return None if short is None else Condition(path=leaf.path, op="ends", value=Literal(short))
    return Condition(path=leaf.path, op="eq", value=Literal(leaf.text))


def _shortest_ending(index: SessionIndex, tool: str | None, leaf: Leaf) -> str | None:
    counts = index.endings(tool, leaf.path)
    for short in path_endings(leaf.text)[:-1]:
        if counts[short.lower()] == 1 and leaf.text.endswith("/" + short) and len(short) >= 3:
            return short
    return None


def matching(index: SessionIndex, tool: str, leaves: Sequence[Leaf]) -> list[int]:
    """Return the calls of a tool that carry all of these argument values."""
    groups = [index.like.get((tool, leaf.path, leaf.text), []) for leaf in leaves]
    if not groups:
        return index.tools[tool]
    smallest, *rest = sorted(groups, key=len)
    others = [set(group) for group in rest]
    return [t for t in smallest if all(t in other for other in others)]


def describe(index: SessionIndex, turn: int, name: str, avoid: frozenset[str] = frozenset()) -> Call | None:
    """Return a call node that picks exactly this turn, or None where no short description does.

    `avoid` holds values that must not be named: bridges and answers.
    """
    return next(descriptions(index, turn, name, avoid), None)


def descriptions(index: SessionIndex, turn: int, name: str, avoid: frozenset[str] = frozenset()) -> Iterator[Call]:
    """Yield call nodes that pick exactly this turn, the best first."""
    tool = index.turns[turn].tool
    if len(index.tools[tool]) == 1:
        yield Call(name=name, tool=tool, pick="only")
    usable = [
        (leaf, condition)
        for leaf in anchors(index, turn)
        if leaf.text not in avoid and (condition := condition_for(index, tool, leaf)) is not None
    ]
    for leaf, condition in usable:
        if len(matching(index, tool, [leaf])) == 1:
            yield Call(name=name, tool=tool, pick="only", where=(condition,))
    if (
        index.turns[turn].effect
        and index.turns[turn].ok
        and [t for t in index.tools[tool] if index.turns[t].ok is not False] == [turn]
    ):
        yield Call(name=name, tool=tool, pick="only", ok=True)
    for number, (leaf, condition) in enumerate(usable):
        for other, second in usable[number + 1 :]:
            if len(matching(index, tool, [leaf, other])) == 1:
                yield Call(name=name, tool=tool, pick="only", where=(condition, second))
    for leaf, condition in usable:
        group = matching(index, tool, [leaf])
        end = _end_of(group, turn)
        if end is not None and len(group) > 1 and not _ties(index, group, turn):
            yield Call(name=name, tool=tool, pick=end, where=(condition,))
    group = index.tools[tool]
    end = _end_of(group, turn)
    if end is not None and len(group) > 1 and not _ties(index, group, turn):
        yield Call(name=name, tool=tool, pick=end)


def _end_of(group: Sequence[int], turn: int) -> Pick | None:
    if turn == group[0]:
        return "first"
    return "last" if turn == group[-1] else None


def _ties(index: SessionIndex, group: Sequence[int], turn: int) -> bool:
    """Say whether another call of the group carries the same time stamp, so that their order cannot be asked about."""
    stamp = index.turns[turn].created_at
    return stamp is not None and any(index.turns[t].created_at == stamp for t in group if t != turn)
