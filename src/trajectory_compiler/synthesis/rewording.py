"""Whether a rewrite of a dataflow question still asks for the same thing, decided by rule.

The rules are strict, since the template is always there to fall back on: every text in backquotes, every literal of the
program, every number and every word of the asked field that the template holds must stand in the rewrite; the words that fix
order, number and comparison must be the same ones on both sides; and nothing that the session holds may enter that the template
did not name.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.model import Json, Pair, key_of, plain
from trajectory_compiler.synthesis.grounds import Answered, naming
from trajectory_compiler.synthesis.quotes import holds_answer, is_question

MAX_GROWTH = 2.0  # times the length of the template
MAX_VALUE_WORDS = 6
_QUOTED = re.compile(r"`([^`]+)`")
_NUMBER = re.compile(r"(?<![\w.])\d+(?:[.,]\d+)*")
_FIXING = frozenset(
    "first second third fourth fifth sixth seventh eighth ninth tenth last latest earliest before after until since while "
    "highest lowest greatest least most fewest more less higher lower longer shorter larger smaller older newer earlier later "
    "different distinct unique sum total altogether average each every all only never not no without again between or".split()
)


def parts_of(template: str) -> tuple[str, str]:
    """Split a template into its question and the sentence that gives the form of the answer, which is never reworded."""
    question, mark, form = template.rpartition("?")
    return f"{question}{mark}", form.strip()


def fault_of(rewrite: str, pair: Pair, values: frozenset[str]) -> str | None:
    """Return why a rewrite of a pair's question cannot stand in its place, None where it can. `values`: see `values_of`."""
    question, _ = parts_of(pair.question)
    if not is_question(rewrite) or len(rewrite) > MAX_GROWTH * len(question) + 40:
        return "rewrite_form"
    if any(anchor not in rewrite for anchor in _anchors(question, pair)) or _fixing(rewrite) != _fixing(question):
        return "rewrite_lost_anchor"
    words = set(plain(rewrite).split())
    if any(word not in words for word in _asked_words(question, pair)):
        return "rewrite_lost_anchor"
    if holds_answer(rewrite, Answered(pair.answer, pair.answer_type)) and pair.answer_type != "abstention":
        return "rewrite_holds_answer"
    return "rewrite_added_value" if _adds_value(rewrite, question, values) else None


def values_of(index: SessionIndex) -> frozenset[str]:
    """Return the words of every short value that the session's calls returned or were given."""
    short = (plain(text) for texts in (index.produced, index.used) for text in texts)
    return frozenset(words for words in short if 1 <= len(words.split()) <= MAX_VALUE_WORDS)


def _anchors(question: str, pair: Pair) -> Iterator[str]:
    yield from _QUOTED.findall(question)
    yield from _NUMBER.findall(question)
    if pair.program is not None:
        for call in decode(pair.program).calls:
            yield from (c.literal for c in call.where if c.literal and c.literal in question)


def _asked_words(question: str, pair: Pair) -> Iterator[str]:
    """Yield the words of the asked field's keys that the template uses."""
    if pair.program is None:
        return
    used = set(plain(question).split())
    for key in _keys(msgspec.to_builtins(decode(pair.program).answer)):
        yield from (word for word in plain(key).split() if word in used)


def _keys(node: Json) -> Iterator[str]:
    if isinstance(node, dict):
        for name, value in node.items():
            if name == "path" and isinstance(value, str):
                yield key_of(value)
            elif name == "key" and isinstance(value, str):
                yield value
            else:
                yield from _keys(value)
    elif isinstance(node, list):
        for value in node:
            yield from _keys(value)


def _fixing(text: str) -> frozenset[str]:
    return _FIXING.intersection(plain(_QUOTED.sub(" ", text)).split())


def _adds_value(rewrite: str, question: str, values: frozenset[str]) -> bool:
    asked = plain(question)
    if any(plain(name) not in asked for name in naming(rewrite)):
        return True
    if any(number not in _NUMBER.findall(question) for number in _NUMBER.findall(rewrite)):
        return True
    words = plain(rewrite).split()
    runs = (f" {' '.join(words[i : i + n])} " for n in range(1, MAX_VALUE_WORDS + 1) for i in range(len(words) - n + 1))
    return any(run in values and run not in asked for run in runs)
