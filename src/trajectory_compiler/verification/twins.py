"""Counterfactual twins: the same question on an edited log, where the right answer is another one.

Who answers a pair and its twin has read; who answers the pair alone may have remembered. A twin is an edit that the `causal`
gate tries, or one of the same kind; its answer is what the program gives on the edited log, never a guess.

    reroute   another value where a bridge is read, or a walk's next step, leads to another call
    edit      another value where the answer is read
    remove    one call no longer fits its description
    add       one more call fits
    move      the call that anchors the question and another of its tool change places
    swap      the value asked for and that of a call like it change places
    restore   the withheld turn is shown again
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import islice

import msgspec

from trajectory_compiler.dataflow.program import Claim, Program, Walk
from trajectory_compiler.model import Family, Turn, canonical
from trajectory_compiler.verification.edits import Edit
from trajectory_compiler.verification.evaluate import Edit as Change
from trajectory_compiler.verification.evaluate import Session, View, fresh
from trajectory_compiler.verification.proof import Case

_MAX_TRIES = 400


class Twin(msgspec.Struct, frozen=True):
    """What kind of edit, the edits of the session's turns, and the answer after them."""

    kind: str
    edits: tuple[Edit, ...]
    answer: str


def twins(program: Program, turns: Iterable[Turn] | Session, limit: int) -> tuple[Twin, ...]:
    """Return up to `limit` twins of a program on its whole session, those of its family's own kind first.

    Each answer is defined, differs from the original and from the other twins' answers. Deterministic.
    Cost: an evaluation per edit tried, at most 400 a kind.
    """
    claim = Claim(program=program, question="", answer="", answer_type="text", evidence=())
    case = Case(claim, turns if isinstance(turns, Session) else Session(turns))
    if case.base.answer is None or limit <= 0:
        return ()
    if program.family == "unanswerable":
        return (Twin("restore", (), case.answer),)
    found: dict[str, Twin] = {case.answer: Twin("original", (), case.answer)}
    for kind, propose in _KINDS[program.family]:
        for edits in islice(propose(case), _MAX_TRIES):
            if len(found) > limit:
                break
            answer = case.after(edits) if edits else None
            if answer is not None and answer not in found:
                found[answer] = Twin(kind, tuple(Edit(*edit) for edit in edits), answer)
    return tuple(twin for twin in found.values() if twin.kind != "original")


def _edit(case: Case) -> Iterator[list[Change]]:
    return case.source_edits()


def _reroute(case: Case) -> Iterator[list[Change]]:
    for node, condition, _, _, source in reversed(case.bridges):
        yield from case.reroutes(node, condition, source)


def _remove(case: Case) -> Iterator[list[Change]]:
    """Give one call another value where a condition names one; where none does, the name of another tool."""
    tools = sorted({view.turn.tool for view in case.views if view.turn.kind == "tool"})
    for name, node in case.nodes.items():
        named = [condition for condition in node.where if condition.literal]
        for view in (case.at[turn] for turn in case.base.matches[name]):
            for condition in reversed(named):
                yield view.rename(condition.literal, fresh(condition.literal), condition.path)
            if not named and node.tool is not None:
                yield [(view.index, "/tool", next((t for t in tools if t != node.tool), fresh(node.tool)))]


def _redirect(case: Case) -> Iterator[list[Change]]:
    """Let a call of a walk name another value that a call behind it would be found by."""
    walk = case.answered
    assert isinstance(walk, Walk)
    links = {view.index: canonical(view.at(walk.target)) for view in case.views if view.turn.kind == "tool"}
    for view in (case.at[turn] for turn in case.read):
        for path, text, _ in view.leaves(walk.source):
            for other in sorted({link for turn, link in links.items() if link not in (None, text) and turn > view.index}):
                yield [view.write(path, other or "")]


def _unlink(case: Case) -> Iterator[list[Change]]:
    """Give one call that a walk reaches another value where the walk would find it."""
    walk = case.answered
    assert isinstance(walk, Walk)
    reached = [turn for turn in case.read if not any(turn in found for found in case.base.matches.values())]
    for view in (case.at[turn] for turn in reversed(reached)):
        text = canonical(view.at(walk.target))
        if text is not None:
            yield [view.write(walk.target, fresh(text))]


def _add(case: Case) -> Iterator[list[Change]]:
    """Make a call of the tool that misses one condition meet it."""
    for name, node in case.nodes.items():
        for condition in (condition for condition in node.where if condition.op == "eq" and condition.literal):
            rest = msgspec.structs.replace(node, where=tuple(c for c in node.where if c is not condition))
            for view in case.views:
                if view.index not in case.base.matches[name] and view.fits(rest, {}) and canonical(view.at(condition.path)):
                    yield [view.write(condition.path, condition.literal)]


def _move(case: Case) -> Iterator[list[Change]]:
    """Let another call of its tool be the one that a condition names."""
    for name, node in case.nodes.items():
        picked = case.base.picked[name] if node.pick != "all" else ()
        for condition in (condition for condition in node.where if condition.literal and condition.op != "has"):
            for view in (case.at[turn] for turn in picked):
                others = (o for o in case.views if o.turn.kind == "tool" and o.turn.tool == view.turn.tool and o is not view)
                for other in others:
                    yield _exchanged(view, other, condition.path)


def _swap(case: Case) -> Iterator[list[Change]]:
    for name, field in case.asked:
        for view in (case.at[turn] for turn in case.base.picked[name]):
            for other in (case.at[turn] for turn in case.base.matches[name] if turn != view.index):
                yield _exchanged(view, other, field.path)


def _exchanged(left: View, right: View, path: str) -> list[Change]:
    values = canonical(left.at(path)), canonical(right.at(path))
    if values[0] is None or values[1] is None or values[0] == values[1]:
        return []
    return [(left.index, path, right.at(path)), (right.index, path, left.at(path))]


_Propose = tuple[str, Callable[[Case], Iterator[list[Change]]]]
_EDIT: _Propose = ("edit", _edit)
_REROUTE: _Propose = ("reroute", _reroute)
_REMOVE: _Propose = ("remove", _remove)
_MOVE: _Propose = ("move", _move)
_KINDS: dict[Family, tuple[_Propose, ...]] = {
    "composition": (_REROUTE, _EDIT),
    "next_argument": (_REROUTE, _EDIT),
    "provenance": (_REROUTE, _EDIT),
    "precondition": (_REMOVE, _MOVE, _EDIT),
    "state_change": (_EDIT, _REMOVE),
    "aggregation": (("add", _add), _REMOVE, _EDIT, _REROUTE),
    "temporal": (_MOVE, _REMOVE, _EDIT),
    "comparison": (_EDIT, _REROUTE),
    "recall": (("swap", _swap), _EDIT),
    "walk": (("reroute", _redirect), ("remove", _unlink), _EDIT),
}
