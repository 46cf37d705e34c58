"""Corruptions of a proved pair: each changes one thing, and none may pass the checker unless it leaves the meaning alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import count
from random import Random
from typing import Any

import msgspec

from trajectory_compiler.dataflow.program import Call, Difference, Literal
from trajectory_compiler.model import MISSING, Turn, resolve, turn_object
from trajectory_compiler.verification import Claim, Edit, apply_edits


def other_answer(claim: Claim, _: tuple[Turn, ...], random: Random) -> Claim:
    """Replace the answer by a near miss."""
    text = claim.answer
    if text.isdigit():
        return msgspec.structs.replace(claim, answer=str(int(text) + random.choice((1, 2, 10))))
    place = random.randrange(len(text))
    return msgspec.structs.replace(claim, answer=f"{text[:place]}x{text[place:]}")


def other_evidence(claim: Claim, _: tuple[Turn, ...], random: Random) -> Claim:
    """Misquote one value, or say that it stands in a later turn: in none that is quoted, for that may hold it, too."""
    items = list(claim.evidence)
    number = random.randrange(len(items))
    item = items[number]
    if random.random() < 0.5:
        items[number] = msgspec.structs.replace(item, quote=f"{item.quote}x")
    else:
        quoted = {other.turn for other in claim.evidence}
        items[number] = msgspec.structs.replace(item, turn=next(t for t in count(item.turn + 1) if t not in quoted))
    return msgspec.structs.replace(claim, evidence=tuple(items))


def other_program(claim: Claim, _: tuple[Turn, ...], random: Random) -> Claim:
    """Change one node: a tool, a condition's path or value, an ordinal, an anchor, or the side that is taken off."""
    program = claim.program
    if isinstance(program.answer, Difference) and random.random() < 0.3:
        swapped = Difference(program.answer.right, program.answer.left)
        return msgspec.structs.replace(claim, program=msgspec.structs.replace(program, answer=swapped))
    calls = list(program.calls)
    choices = [(n, change) for n, node in enumerate(calls) for change in changes_of(node)]
    if program.until is not None:
        choices = [(n, change) for n, change in choices if calls[n].name != program.until.call]
    number, change = random.choice(choices)
    calls[number] = change(calls[number])
    return msgspec.structs.replace(claim, program=msgspec.structs.replace(program, calls=tuple(calls)))


def changes_of(node: Call) -> Iterator[Callable[[Call], Call]]:
    """Yield the changes that make another description of a call node."""
    replace = msgspec.structs.replace
    yield lambda n: replace(n, tool=f"{n.tool}2")
    if node.where:
        first, *rest = node.where
        yield lambda n: replace(n, where=(replace(first, path=f"{first.path}_"), *rest))
        if isinstance(first.value, Literal):
            longer = replace(first, value=Literal(f"{first.value.value}9"))
            yield lambda n: replace(n, where=(longer, *rest))
    if node.pick == "nth":
        yield lambda n: replace(n, k=n.k + 1)
    if node.pick in ("first", "last"):
        yield lambda n: replace(n, pick="last" if n.pick == "first" else "first")
    if node.before:
        yield lambda n: replace(n, before=None, after=n.before)
    if node.after and not node.before:
        yield lambda n: replace(n, after=None, before=n.after)


def other_turn(claim: Claim, turns: tuple[Turn, ...], random: Random) -> tuple[Turn, ...]:
    """Change the log instead: one quoted value of a supporting turn becomes another, or the turn is lost."""
    item = random.choice(claim.evidence)
    if item.path == "/tool" or random.random() < 0.2:
        return tuple(t for t in turns if t.index != item.turn)
    value: Any = resolve(turn_object(turns[item.turn]), item.path)
    assert value is not MISSING
    new = value + 17 if isinstance(value, int | float) else f"zz{value}zz"
    if item.span is not None:
        new = f"{value[: item.span[0]]}9{value[item.span[0] :]}"
    return apply_edits(turns, (Edit(turn=item.turn, path=item.path, value=new),))


CLAIM_MUTATIONS: dict[str, Callable[[Claim, tuple[Turn, ...], Random], Claim]] = {
    "answer": other_answer,
    "evidence": other_evidence,
    "program": other_program,
}
