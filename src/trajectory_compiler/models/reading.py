"""What an answer is worth: the asked type, or the reason why it is none, in words that quote nothing of it."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import msgspec

from trajectory_compiler.models.exchange import Incoming
from trajectory_compiler.models.ledger import CallStatus

_PLACE = re.compile(r" - at `([^`]*)`$")
_FENCE = re.compile(r"\A\s*```(?:json)?\s*\n(.*?)\n?```\s*\Z", re.DOTALL)
COMPLAINT = (
    "Your answer could not be used: {problem}. "
    "Answer again in full, with one JSON document that fits the schema and nothing else."
)


class Reading(NamedTuple):
    """An answer, or what is wrong: `problem` is for our own sentences, `complaint` for the model, which knows its own words."""

    answer: Any
    status: CallStatus
    problem: str
    complaint: str


def read_answer(incoming: Incoming, answer_type: type[Any]) -> Reading:
    """Read what came back as the asked type. A fence of Markdown around the document is taken off; nothing else is mended."""
    if incoming.finish == "refused":
        return Reading(None, "refused", f"it refused ({incoming.reason})" if incoming.reason else "it refused", "")
    if not incoming.text.strip():
        what = "it was cut off before its first word" if incoming.finish == "length" else "it was empty"
        return _unusable("truncated" if incoming.finish == "length" else "empty", what)
    if incoming.finish == "length":
        return _unusable("truncated", "it was cut off at the limit of its length: make it shorter")
    fenced = _FENCE.match(incoming.text)
    text = fenced.group(1) if fenced else incoming.text
    try:
        return Reading(msgspec.json.decode(text, type=answer_type), "ok", "", "")
    except msgspec.ValidationError as error:
        words = str(error)
        place = _PLACE.search(words)
        problem = f"it does not fit the schema at {place.group(1) if place else '$'}"
        return Reading(None, "invalid", problem, COMPLAINT.format(problem=words))
    except (msgspec.DecodeError, UnicodeError, RecursionError):
        return _unusable("invalid", "it was no JSON document")


def _unusable(status: CallStatus, problem: str) -> Reading:
    return Reading(None, status, problem.partition(":")[0], COMPLAINT.format(problem=problem))
