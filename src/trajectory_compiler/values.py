"""The scalars of a turn: how a JSON document is walked, and which of its values can link two turns.

Both sides of the boundary use this: the statistics count raw values inside it, the dataflow analysis reads redacted ones
outside. Walks are iterative, so that a document of any depth is safe.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from trajectory_compiler.model import Json, canonical, escape_token

MAX_VALUE_CHARACTERS = 200
MIN_LINK_CHARACTERS = 4
_WORD = re.compile(r"[\w./:@<>-]*\w[\w./:@<>-]*")


class Leaf(NamedTuple):
    """A scalar of a document: its RFC 6901 pointer, the last key on the way that is no list index, its text, its value."""

    path: str
    key: str
    text: str
    value: Json


def leaves(document: Json, pointer: str, limit: int = 100_000) -> Iterator[Leaf]:
    """Yield the scalars under a document in document order, nulls left out, at most `limit` of them.

    `pointer` is the document's own place (`/arguments`), which every yielded path starts with.
    """
    stack: list[tuple[Json, str, str]] = [(document, pointer, pointer.rsplit("/", 1)[-1])]
    seen = 0
    while stack and seen < limit:
        value, path, key = stack.pop()
        if isinstance(value, dict):
            stack.extend((value[k], f"{path}/{escape_token(k)}", k) for k in reversed(value))
        elif isinstance(value, list):
            stack.extend((value[i], f"{path}/{i}", key) for i in range(len(value) - 1, -1, -1))
        else:
            text = canonical(value)
            if text is not None:
                seen += 1
                yield Leaf(path, key, text, value)


def words(text: str) -> Iterator[str]:
    """Yield the words of a text as links may use them: identifiers, paths, numbers and addresses in one piece."""
    for match in _WORD.finditer(text):
        yield match.group().strip("./:@-")


def can_link(value: Json, text: str) -> bool:
    """Say whether a scalar is long enough to name something: four characters or more, no boolean, no long prose."""
    return value is not True and value is not False and MIN_LINK_CHARACTERS <= len(text) <= MAX_VALUE_CHARACTERS


def linkable_values(arguments: Json, response: Json) -> set[str]:
    """Return the distinct values of one row that could link it to another row."""
    found = {leaf.text for leaf in leaves(arguments, "/arguments") if can_link(leaf.value, leaf.text)}
    found.update(leaf.text for leaf in leaves(response, "/response") if can_link(leaf.value, leaf.text))
    return found
