"""What is checked of a proposed pair before anything is paid to verify it: each check has its reason in `reasons`.

Whatever made the model write a pair, an instruction inside of the log included, it is kept only if its quotes stand in turns
that it was shown, its answer follows from them, and neither question nor answer names anything that those turns do not show.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

import msgspec

from trajectory_compiler.dataflow.candidate import spans_a_gap
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import AnswerType, Evidence, plain
from trajectory_compiler.synthesis.answers import Proposal
from trajectory_compiler.synthesis.grounds import Answered, formed, is_grounded, naming, sides_of, stands_in
from trajectory_compiler.synthesis.places import find_quote, is_quote
from trajectory_compiler.synthesis.windows import Window

CHECKS_VERSION = "quotes-1"
MAX_QUESTION, MAX_ANSWER, MAX_REASONING = 600, 200, 1_000
MIN_SCATTERED = 4
_TURN_NUMBER = re.compile(r"#\s?\d|\bturns?\s+(?:numbers?\s+|no\.?\s*)?\d", re.IGNORECASE)
_THE_WINDOW = re.compile(
    r"\b(?:the|this)\s+(?:log|excerpt|transcript)\b(?!\s+(?:files?|lines?|levels?|entr))"
    r"|\b(?:shown|given|provided)\s+(?:above|below|here)\b|\b(?:above|below)\s+(?:log|data|text|turns?)\b",
    re.IGNORECASE,
)
_YES_OR_NO = re.compile(r"(?:yes|no|true|false)(?:[,.;:!].*| (?:it|they|he|she) .*)?", re.IGNORECASE | re.DOTALL)
_CHOICE = re.compile(r"\bwhether\b|\beither\b|\byes or no\b", re.IGNORECASE)
_ABSTAINS = re.compile(
    r"(?:unknown|none|n/?a|null|not (?:known|stated|given|shown|specified|mentioned|available)\b.*"
    r"|(?:the|this) log does not\b.*)\.?",
    re.IGNORECASE,
)


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A proposal that passed: what a pair is made of. `reasoning` is empty where it could not be kept."""

    proposal: Proposal
    answer: Answered
    evidence: tuple[Evidence, ...]
    turns: tuple[int, ...]
    reasoning: str


def check(proposal: Proposal, window: Window, index: SessionIndex) -> Checked | str:
    """Return what is kept of a proposal, or the reason why nothing is. Cost: linear in the cited turns."""
    turns = tuple(sorted({support.turn for support in proposal.supporting}))
    reason = next((name for name, is_wrong in _BEFORE_QUOTES if is_wrong(proposal, turns, window)), None)
    if reason is not None:
        return reason
    evidence = quoted(proposal, index)
    if evidence is None:
        return "quote_not_found"
    kind: AnswerType = proposal.answer_type
    answer = formed(proposal.answer, kind)
    if holds_answer(proposal.question, answer):
        return "answer_in_question"
    if not is_grounded(answer, evidence):
        return "answer_not_supported"
    if is_foreign(f"{proposal.question} {proposal.answer}", turns, index):
        return "foreign_value"
    if one_turn_suffices(proposal.question, answer, index):
        return "one_turn_suffices"
    reasoning = " ".join(proposal.reasoning.split())
    kept = reasoning.isprintable() and len(reasoning) <= MAX_REASONING and not is_foreign(reasoning, turns, index)
    return Checked(proposal=proposal, answer=answer, evidence=evidence, turns=turns, reasoning=reasoning if kept else "")


def quoted(proposal: Proposal, index: SessionIndex) -> tuple[Evidence, ...] | None:
    """Return the places of all quotes, in the order of the turns; None where one does not stand in its turn."""
    found: dict[Evidence, None] = {}
    for support in proposal.supporting:
        places = find_quote(index.turns[support.turn], support.quote)
        if not places:
            return None
        found.update(dict.fromkeys(places))
    return tuple(found)


def holds_answer(question: str, answer: Answered) -> bool:
    """Say whether a question gives its answer away: its words in order, or all of them scattered; of a change, the new side."""
    asked = plain(question)
    given = [side in asked or _is_scattered(side, asked) for side in map(plain, sides_of(answer))]
    return given[-1] if answer.kind == "change" else all(given)


def _is_scattered(side: str, asked: str) -> bool:
    return len(side.strip()) >= MIN_SCATTERED and set(side.split()) <= set(asked.split())


def is_foreign(text: str, turns: Sequence[int], index: SessionIndex) -> bool:
    """Say whether a text names something that none of these turns shows and that is no tool of the session.

    What a question names must be found in a turn that the answer needs; so a link that stands elsewhere in the log, planted
    there for a model to pass on, does not get into a pair.
    """
    return any(set(turns).isdisjoint(index.turns_showing(name)) and name not in index.tools for name in naming(text))


def one_turn_suffices(question: str, answer: Answered, index: SessionIndex) -> bool:
    """Say whether one turn shows all that the question names and the answer, which is then read from that turn alone."""
    named = [set(index.turns_showing(name)) for name in naming(question) if name not in index.tools]
    if not named or answer.kind in ("change", "list", "number"):
        return False
    return any(_shows(index, turn, answer.text) for turn in set.intersection(*named))


def _shows(index: SessionIndex, turn: int, text: str) -> bool:
    return any(stands_in(text, leaf.text) for leaf in (*index.arguments[turn], *index.responses[turn]))


_Check = Callable[[Proposal, Sequence[int], Window], bool]
_BEFORE_QUOTES: tuple[tuple[str, _Check], ...] = (
    ("too_few_turns", lambda _, turns, __: len(turns) < 2),
    ("turn_not_shown", lambda _, turns, window: not set(turns) <= set(window.turns)),
    ("quote_missing", lambda p, _, __: not all(is_quote(s.quote) for s in p.supporting)),
    ("adjacent", lambda _, turns, __: not spans_a_gap(turns)),
    ("question_form", lambda p, _, __: not is_question(p.question)),
    ("answer_form", lambda p, _, __: not p.answer.strip() or len(p.answer) > MAX_ANSWER or not p.answer.strip().isprintable()),
    ("turn_number", lambda p, _, __: _TURN_NUMBER.search(p.question) is not None or re.search(r"#\d", p.answer) is not None),
    ("names_the_window", lambda p, _, __: _THE_WINDOW.search(p.question) is not None),
    (
        "yes_or_no",
        lambda p, _, __: _YES_OR_NO.fullmatch(p.answer.strip()) is not None or _CHOICE.search(p.question) is not None,
    ),
    ("abstention", lambda p, _, __: is_abstention(p.answer)),
)


def is_abstention(text: str) -> bool:
    """Say whether an answer is that the log does not say."""
    return _ABSTAINS.fullmatch(text.strip()) is not None


def is_question(text: str) -> bool:
    """Say whether a text is one question on one line that begins like a sentence and ends in its question mark."""
    begins = text[:1].isupper() or text[:1] in "\"'`“‘"
    return begins and text.isprintable() and text.endswith("?") and text.count("?") == 1 and len(text) <= MAX_QUESTION
