"""A question program as sentences: what each call node looks for, and how the answer follows from what was found.

A: the first time the agent searched for flights with origin `JFK`
B: the only time the agent booked a flight with flight number = the flight number of A
Answer: the total price of B.
"""

from __future__ import annotations

from trajectory_compiler.dataflow.program import (
    Bridge,
    Call,
    Change,
    Changes,
    Condition,
    Count,
    Difference,
    Distinct,
    Expression,
    Field,
    Get,
    Item,
    Program,
    StateAt,
    Sum,
    Walk,
)
from trajectory_compiler.dataflow.wording.lexicon import plural
from trajectory_compiler.dataflow.wording.phrases import act, noun, nth

_PICKS = {"only": "the only time", "first": "the first time", "last": "the last time", "all": "every time"}
_OUTCOMES = {True: " and it succeeded", False: " and it failed"}


def program_in_words(program: Program) -> list[tuple[str, str]]:
    """Return (name, sentence) for each call node, then one line named `answer`."""
    lines = [(node.name, _call(node)) for node in program.calls]
    if program.until is not None:
        target = program.until
        lines.append(("end", f"the context ends before {target.call}; its {noun(target.field)} is what must be foretold"))
    return [*lines, ("answer", _expression(program.answer))]


def _call(node: Call) -> str:
    bridged = [c for c in node.where if isinstance(c.value, Bridge)]
    words = f"{_pick(node)} the agent {act(node).past}"
    words += "".join(f", with {_condition(c)}" for c in bridged)
    words += _OUTCOMES[node.ok] if node.ok is not None else ""
    if node.after and node.before:
        return f"{words}, after {node.after} and before {node.before}"
    if node.after:
        return f"{words}, after {node.after}"
    return f"{words}, before {node.before}" if node.before else words


def _pick(node: Call) -> str:
    if node.pick == "nth":
        return f"the {nth(node.k)} time"
    if node.pick in ("max", "min") and node.by is not None:
        return f"of all such calls the one with the {'highest' if node.pick == 'max' else 'lowest'} {noun(node.by)}: when"
    return _PICKS.get(node.pick, "the time")


def _condition(condition: Condition) -> str:
    assert isinstance(condition.value, Bridge)
    value = f"{noun(condition.value.field)} of {condition.value.call}"
    place = "response" if condition.path.startswith("/response") else "call"
    if condition.op == "has":
        return f"the {value} somewhere in its {place}"
    return f"{noun(Field(path=condition.path))} = the {value}"


def _expression(answer: Expression) -> str:
    match answer:
        case Get(call, Field(item=Item(key=key, value=value)) as field):
            where = f"the {noun(value.field)} of {value.call}" if isinstance(value, Bridge) else f"`{value.value}`"
            return f"the {noun(field)} of the entry of {call} whose {noun(Field(path=f'/response/{key}'))} is {where}"
        case Get(call, field):
            return f"the {noun(field)} of {call}"
        case Count(calls):
            return f"how many {calls} there are"
        case Sum(calls, field):
            return f"the {noun(field)} of every {calls}, added up"
        case Distinct(calls, field):
            return f"how many different {plural(noun(field))} the {calls} have"
        case Difference(left, right):
            return f"the {noun(left.field)} of {left.call} minus that of {right.call}"
        case Change(left, right):
            return f"the {noun(left.field)} of {left.call} -> that of {right.call}"
        case StateAt(calls, field, k):
            return f"the {nth(k)} value that the {noun(field)} went through over the {calls}"
        case Changes(calls, field):
            return f"how often the {noun(field)} changed from one {calls} to the next"
        case Walk():
            return (
                f"follow the values of {answer.start} into the {noun(Field(path=answer.target))} of later calls, "
                f"{answer.steps} times over, and list the {plural(noun(answer.label))}"
            )
