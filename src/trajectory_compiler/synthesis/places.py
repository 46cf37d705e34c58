"""Where a quote stands in its turn, to the letter: a model's quote becomes `Evidence` or it is not kept.

A quote may be a whole value, a stretch of one, or a line as the window showed it, label included (`status: in build`). Of a
quote of several lines each must be found. Nothing is compared loosely: no case folding, no likeness.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from trajectory_compiler.dataflow.index import continues
from trajectory_compiler.model import Evidence, Turn
from trajectory_compiler.synthesis.shown import ELISION
from trajectory_compiler.values import Leaf, leaves

MIN_STRETCH = 2  # characters of a quote that is not a whole value


def find_quote(turn: Turn, quote: str) -> tuple[Evidence, ...]:
    """Return the places of a quote in a turn, empty where it does not stand there to the letter.

    A whole value is preferred to a stretch, the response to the arguments, the earlier place to the later one.
    """
    places = list(_quotable(turn))
    found = _find(turn.index, places, quote.strip())
    if found is not None:
        return (found,)
    lines = [line.strip() for line in re.split(rf"\n|{re.escape(ELISION)}", quote) if line.strip()]
    lines = [line for line in lines if line not in ("arguments", "response")]
    if len(lines) < 2:
        return ()
    pieces = [_find(turn.index, places, line) for line in lines]
    return tuple(dict.fromkeys(piece for piece in pieces if piece is not None)) if None not in pieces else ()


def is_quote(text: str) -> bool:
    """Say whether a text can be a quote at all: it holds a letter or a digit."""
    return any(character.isalnum() for character in text)


def _quotable(turn: Turn) -> Iterator[Leaf]:
    yield from leaves(turn.response, "/response")
    yield from leaves(turn.arguments, "/arguments")
    yield Leaf("/tool", "tool", turn.tool, turn.tool)
    if turn.created_at is not None:
        yield Leaf("/created_at", "created_at", turn.created_at, turn.created_at)


def _find(turn: int, places: list[Leaf], quote: str) -> Evidence | None:
    if not is_quote(quote):
        return None
    for leaf in places:
        if leaf.text == quote or quote in _labelled(leaf):
            return Evidence(turn=turn, path=leaf.path, quote=leaf.text)
    for leaf in places:
        found = _stretch(leaf, quote) or _labelled_stretch(leaf, quote)
        if found is not None:
            return Evidence(turn=turn, path=leaf.path, quote=leaf.text[slice(*found)], span=found)
    return None


def _labelled(leaf: Leaf) -> tuple[str, str]:
    """Return the whole line of a value as a window shows it, and with its last step as the only label."""
    label = leaf.path.split("/", 2)[2] if leaf.path.count("/") > 1 else ""
    return (f"{label}: {leaf.text}", f"{leaf.path.rsplit('/', 1)[-1]}: {leaf.text}")


def _labelled_stretch(leaf: Leaf, quote: str) -> tuple[int, int] | None:
    """Find the rest of a quote that begins with the label of a value."""
    label, colon, rest = quote.partition(": ")
    if not colon or leaf.path.count("/") < 2 or label not in (leaf.path.split("/", 2)[2], leaf.path.rsplit("/", 1)[-1]):
        return None
    return _stretch(leaf, rest)


def _stretch(leaf: Leaf, quote: str) -> tuple[int, int] | None:
    """Return the span of a quote inside of a string, at the ends of words: `1949` does not stand in `5.1949`."""
    if not isinstance(leaf.value, str) or len(quote) < MIN_STRETCH:
        return None
    start = leaf.text.find(quote)
    while start >= 0:
        if not continues(leaf.text, start, start + len(quote)):
            return start, start + len(quote)
        start = leaf.text.find(quote, start + 1)
    return None
