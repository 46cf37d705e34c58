"""JSON text to values, with the bad cases that real logs hold: each ends in a value or in a reason, never in a crash.

The fast path is msgspec. What it rejects goes through the standard library's parser, which can be told what to do with
numbers that JSON cannot hold and with halves of characters that a writer cut apart.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import msgspec

from trajectory_compiler.model import Json

MAX_DEPTH = 200
_MAX_DIGITS = 300
_decode = msgspec.json.Decoder().decode
_SURROGATE = re.compile("[\ud800-\udfff]")
Note = Callable[[str], None]


class UnreadableError(Exception):
    """A row cannot be read; `reason` is one of `findings.REASONS`. Never leaves `sources`."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def parse(data: bytes | str, note: Note) -> Json:
    """Return the value of a JSON text.

    `note` is called with a reason where the value was repaired: numbers out of range become their own text
    (`number_as_text`), halves of surrogate pairs become U+FFFD (`half_character`).
    Raises: UnreadableError: not JSON, not UTF-8, or nested deeper than `MAX_DEPTH`: later stages may recurse, and the
    interpreter's own limit differs between versions.
    """
    try:
        value = _decode(data)
    except msgspec.DecodeError:
        value = _parse_leniently(data, note)
    except RecursionError:
        raise UnreadableError("nested_too_deep") from None
    except UnicodeError:
        raise UnreadableError("invalid_utf8") from None
    if may_nest_deeper(data) and nests_deeper(value):
        raise UnreadableError("nested_too_deep")
    return value


def parse_text(text: str, note: Note) -> Json:
    """Parse a string once if it is the JSON text of an object or a list; return any other string as it is."""
    stripped = text.strip()
    if not stripped or (stripped[0], stripped[-1]) not in (("{", "}"), ("[", "]")):
        return text
    try:
        return parse(stripped, note)
    except UnreadableError as error:
        if error.reason == "nested_too_deep":
            raise
        return text


def may_nest_deeper(data: bytes | str) -> bool:
    """Say cheaply whether a text has enough opening brackets to nest deeper than `MAX_DEPTH`."""
    if isinstance(data, str):
        return data.count("{") + data.count("[") > MAX_DEPTH
    return data.count(b"{") + data.count(b"[") > MAX_DEPTH


def nests_deeper(value: Json) -> bool:
    """Say whether a value has more than `MAX_DEPTH` levels of lists and objects. Walks level by level, no recursion."""
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(MAX_DEPTH):
        level = [
            child
            for parent in level
            for child in (parent.values() if isinstance(parent, dict) else parent)
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def without_half_characters(text: str) -> str:
    """Replace surrogates that stand alone: no encoder accepts them."""
    return _SURROGATE.sub("\ufffd", text)


def _parse_leniently(data: bytes | str, note: Note) -> Json:
    try:
        text = data if isinstance(data, str) else data.decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableError("invalid_utf8") from None

    def constant(name: str) -> str:
        note("number_as_text")
        return name

    def whole(digits: str) -> int | str:
        return int(digits) if len(digits) <= _MAX_DIGITS else constant(digits)

    def fraction(digits: str) -> float | str:
        number = float(digits)
        return number if abs(number) != float("inf") else constant(digits)

    try:
        value = json.loads(text, parse_constant=constant, parse_int=whole, parse_float=fraction)
    except RecursionError:
        raise UnreadableError("nested_too_deep") from None
    except ValueError:
        raise UnreadableError("unreadable_json") from None
    if nests_deeper(value):
        raise UnreadableError("nested_too_deep")
    return _repair(value, note) if "\\ud" in text.lower() else value


def _repair(value: Json, note: Note) -> Json:
    if isinstance(value, str):
        repaired = without_half_characters(value)
        if repaired != value:
            note("half_character")
        return repaired
    if isinstance(value, list):
        return [_repair(item, note) for item in value]
    if isinstance(value, dict):
        return {_repair(key, note): _repair(item, note) for key, item in value.items()}
    return value
