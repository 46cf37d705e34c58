"""Whether an answer is the right one: by type first, then word for word; what is left is for a judge.

    grade("412.50", "£412.5", "amount")        -> right, by `amount`
    grade('["a","b"]', "b, a", "list")         -> right, by `list`
    grade("Premium Gold", "the premium gold plan", "text") -> None: neither right nor wrong by rule, a judge may say

A type decides whether the answer holds *one* value and whether it is this one. An answer with two values of the kind ("4711 or
4712") is wrong, however right one of them is: a longer list is the known way to please a grader.

Source: the audit of LoCoMo, whose judge accepts 63% of wrong but topical answers; exact match and token F1 as in SQuAD
(arXiv:1606.05250).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from decimal import Decimal, InvalidOperation
from typing import NamedTuple

import msgspec

from trajectory_compiler.model import AnswerType, plain
from trajectory_compiler.values import words

GRADING_VERSION = "grading-1"
_NUMBER = re.compile(r"(?<![\w.,])[-−]?(?:\d{1,3}(?:,\d{3})+|\d+)(?:\.\d+)?(?![\w]|[.,]\d)")
_UNIT = re.compile(r"(?<![\w])(?:[£$€¥]|GBP|USD|EUR|JPY|CHF)|(?<=[\d\s])(?:[A-Za-z%°][A-Za-z%/]*)(?![\w])")
_DATE = re.compile(r"(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d+))?)?(Z|[+-]\d{2}:?\d{2})?)?")
_MONEY = {"£": "gbp", "$": "usd", "€": "eur", "¥": "jpy"}
_ARTICLES = frozenset({"a", "an", "the"})
_ARROW = re.compile(r"\s*(?:->|→|=>)\s*|\s+to\s+")


class Verdict(NamedTuple):
    """Whether an answer is right, who says so, and how near it is: a `credit` from 0 (no word of it) to 1 (right)."""

    right: bool
    grader: str
    credit: float


def grade(gold: str, answer: str, kind: AnswerType) -> Verdict | None:
    """Return the verdict of the rules, or None where only a judge can tell: free text that shares words with the right one.

    Never calls an answer right that holds another value of the type than the gold, or more of them.
    """
    answer = " ".join(answer.split())
    if not answer:
        return Verdict(right=False, grader="empty", credit=0.0)
    if answer == gold:
        return Verdict(right=True, grader="exact", credit=1.0)
    decide = _TYPED.get(kind)
    if decide is not None:
        right = decide(gold, answer)
        return Verdict(right=right, grader=kind, credit=1.0 if right else 0.0)
    if _bag(gold) == _bag(answer):
        return Verdict(right=True, grader="words", credit=1.0)
    credit = token_f1(gold, answer)
    if credit == 0 or _names(gold) != _names(answer):
        return Verdict(right=False, grader="token-f1" if credit == 0 else "names", credit=credit)
    return None


def token_f1(gold: str, answer: str) -> float:
    """Return the harmonic mean of precision and recall over words, articles left out. Source: SQuAD, section 6.1."""
    wanted, given = _bag(gold), _bag(answer)
    shared = (wanted & given).total()
    return 2 * shared / (wanted.total() + given.total()) if shared else 0.0


def _bag(text: str) -> Counter[str]:
    return Counter(word for word in plain(text).split() if word not in _ARTICLES)


def _names(text: str) -> set[str]:
    """Return what a text names that must not differ: its words with a digit, as they are."""
    return {word.strip(".,;:!?\"'`()[]") for word in words(text) if any(c.isdigit() for c in word)}


def _same_number(gold: str, answer: str) -> bool:
    found, wanted = _NUMBER.findall(answer), _NUMBER.findall(gold)
    if len(found) != 1 or len(wanted) != 1:
        return False
    units, asked = _units(answer), _units(gold)
    return _decimal(found[0]) == _decimal(wanted[0]) and (not asked or not units or bool(units & asked))


def _decimal(text: str) -> Decimal | None:
    try:
        return Decimal(text.replace(",", "").replace("−", "-"))
    except InvalidOperation:
        return None


def _units(text: str) -> set[str]:
    return {_MONEY.get(unit, unit.casefold()) for unit in _UNIT.findall(text)}


class _Stamp(NamedTuple):
    day: str
    minute: str
    second: str
    zone: str


def _stamps(text: str) -> list[_Stamp]:
    zones = {"Z": "+00:00"}
    return [
        _Stamp(
            m[1],
            m[2] or "",
            (m[3] or "") + ("." + m[4].rstrip("0") if m[4] and m[4].strip("0") else ""),
            zones.get(m[5], m[5] or ""),
        )
        for m in _DATE.finditer(text)
    ]


def _same_date(gold: str, answer: str) -> bool:
    """Compare to the precision of the gold: `2026-03-01` is answered by a stamp of that day, not the other way round."""
    wanted, found = _stamps(gold), _stamps(answer)
    if len(wanted) != 1:
        return _same_words(gold, answer)
    if len(set(found)) != 1 or found[0].day != wanted[0].day:
        return False
    if not wanted[0].minute:
        return True
    if found[0].minute != wanted[0].minute or (wanted[0].second or "00") != (found[0].second or "00"):
        return False
    return not wanted[0].zone or not found[0].zone or wanted[0].zone == found[0].zone


def _same_name(gold: str, answer: str) -> bool:
    """Compare identifiers, paths, addresses: to the letter, quotes and a full stop aside; a sentence may hold no other name."""
    bare = answer.strip(" \"'`“”‘’.,;")
    if bare == gold or bare.rstrip("/") == gold.rstrip("/"):
        return True
    if gold not in answer or not (any(c.isdigit() for c in gold) or re.search(r"[/_.@:-]", gold)):
        return False
    parts = [part.strip("\"'`“”‘’.,;()[]") for part in answer.split()]
    named = {part for part in parts if any(c.isdigit() for c in part) or re.search(r"\w[/_@:]\w|\w\.\w|\w-\w|^[/~]", part)}
    return named == {gold} and len(parts) <= 12


def _same_words(gold: str, answer: str) -> bool:
    return _bag(gold) == _bag(answer)


def _same_list(gold: str, answer: str) -> bool:
    return _items(gold) == _items(answer)


def _items(text: str) -> Counter[str]:
    """Return the items of a list, JSON or words between commas, in no order."""
    try:
        items = [str(item) for item in msgspec.json.decode(text, type=list[str | int | float])]
    except msgspec.DecodeError:
        items = re.split(r"\s*(?:,|;|\n|\band\b)\s*", text.strip("[]. "))
    return Counter(plain(item).strip() for item in items if plain(item).strip())


def _same_change(gold: str, answer: str) -> bool:
    wanted, found = gold.split(" -> ", 1), _ARROW.split(re.sub(r"^from\s+", "", answer, flags=re.IGNORECASE), maxsplit=1)
    return len(found) == len(wanted) == 2 and all(
        _same_words(one, other) or _same_number(one, other) for one, other in zip(wanted, found, strict=True)
    )


_TYPED: dict[AnswerType, Callable[[str, str], bool]] = {
    "number": _same_number,
    "amount": _same_number,
    "date": _same_date,
    "identifier": _same_name,
    "path": _same_name,
    "url": _same_name,
    "tool": _same_words,
    "list": _same_list,
    "change": _same_change,
    "abstention": lambda _, __: False,  # the reader abstains by saying so, not by an answer
}
