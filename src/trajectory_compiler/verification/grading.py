"""Whether an answer is the right one: by type first, then word for word; what is left is for a judge.

    grade("412.50", "£412.5", "amount")        -> right, by `amount`
    grade('["a","b"]', "b, a", "list")         -> right, by `list`
    grade("Premium Gold", "the premium gold plan", "text") -> None: neither right nor wrong by rule, a judge may say

A type decides whether the answer holds *one* value and whether it is this one (see `typed_answers`). An answer with two values
of the kind ("4711 or 4712") is wrong, however right one of them is: a longer list is the known way to please a grader.

Source: the audit of LoCoMo, whose judge accepts 63% of wrong but topical answers; exact match and token F1 as in SQuAD
(arXiv:1606.05250).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import NamedTuple

from trajectory_compiler.model import AnswerType, plain
from trajectory_compiler.verification import typed_answers as typed

GRADING_VERSION = "grading-2"
_ARTICLES = frozenset({"a", "an", "the"})
_SAYS = {"yes": "true", "no": "false"}


class Verdict(NamedTuple):
    """Whether an answer is right, who says so, and how near it is: a `credit` from 0 (no word of it) to 1 (right)."""

    right: bool
    grader: str
    credit: float


def grade(gold: str, answer: str, kind: AnswerType) -> Verdict | None:
    """Return the verdict of the rules, or None where only a judge can tell: free text that shares words with the right one.

    Never calls an answer right that holds another value of the type than the gold, or more of them, or that takes it back.
    """
    line = " ".join(answer.split())
    if not line:
        return Verdict(right=False, grader="empty", credit=0.0)
    if line == gold or answer == gold:
        return Verdict(right=True, grader="exact", credit=1.0)
    decide = _TYPED.get(kind)
    if decide is not None:
        right = decide(gold, answer if kind == "list" else line)
        return Verdict(right=right, grader=kind, credit=1.0 if right else 0.0)
    if typed.same_text(gold, line) or gold == _SAYS.get(line.casefold().rstrip(".")):
        return Verdict(right=True, grader="words", credit=1.0)
    credit = token_f1(gold, line)
    if credit == 0 or Counter(typed.names(gold)) != Counter(typed.names(line)):
        return Verdict(right=False, grader="token-f1" if credit == 0 else "names", credit=credit)
    return None


def token_f1(gold: str, answer: str) -> float:
    """Return the harmonic mean of precision and recall over words, articles left out. Source: SQuAD, section 6.1."""
    wanted, given = _bag(gold), _bag(answer)
    shared = (wanted & given).total()
    return 2 * shared / (wanted.total() + given.total()) if shared else 0.0


def _bag(text: str) -> Counter[str]:
    return Counter(word for word in plain(text).split() if word not in _ARTICLES)


_TYPED: dict[AnswerType, Callable[[str, str], bool]] = {
    "number": typed.is_number,
    "amount": typed.is_number,
    "date": typed.is_date,
    "identifier": typed.is_name,
    "path": typed.is_name,
    "url": typed.is_name,
    "tool": typed.is_tool,
    "list": typed.is_list,
    "change": typed.is_change,
    "abstention": lambda _, __: False,  # the reader abstains by saying so, not by an answer
}
