"""Questions: the wording of each family, several phrasings a family.

The phrasing is chosen by the program's own hash, so that the same program always reads the same. A question names no turn
number, no bridge value and no answer; it states the form of the answer; the calls are told apart by what they did.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from itertools import pairwise

from trajectory_compiler.dataflow.candidate import Candidate
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
    Literal,
    Program,
    StateAt,
    Sum,
    Walk,
    encode,
)
from trajectory_compiler.dataflow.wording.lexicon import ORDINALS, SPECIAL, article, plural, was, was_it
from trajectory_compiler.dataflow.wording.phrases import (
    act,
    bare,
    base_of,
    base_past,
    by_tool,
    chosen,
    found_in,
    has_bridge,
    is_listed,
    is_primary,
    is_reading,
    noun,
    nth,
    on_that_thing,
    owned,
    owner_of,
    passed,
    thing_and_names,
    thing_of,
    what,
    when,
)
from trajectory_compiler.model import Family

_FORMS = {
    "number": "Give the number.",
    "amount": "Give the amount as a number.",
    "change": "Answer as OLD -> NEW.",
    "date": "Give the date as it stands in the log.",
    "identifier": "Give it exactly as it stands in the log.",
    "path": "Give the path exactly as it stands in the log.",
    "url": "Give the address exactly as it stands in the log.",
    "text": "Answer with the exact value from the log.",
    "tool": "Name the tool.",
    "list": "Answer with a JSON array, sorted.",
}
LENGTH = "/response/file/totalLines"
_STAMP_FORM = "Give the time stamp of that call as it stands in the log."


def word(candidate: Candidate) -> str:
    """Return the question of a candidate, with the form of the answer."""
    program = candidate.program
    family = _base_family(program) if program.family == "unanswerable" else program.family
    question = _WORDERS[family](program, _choice(program))
    form = _STAMP_FORM if candidate.key == "created_at" else _FORMS[candidate.answer_type]
    return f"{question[0].upper()}{question[1:]} {form}"


def _base_family(program: Program) -> Family:
    """Tell from its form which family's question was made unanswerable."""
    if program.until is not None:
        return "next_argument"
    if isinstance(program.answer, Change):
        return "precondition" if program.calls[0].ok is False else "state_change"
    if isinstance(program.answer, StateAt | Changes):
        return "state_change"
    if isinstance(program.answer, Difference):
        return "comparison" if program.calls[0].pick != "first" else "state_change"
    if any(node.before or node.after for node in program.calls):
        return "provenance" if any(has_bridge(node) for node in program.calls) else "temporal"
    return "composition"


def _choice(program: Program) -> int:
    return hashlib.blake2b(encode(program), digest_size=2).digest()[0]


def _pick(choice: int, *phrasings: str) -> str:
    return phrasings[choice % len(phrasings)]


def _is_argument(field: Field) -> bool:
    return field.path.startswith("/arguments")


def _bridge_of(node: Call) -> Bridge:
    return next(c.value for c in node.where if isinstance(c.value, Bridge))


def _composition(program: Program, choice: int) -> str:
    assert isinstance(program.answer, Get)
    if program.answer.field.item is not None:
        return _item(program, program.answer)
    first, *middle, last = program.calls
    if program.answer.field.path == "/created_at":
        return _time_of_use(program, choice)
    asked = noun(program.answer.field)
    if (whose := _owners(program)) is not None:
        return f"what {was(asked)} the {asked} of {whose}?"
    got = f"the {noun(_bridge_of((*middle, last)[0]).field)}"
    steps = ""
    for node, following in pairwise((*middle, last)):
        steps += f" with it, the agent later {act(node).past} and so got the {noun(_bridge_of(following).field)};"
    end = act(last).past
    if steps:
        begin = f"start from {got} that came back when {when(first)};{steps}"
        return f"{begin} with that, it later {end}. What was the {asked} in that last response?"
    if is_reading(last):
        there = found_in(last)
        if is_reading(first):
            listed = _entry_of(first, last)
            return _pick(
                choice,
                f"what did {there} show as the {asked} of the {listed}?",
                f"take the {listed}. What did {there} show as {owned(asked)}?",
            )
        return f"what {asked} did {there} show for {got} that came back when {when(first)}?"
    with_value, with_it = (on_that_thing(last) or f"{end} with {it}" for it in ("that value", "it"))
    if not is_listed(_bridge_of(last).field) and choice % 3 == 0:
        return f"{when(first)} and got back {got}. What was the {asked} in the response when it later {with_value}?"
    return _pick(
        choice,
        f"take {got} that came back when {when(first)}. What was the {asked} in the response when the agent later {with_it}?",
        f"what was the {asked} that came back when the agent {end} with {got} that it had got when it {_short(first)}?",
    )


def _entry_of(first: Call, following: Call) -> str:
    """Word what one look-up takes from another: "third reservation listed in the user details"."""
    bridge = _bridge_of(following).field
    return f"{noun(bridge)} {'listed in' if is_listed(bridge) else 'in'} {found_in(first)}"


def _owners(program: Program) -> str | None:
    """Word a chain of look-ups by what each was made for: "the account of the customer named in the invoice `INV-7`"."""
    first, *rest = program.calls
    owners = [owner_of(node, _bridge_of(node).field) for node in rest]
    if None in owners or not all(map(is_reading, rest)):
        return None
    return f"the {' of the '.join(str(owner) for owner in reversed(owners))} {_whence(first, str(owners[0]))}"


def _whence(first: Call, thing: str) -> str:
    """Say where a thing was found: "listed in the user details", "that came back when it searched for papers"."""
    if not is_reading(first):
        return f"that came back when {when(first)}"
    return f"{'listed' if thing.split(' ', 1)[0] in ORDINALS else 'named'} in {found_in(first)}"


def _item(program: Program, answer: Get) -> str:
    """Word a field of the record of what an effect named: "take the first flight that it named when it booked ..."."""
    item = answer.field.item
    assert item is not None
    assert isinstance(item.value, Bridge)
    source, effect = program.call(answer.call), program.call(item.value.call)
    asked = noun(answer.field)
    thing = chosen(item.value.field)
    if _is_argument(item.value.field):
        if not is_reading(source):
            return f"{when(effect)}. For the {thing} named in that call, {what(asked)} came back when it {_short(source)}?"
        named = f"the {thing} that the agent named when it {_short(effect)}"
    elif is_reading(effect):
        named = f"the {thing} in {found_in(effect)}"
    else:
        named = f"the {thing} that came back when {when(effect)}"
    if is_reading(source):
        return f"take {named}. {what(asked).capitalize()} did {found_in(source)} show for it?"
    return f"take {named}. {what(asked).capitalize()} came back for it when the agent {_short(source)}?"


def _time_of_use(program: Program, choice: int) -> str:
    first, *rest = program.calls
    path = ""
    for node in rest[:-1]:
        path += f", then took what came back when it {act(node).past} with it"
    got = noun(_bridge_of(rest[0]).field)
    end = act(rest[-1])
    owner = owner_of(rest[0], _bridge_of(rest[0]).field)
    if owner is not None and len(rest) == 1:
        return f"when did the agent {base_of(rest[0])} the {owner} {_whence(first, owner).replace('the agent', 'it')}?"
    return _pick(
        choice,
        f"{when(first)} and got back the {got}{path}. At what time did it later {end.base} with that value?",
        f"when did the agent {end.base} with the {got} that it had got when it {_short(first)}{path}?",
    )


def _next_argument(program: Program, choice: int) -> str:
    assert program.until is not None
    assert isinstance(program.answer, Get)
    first, second = program.calls[0], program.calls[1]
    effect = program.call(program.until.call)
    asked = noun(program.until.field)
    got = noun(_bridge_of(second).field)
    about = act(effect, plain=True).base
    if is_reading(first) and is_reading(second):
        taken = noun(program.answer.field)
        listed = _entry_of(first, second)
        return _pick(
            choice,
            f"as its next step the agent will {about}. As the {asked} it will pass what {found_in(second)} showed as the"
            f" {taken} of the {listed}. What will it pass?",
            f"the agent is about to {about}, and takes the {asked} from {found_in(second)} of the {listed}."
            f" Which {asked} will it pass?",
        )
    return _pick(
        choice,
        f"the agent is about to {about}. It takes the {asked} from an earlier response, the one it got when it"
        f" {act(second).past} with the {got} from the time {when(first)}. Which {asked} must it pass?",
        f"as its next step the agent will {about}, with the {asked} that came back when it {act(second).past} with the {got}"
        f" that it had got when it {_short(first)}. Which {asked} is that?",
    )


def _provenance(program: Program, choice: int) -> str:
    use, origin = program.calls[0], program.calls[1]
    assert isinstance(program.answer, Get)
    bridge = _bridge_of(origin).field
    asked, used = noun(program.answer.field), noun(bridge)
    thing = chosen(bridge)
    if thing_of(origin) == thing:
        return f"{when(use)} with {article(thing)}. Which {asked} had it passed when it {base_past(origin)} that {thing}?"
    return _pick(
        choice,
        f"{when(use)} with {article(used)} that it had first got earlier, when it {act(origin).past}."
        f" Which {asked} had it passed to that earlier call?",
        f"the {used} that was passed when {when(use)} had first come back when the agent {act(origin).past}."
        f" Which {asked} had the agent passed then?",
    )


def _state_change(program: Program, choice: int) -> str:
    node = program.calls[0]
    done = act(node).past
    match program.answer:
        case Change(left, right) if program.call(right.call).tool != node.tool:
            asked, later = noun(left.field), _again(node, program.call(right.call))
            return _pick(
                choice,
                f"how did the {asked} change between the time {when(node)} and the time it {later}?",
                f"what {was(asked)} the {asked} when {when(node)}, and what {was_it(asked)} when the agent later {later}?",
            )
        case Change(left, _) | Difference(left, _) if left.field.path == LENGTH:
            return _length(program.answer, done.removeprefix("read "))
        case Change(left, _):
            asked = noun(left.field)
            return _pick(
                choice,
                f"how did the {asked} change between the first and the last time the agent {done}?",
                f"what {was(asked)} the {asked} the first time the agent {done}, and what {was_it(asked)} the last time?",
            )
        case Difference(left, _):
            rose, asked = left.call == "B", noun(left.field)
            moved, went = ("higher", "rise") if rose else ("lower", "fall")
            return _pick(
                choice,
                f"by how much did the {asked} {went} between the first and the last time the agent {done}?",
                f"how much {moved} {was(asked)} the {asked} the last time the agent {done} than the first time?",
            )
        case Changes(_, field):
            return f"how many times did the {noun(field)} change from one call to the next over all the times the agent {done}?"
        case StateAt(_, field, k):
            changed = f"over all the times the agent {done}, the {noun(field)} changed more than once"
            return f"{changed}. Which was the {nth(k)} value it had?"
    raise AssertionError(program.answer)


def _length(answer: Change | Difference, file: str) -> str:
    """Word how the length of a file changed from the first to the last reading."""
    if isinstance(answer, Change):
        return f"how many lines did {file} have the first time the agent read it, and how many the last time?"
    grew = "grow" if answer.left.call == "B" else "shrink"
    return f"by how many lines did {file} {grew} between the first and the last time the agent read it?"


def _precondition(program: Program, choice: int) -> str:
    assert isinstance(program.answer, Change)
    base = act(program.calls[0]).base
    asked = noun(program.answer.left.field)
    return _pick(
        choice,
        f"the agent's first attempt to {base} failed and a later one succeeded. Which {asked} did it pass"
        f" in that failed attempt, and which in the first successful one after it?",
        f"the agent tried to {base}, failed, and later succeeded. How did the {asked} that it passed change from its"
        f" first failed attempt to the first successful one after it?",
    )


def _aggregation(program: Program, choice: int) -> str:
    node = program.calls[-1]
    done = act(node)
    match program.answer:
        case Count():
            return _count(node, choice)
        case Sum(_, field):
            head, joint, rest = noun(field, alone=True).partition(" in the ")
            summed = f"{plural(head)}{joint}{rest}"
            if is_reading(node):
                return f"what is the sum of the {summed} over all {plural(found_in(node))} that the agent looked up?"
            return f"add up the {summed} over all the times the agent {done.past}. What is the sum?"
        case Distinct(_, field):
            if field.path == "/tool":
                return _tools(node)
            things = plural(noun(field))
            if is_primary(node, field) and not node.where:
                thing, _, do = bare(node)
                return f"how many different {plural(thing)} did the agent {do}?"
            if not _is_argument(field):
                return f"how many different {things} came back over all the times the agent {done.past}?"
            return f"counting all the times the agent {done.past}, how many different {things} did it pass?"
    raise AssertionError(program.answer)


def _tools(node: Call) -> str:
    outcome = next((c for c in node.where if c.path.startswith("/response")), None)
    if outcome is not None:
        with_it = f"the {noun(Field(path=outcome.path))} `{_literal_text(outcome)}`"
        return f"how many different tools came back with {with_it} at least once?"
    if node.ok is False:
        return "how many different tools came back with an error at least once?"
    return f"how many different tools did the agent call with {_passed(node)}, look-ups included?"


def _passed(node: Call) -> str:
    return " and ".join(passed(c) for c in node.where if isinstance(c.value, Literal))


def _count(node: Call, choice: int) -> str:
    done = act(node)
    outcome = next((c for c in node.where if c.path.startswith("/response") and isinstance(c.value, Literal)), None)
    if outcome is not None:
        with_it = f"came back with the {noun(Field(path=outcome.path))} `{_literal_text(outcome)}`"
        return f"how many {_calls_of(node)} {with_it}?"
    if node.ok is False:
        return f"how many {_calls_of(node)} came back as an error?"
    if node.tool is None:
        return f"how many of the agent's calls passed {_passed(node)}?"
    often = _pick(choice, "how many times", "how often in this session")
    unsure = (is_reading(node) and node.where) or done.base.startswith("put ")  # other calls do nearly the same
    tool = "" if " tool" in done.base else by_tool(node) or (f" with `{node.tool}`" if unsure else "")
    return f"{often} did the agent {done.base}{tool}?"


def _calls_of(node: Call) -> str:
    """Name the calls whose outcomes are counted: "of the agent's attempts to create a role"."""
    kind = "attempts" if node.ok is False else "calls"
    return "of the agent's calls" if node.tool is None else f"of the agent's {kind} to {act(node).base}"


def _literal_text(condition: Condition) -> str:
    return condition.value.value if isinstance(condition.value, Literal) else ""


def _short(node: Call) -> str:
    return when(node).removeprefix("the agent ")


def _again(first: Call, later: Call) -> str:
    """Word a later call on the thing that was just named: "updated reservation flights for it"."""
    named = {c.value.value for c in first.where if isinstance(c.value, Literal)}
    if len(later.where) == 1 and later.where[0].path.count("/") == 2 and {_literal_text(later.where[0])} == named:
        order = {"first": "first ", "last": "last "}.get(later.pick, "")
        done = on_that_thing(later) or f"{act(later, plain=True).past} for it"
        return f"{order}{done}"
    return _short(later)


def _temporal(program: Program, choice: int) -> str:
    anchor, found = program.calls[0], program.calls[1]
    assert isinstance(program.answer, Get)
    asked = noun(program.answer.field)
    done = act(found).past
    side = f"before it {_short(anchor)}" if found.before else f"after it {_short(anchor)}"
    order = "last" if found.before else "first"
    if is_primary(found, program.answer.field) and not found.where:
        thing, did, _ = bare(found)
        return _pick(
            choice,
            f"what was the {order} {thing} that the agent {did} {side}?",
            f"{side.replace(' it ', ' the agent ', 1)}, what was the {order} {thing} that it {did}?",
        )
    if _is_argument(program.answer.field):
        return _pick(
            choice,
            f"which {asked} did the agent pass the {order} time it {done} {side}?",
            f"the {order} time the agent {done} {side}, which {asked} did it pass?",
        )
    if found.tool in SPECIAL and not found.where:
        thing, did, _ = bare(found)
        return f"what {was(asked)} the {asked} of the {order} {thing} that the agent {did} {side}?"
    return _what_it_was(asked, f"the {order} time the agent {done} {side}", choice)


def _what_it_was(asked: str, time: str, choice: int) -> str:
    """Ask for a field of what came back at a time; what belongs to a part of it only *was* something."""
    if " of the " in asked or choice % 2 == 0:
        return f"what {was(asked)} the {asked} {time}?"
    return f"{time}, what {asked} came back?"


def _comparison(program: Program, choice: int) -> str:
    assert isinstance(program.answer, Difference)
    left, right = program.call(program.answer.left.call), program.call(program.answer.right.call)
    asked = noun(program.answer.left.field, alone=True)
    if left.pick == "max":
        done = act(left).past
        return _pick(
            choice,
            f"over all the times the agent {done}, how far apart are the highest and the lowest {asked}?",
            f"what is the difference between the highest and the lowest {asked} over all the times the agent {done}?",
        )
    if program.answer.left.field.path == LENGTH:
        longer, shorter = (act(node).past.removeprefix("read ") for node in (left, right))
        return f"by how many lines was {longer} longer than {shorter} when the agent read them?"
    thing, names = thing_and_names(left)
    other, others = thing_and_names(right)
    if is_reading(left) and left.pick == right.pick == "only" and thing == other and names and others:
        return _pick(
            choice,
            f"going by {thing}, how much higher was the {asked} for {names} than for {others}?",
            f"how much higher was the {asked} for {names} than for {others}, as {thing} showed it?",
        )
    if is_reading(left) and left.pick == "only":
        return f"how much higher was the {asked} in {found_in(left)} than in {found_in(right)}?"
    return f"how much higher was the {asked} when {when(left)} than when it {_short(right)}?"


def _recall(program: Program, choice: int) -> str:
    node = program.calls[0]
    assert isinstance(program.answer, Get)
    asked = noun(program.answer.field)
    if is_primary(node, program.answer.field) and not node.where:
        thing, did, _ = bare(node)
        return f"in the order of the session, what was the {nth(node.k)} {thing} that the agent {did}?"
    if _is_argument(program.answer.field):
        return f"which {asked} did the agent pass the {nth(node.k)} time it {act(node).past}?"
    return _what_it_was(asked, f"the {nth(node.k)} time the agent {act(node).past}", choice)


def _walk(program: Program, _: int) -> str:
    assert isinstance(program.answer, Walk)
    start = program.call(program.answer.start)
    return (
        f"start from the call in which {when(start)} and follow every value of its response to each"
        f" later call that was given it as the {noun(Field(path=program.answer.target))}, {program.answer.steps} times over."
        f" Which {plural(noun(program.answer.label))} do the calls reached carry?"
    )


_WORDERS: dict[Family, Callable[[Program, int], str]] = {
    "composition": _composition,
    "next_argument": _next_argument,
    "provenance": _provenance,
    "state_change": _state_change,
    "precondition": _precondition,
    "aggregation": _aggregation,
    "temporal": _temporal,
    "comparison": _comparison,
    "recall": _recall,
    "walk": _walk,
}
