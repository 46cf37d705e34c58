"""Did the writer of the log cut long values? Cut values pile up at one greatest length, and nothing is longer.

An audit log that keeps 500 characters of every response answers questions about the rest falsely, or not at all. The note that
started this project had such a log, cut at 200 and at 500 characters, and got false verdicts from it.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trajectory_compiler.model import Json, Row

MIN_LENGTH = 100  # below it stand identifiers and digests, which are equally long by nature
MIN_CUT = 3  # different texts of exactly the greatest length
MIN_CUT_ODD = 8  # the same where that length is no round number
MAX_KEYS = 2_000
_MARKS = ("...", "…", "[truncated]", "(truncated)")


class Wall(msgspec.Struct, frozen=True, kw_only=True):
    """A field whose values end at one length: `cut` of `values` have exactly `characters`, none has more."""

    field: str
    characters: int
    cut: int
    values: int


class _Lengths:
    """The values of one field: how many, the greatest length, which texts have it, and how many come near it."""

    __slots__ = ("longest", "near", "texts", "values")

    def __init__(self) -> None:
        self.values = 0
        self.longest = 0
        self.near = 0
        self.texts: dict[int, int] = {}

    def add(self, text: str) -> None:
        self.values += 1
        length = len(text)
        if length < self.longest:
            self.near += length >= 0.9 * self.longest
            return
        if length > self.longest:
            # What was the wall so far is only near the new one, if that.
            self.near = sum(self.texts.values()) + self.near if self.longest >= 0.9 * length else 0
            self.longest, self.texts = length, {}
        if length >= MIN_LENGTH and any(character.isspace() for character in text[:200]):
            mark = hash(text)
            self.texts[mark] = self.texts.get(mark, 0) + 1

    def is_wall(self) -> bool:
        """Say whether the greatest length looks like a cut: several different texts have it, more than come near it."""
        needed = MIN_CUT if _is_round(self.longest) else MIN_CUT_ODD
        return len(self.texts) >= needed and sum(self.texts.values()) > self.near


class Truncation:
    """Watches the texts of rows go by. Memory is bounded by the number of field names."""

    def __init__(self) -> None:
        self._fields: dict[tuple[str, str], _Lengths] = {}

    def see(self, row: Row) -> None:
        """Take the texts of one row into account."""
        for side, document in (("arguments", row.arguments), ("response", row.response)):
            for key, text in _texts(document):
                field = self._fields.get((side, key))
                if field is None and len(self._fields) < MAX_KEYS:
                    field = self._fields[side, key] = _Lengths()
                if field is not None:
                    field.add(text)

    def walls(self) -> tuple[Wall, ...]:
        """Return the fields that look cut, the most frequent first."""
        found = [
            Wall(field=f"{side} {key}".strip(), characters=field.longest, cut=sum(field.texts.values()), values=field.values)
            for (side, key), field in self._fields.items()
            if field.is_wall()
        ]
        return tuple(sorted(found, key=lambda wall: (-wall.cut, wall.field)))


def _texts(document: Json) -> Iterator[tuple[str, str]]:
    """Yield (last key, text) for every string of a document; items of a list go by the list's key."""
    stack: list[tuple[str, Json]] = [("", document)]
    while stack:
        key, value = stack.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, dict):
            stack.extend(value.items())
        elif isinstance(value, list):
            stack.extend((key, item) for item in value)


def _is_round(length: int) -> bool:
    """Say whether a length is one that people choose, with or without a mark such as three dots behind the cut."""
    return any((length - extra) % 50 == 0 or _is_power_of_two(length - extra) for extra in (0, *map(len, _MARKS)))


def _is_power_of_two(number: int) -> bool:
    return number > 0 and number & (number - 1) == 0
