"""Where, in the raw text of a JSON row, a redacted copy differs from it: the labels of the test data are places in raw text."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trajectory_compiler.model import Json
from trajectory_compiler.redaction.scan import LABEL

_TOKEN = re.compile(r'\s*(?:(?P<string>"(?:[^"\\]|\\.)*")|(?P<scalar>[^\s,:\[\]{}"]+)|(?P<sign>[,:\[\]{}]))', re.DOTALL)
_ESCAPE = re.compile(r"\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|\\u[0-9a-fA-F]{4}|\\.", re.DOTALL)
_PLAIN = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}

Interval = tuple[int, int]


class Leaf(NamedTuple):
    """A dictionary key or a scalar of a raw JSON text. `places[i]` is where its character i starts; one more for the end."""

    text: str
    places: Sequence[int]


def raw_leaves(raw: str) -> Iterator[Leaf]:
    """Yield keys and scalars of a JSON text in document order."""
    place = 0
    while match := _TOKEN.match(raw, place):
        if match["string"] is not None:
            yield _string_leaf(raw, match.start("string") + 1, match.end("string") - 1)
        elif match["scalar"] is not None:
            start, end = match.span("scalar")
            yield Leaf(raw[start:end], range(start, end + 1))
        place = match.end()


def content_leaves(raw: str, parts: Sequence[str] = ("arguments", "response")) -> Iterator[Leaf]:
    """Yield the keys and scalars below some keys of the outermost object: what an engine is asked to redact of a row."""
    depth, place, part, found = 0, 0, "", raw_leaves(raw)
    is_key = False
    while match := _TOKEN.match(raw, place):
        place = match.end()
        sign = match["sign"]
        if sign:
            depth += (sign in "{[") - (sign in "}]")
            is_key = depth == 1 and sign in "{,"
            continue
        leaf = next(found)
        if is_key:
            part = leaf.text
        elif part in parts:
            yield leaf
        is_key = False


def leaves(value: Json) -> Iterator[Json]:
    """Yield keys and scalars of a parsed document in the same order."""
    stack = [value]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack.extend(part for key, child in reversed(item.items()) for part in (child, key))
        elif isinstance(item, list):
            stack.extend(reversed(item))
        else:
            yield item


def replaced(raw: str, redacted: Json) -> list[Interval]:
    """Return which parts of a raw JSON text are gone from its redacted, parsed copy."""
    found: list[Interval] = []
    for leaf, now in zip(raw_leaves(raw), leaves(redacted), strict=True):
        if isinstance(now, str) and now != leaf.text:
            found += [(leaf.places[start], leaf.places[end]) for start, end in _gaps(leaf.text, now)]
    return found


def _gaps(before: str, after: str) -> Iterator[Interval]:
    """Yield what pseudonyms stand for: the text between the literal parts, which come in the same order."""
    literals = LABEL.split(after)
    if len(literals) == 1:  # a key that got a suffix, or a number in quotes
        return
    place = len(literals[0])
    for literal in literals[1:-1]:
        found = before.find(literal, place + 1)
        found = len(before) if found < 0 else found
        yield place, found
        place = found + len(literal)
    yield place, len(before) - len(literals[-1])


def _string_leaf(raw: str, start: int, end: int) -> Leaf:
    parts: list[str] = []
    places: list[int] = []
    place = start
    for match in _ESCAPE.finditer(raw, start, end):
        parts.append(raw[place : match.start()])
        places.extend(range(place, match.start()))
        escape = match.group()
        meant = _meant(escape)
        parts.append(meant)
        places.extend([match.start()] * len(meant))
        place = match.end()
    parts.append(raw[place:end])
    places.extend(range(place, end + 1))
    return Leaf("".join(parts), places)


def _meant(escape: str) -> str:
    if escape[1] == "u":
        return escape.encode().decode("unicode_escape").encode("utf-16", "surrogatepass").decode("utf-16")
    return _PLAIN.get(escape[1], escape[1])
