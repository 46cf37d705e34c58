"""Known faults, planted into proved pairs: what a verifier must find, with the truth known beforehand.

    wrong_answer      another value of the session in place of the answer
    near_miss         the answer a little beside itself: a number off by one, a letter changed, an item left out
    evidence_swapped  one supporting turn replaced by another turn, with a quote of that
    adjacent_only     the last supporting turn and its neighbour in place of all supporting turns
    leaked            the answer told in the question
    ambiguous         the value that sets the anchor apart taken out of the question and its program

A fault that leaves the truth as it was (an anchor that was unique without its value) is told apart: `changes_truth`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from datetime import date, timedelta
from decimal import Decimal
from random import Random
from typing import Literal

import msgspec
from msgspec.structs import replace

from trajectory_compiler.dataflow.program import decode, encode
from trajectory_compiler.model import Evidence, Pair, Turn, canonical, decimal_text, number_of, resolve, turn_object
from trajectory_compiler.values import leaves
from trajectory_compiler.verification.grading import grade
from trajectory_compiler.verification.readers.scripted import answer_on, topical
from trajectory_compiler.verification.readers.views import Visible

Kind = Literal["wrong_answer", "near_miss", "evidence_swapped", "adjacent_only", "leaked", "ambiguous"]


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """A pair with a fault. `changes_truth` says that the exact gates must find it."""

    kind: Kind
    pair: Pair
    changes_truth: bool = True


def plant(kind: Kind, pair: Pair, turns: Sequence[Turn], seed: int = 0) -> Fault | None:
    """Return a proved pair with one fault, or None where this fault cannot be planted into it. Deterministic.

    A pair whose answer is that the log does not say has no answer to falsify: None.
    """
    if pair.program is None or pair.answer_type == "abstention":
        return None
    draw = Random(f"{seed}/{kind}/{pair.id}")  # noqa: S311  # a seeded draw
    return _PLANT[kind](pair, Visible(pair, turns), draw)


def _wrong_answer(pair: Pair, visible: Visible, draw: Random) -> Fault | None:
    others = topical(pair, pair.answer, visible)
    if pair.answer_type in ("number", "amount"):
        others = [text for text in others if number_of(text) is not None] or [str(n) for n in range(2, 12)]
    elif pair.answer_type == "tool":
        others = sorted({turn.tool for turn in visible.shown(visible.indices)})
    elif pair.answer_type == "change":
        old = pair.answer.split(" -> ", 1)[0]
        others = [f"{old} -> {text}" for text in others if text != old]
    elif pair.answer_type == "list":
        others = [msgspec.json.encode([text, *_items(pair.answer)[1:]]).decode() for text in others]
    elif pair.answer_type == "date":
        others = [text for text in others if re.match(r"\d{4}-\d{2}-\d{2}", text)]
    wrong = [text for text in others if _is_wrong(pair, text)]
    return Fault(kind="wrong_answer", pair=replace(pair, answer=draw.choice(wrong))) if wrong else None


def _is_wrong(pair: Pair, text: str) -> bool:
    verdict = grade(pair.answer, text, pair.answer_type)
    return bool(text.strip()) and (verdict is None or not verdict.right)


def _near_miss(pair: Pair, _: Visible, draw: Random) -> Fault | None:
    near = [text for text in _beside(pair, draw) if text != pair.answer and _is_wrong(pair, text)]
    return Fault(kind="near_miss", pair=replace(pair, answer=near[0])) if near else None


def _beside(pair: Pair, draw: Random) -> list[str]:
    """Return answers that stand close to the right one, the closest first."""
    answer, number = pair.answer, number_of(pair.answer)
    if number is not None:
        step = Decimal(1).scaleb(min(0, int(number.as_tuple().exponent)))
        return [decimal_text(number + step), decimal_text(number - step)]
    if pair.answer_type == "change":
        old, new = answer.split(" -> ", 1)
        return [f"{new} -> {old}"]
    if pair.answer_type == "list":
        return [msgspec.json.encode(_items(answer)[:-1]).decode()]
    if pair.answer_type == "date" and re.match(r"\d{4}-\d{2}-\d{2}", answer):
        return [str(date.fromisoformat(answer[:10]) + timedelta(days=1)) + answer[10:]]
    places = [i for i, c in enumerate(answer) if c.isalnum()]
    at = draw.choice(places) if places else 0
    digits, letters = "0123456789", "abcdefghijklmnopqrstuvwxyz"
    alphabet = digits if answer[at : at + 1].isdigit() else letters
    other = alphabet[(alphabet.find(answer[at : at + 1].lower()) + 1) % len(alphabet)]
    return [f"{answer[:at]}{other}{answer[at + 1 :]}", f"not {answer}"]


def _items(answer: str) -> list[str]:
    return msgspec.json.decode(answer, type=list[str])


def _evidence_swapped(pair: Pair, visible: Visible, draw: Random) -> Fault | None:
    turns = {turn.index: turn for turn in visible.shown(visible.indices)}
    gone = draw.choice([t for t in pair.supporting_turns if t in turns])
    cited = {*pair.supporting_turns, *pair.proof.read_set, *(item.turn for item in pair.evidence)}
    others = [turn for turn in turns.values() if turn.index not in cited and _first_quote(turn) is not None]
    like = [turn for turn in others if turn.tool == turns[gone].tool] or others
    if not like:
        return None
    put = draw.choice(like)
    kept = [item for item in pair.evidence if item.turn != gone]
    quotes = [_same_place(item, put) for item in pair.evidence if item.turn == gone] or [_first_quote(put)]
    return Fault(
        kind="evidence_swapped", pair=_cited(pair, visible, [*kept, *[quote for quote in quotes if quote is not None]])
    )


def _adjacent_only(pair: Pair, visible: Visible, _: Random) -> Fault | None:
    turns = {turn.index: turn for turn in visible.shown(visible.indices)}
    last = max(item.turn for item in pair.evidence)
    for beside in (last - 1, last + 1):
        quote = _first_quote(turns[beside]) if beside in turns else None
        if quote is not None:
            own = [item for item in pair.evidence if item.turn == last]
            return Fault(kind="adjacent_only", pair=_cited(pair, visible, [*own, quote]))
    return None


def _cited(pair: Pair, visible: Visible, evidence: Sequence[Evidence]) -> Pair:
    """Return a pair that rests on other quotes."""
    supporting = tuple(sorted({item.turn for item in evidence}))
    rows = tuple(visible.row_ids(supporting))
    span = supporting[-1] - supporting[0] + 1
    quotes = tuple(sorted(evidence, key=lambda item: item.turn))
    return replace(pair, evidence=quotes, supporting_turns=supporting, row_ids=rows, span_turns=span)


def _same_place(item: Evidence, turn: Turn) -> Evidence | None:
    """Quote another turn where a quote stood; its first value where it has none there."""
    text = canonical(resolve(turn_object(turn), item.path))
    return Evidence(turn=turn.index, path=item.path, quote=text) if text else _first_quote(turn)


def _first_quote(turn: Turn) -> Evidence | None:
    for part, document in (("/response", turn.response), ("/arguments", turn.arguments)):
        for leaf in leaves(document, part):
            text = canonical(resolve(turn_object(turn), leaf.path))
            if text and len(text) <= 200:
                return Evidence(turn=turn.index, path=leaf.path, quote=text)
    return None


def _leaked(pair: Pair, _: Visible, __: Random) -> Fault | None:
    told = pair.answer if pair.answer_type != "list" else ", ".join(_items(pair.answer))
    question = pair.question.replace("?", f", which was {told}?", 1)
    return Fault(kind="leaked", pair=replace(pair, question=question)) if question.count("?") == 1 else None


def _ambiguous(pair: Pair, visible: Visible, draw: Random) -> Fault | None:
    program = decode(bytes(pair.program or b""))
    named = [
        (number, condition)
        for number, call in enumerate(program.calls)
        for condition in call.where
        if condition.literal and f"`{condition.literal}`" in pair.question
    ]
    if not named:
        return None
    number, gone = draw.choice(named)
    calls = list(program.calls)
    calls[number] = replace(calls[number], where=tuple(c for c in calls[number].where if c is not gone))
    loose = replace(program, calls=tuple(calls))
    question = pair.question.replace(f"`{gone.literal}`", "one of them")
    shown = visible.shown(visible.indices)
    return Fault(
        kind="ambiguous",
        pair=replace(pair, question=question, program=msgspec.Raw(encode(loose))),
        changes_truth=answer_on(replace(loose, until=None), shown) != pair.answer,
    )


_PLANT: dict[Kind, Callable[[Pair, Visible, Random], Fault | None]] = {
    "wrong_answer": _wrong_answer,
    "near_miss": _near_miss,
    "evidence_swapped": _evidence_swapped,
    "adjacent_only": _adjacent_only,
    "leaked": _leaked,
    "ambiguous": _ambiguous,
}
KINDS: tuple[Kind, ...] = tuple(_PLANT)
