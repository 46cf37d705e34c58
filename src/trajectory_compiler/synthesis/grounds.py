"""Whether an answer stands in its quotes or follows from them by a rule of this closed list.

- *read*: the answer's words stand in one quote, in their order (any type);
- *change*: `old -> new`, both sides read, in quotes of different turns;
- *list*: every item read;
- *number*, *amount*: a number of a quote; the count of the cited turns, of the quotes, or of the different quotes; the sum of
  all numbers that are whole quotes, or the sum or difference of two numbers of different turns; the whole days between two
  dates;
- *text*: a phrase put together from the quotes: everything in it that names something, and at least three of five of its longer
  words, stand in them.

It does not say that the answer is right: that is for the reader model. It says that it was not made up.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from itertools import combinations

import msgspec

from trajectory_compiler.model import AnswerType, Evidence, decimal_text, number_of, plain
from trajectory_compiler.values import words

MIN_SHARE = 0.6  # of the longer words of a phrase
MIN_WORD = 4
MAX_NUMBERS = 60
_NUMBER = re.compile(r"(?<![\w.,-])-?\d[\d,]*(?:\.\d+)?(?!\w)(?![.,]\d)")
_DATE = re.compile(r"\d{4}-[01]\d-[0-3]\d")
_NAMES = re.compile(r"\d|_|@|://|\w\.\w")
_MONEY = re.compile(r"^[£$€]\s?|\s?(?:GBP|USD|EUR|%)$")


class Answered(msgspec.Struct, frozen=True):
    """An answer in the form of its type."""

    text: str
    kind: AnswerType


def formed(text: str, kind: AnswerType) -> Answered:
    """Return an answer in the form that its type asks for; what has another form is a text.

    `£1,204.50` as an amount gives `1204.5`, `a, b` as a list `["a","b"]`.
    """
    text = " ".join(text.split())
    if kind in ("number", "amount"):
        bare = _MONEY.sub("", text).replace(",", "")
        number = number_of(bare)
        return Answered(text, "text") if number is None else Answered(decimal_text(number), kind)
    if kind == "date":
        return Answered(text, "date" if _DATE.match(text) else "text")
    if kind == "change":
        old, arrow, new = text.replace("→", "->").partition("->")
        sides = f"{old.strip()} -> {new.strip()}"
        return Answered(sides, kind) if arrow and old.strip() and new.strip() else Answered(text, "text")
    if kind == "list":
        items = [item for part in re.split(r",|;", text.strip("[]")) if (item := part.strip().strip("\"'"))]
        return Answered(msgspec.json.encode(items).decode(), kind) if len(items) > 1 else Answered(text, "text")
    return Answered(text, kind)


def sides_of(answer: Answered) -> list[str]:
    """Return what an answer consists of: the sides of a change, the items of a list, else the answer."""
    if answer.kind == "change":
        return answer.text.split(" -> ", 1)
    return msgspec.json.decode(answer.text, type=list[str]) if answer.kind == "list" else [answer.text]


def is_grounded(answer: Answered, evidence: Sequence[Evidence]) -> bool:
    """Say whether an answer stands in its quotes or follows from them by one of the rules above."""
    sides = sides_of(answer)
    places = [{quote.turn for quote in evidence if stands_in(side, quote.quote)} for side in sides]
    if answer.kind == "change":
        return all(places) and len(places[0] | places[1]) > 1
    if all(places):
        return True
    if answer.kind in ("number", "amount"):
        return Decimal(answer.text) in set(_computable(evidence))
    return answer.kind == "text" and _is_put_together(answer.text, evidence)


def stands_in(text: str, quote: str) -> bool:
    """Say whether the words of a text stand in a quote one after another, in any case; dates may be the start of a stamp."""
    sought = plain(text)
    return bool(sought.strip()) and (sought in plain(quote) or (_DATE.fullmatch(text) is not None and text in quote))


def naming(text: str) -> Iterator[str]:
    """Yield the words of a text that name something of a log: identifiers, paths, addresses; no plain numbers."""
    for word in words(text):
        if len(word) >= MIN_WORD and _NAMES.search(word) and not word.replace(".", "").replace("-", "").isdigit():
            yield word


def _is_put_together(text: str, evidence: Sequence[Evidence]) -> bool:
    shown = " ".join(plain(quote.quote) for quote in evidence)
    if any(plain(name) not in shown for name in naming(text)):
        return False
    longer = [word for word in plain(text).split() if len(word) >= MIN_WORD]
    held = set(shown.split())
    return bool(longer) and sum(word in held for word in longer) >= MIN_SHARE * len(longer)


def _computable(evidence: Sequence[Evidence]) -> Iterator[Decimal]:
    """Yield every number that follows from the quotes."""
    quotes = {quote.quote for quote in evidence}
    yield from (Decimal(n) for n in (len({quote.turn for quote in evidence}), len(evidence), len(quotes)))
    numbers = [(q.turn, Decimal(m.group().replace(",", ""))) for q in evidence for m in _NUMBER.finditer(q.quote)][:MAX_NUMBERS]
    yield from (number for _, number in numbers)
    yield sum((number for quote in evidence if (number := number_of(quote.quote.replace(",", ""))) is not None), Decimal(0))
    for (turn, one), (other_turn, other) in combinations(numbers, 2):
        if turn != other_turn:
            yield from (one + other, abs(one - other), one - other, other - one)
    dates = [(q.turn, day) for q in evidence for m in _DATE.finditer(q.quote) if (day := _day(m.group())) is not None]
    for (turn, first), (other_turn, second) in combinations(dates[:MAX_NUMBERS], 2):
        if turn != other_turn:
            yield Decimal(abs((first - second).days))


def _day(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        return None
