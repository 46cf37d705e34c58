"""A log many times over, each copy with identifiers of its own.

Plain repetition would tell the compiler that every value occurs in every copy, and nothing would link calls any more. So each
copy renames what identifies something (`HAT039`, `mia_li_3668`, `4WQ150`, every value under a key ending in `id`) to an
identifier of the same shape: letters stay letters, digits stay digits, words inside stay words. Within a copy the renaming is
one to one and the same everywhere, so that every flow of values survives.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from math import gcd
from random import Random

import orjson

_WORD = re.compile(r"\\u[0-9a-fA-F]{4}|\\[nrtbf\"/\\]|\d{4}-\d\d-\d\d(?:T[0-9:.]+Z?)?|[A-Za-z0-9]+(?:[_-][A-Za-z0-9]+)*")
_KEPT = re.compile(r"[a-z]{3,}|[_-]|[a-z]+(?=_)")
_ORDINAL = re.compile(r"^\d+(?:st|nd|rd|th|am|pm|kg|cm|mm|km|ms|px)$")
_ID_KEYS = ("id", "ids", "_number", "reservations")
_SHORTEST = 5


class Renamer:
    """The lines of a log, cut where its identifiers stand. `copy(n)` puts them together again with other identifiers."""

    def __init__(self, lines: Iterable[bytes]) -> None:
        text = [line.decode() for line in lines if line.strip()]
        words = {word for line in text for word in identifiers(orjson.loads(line))}
        self.words = sorted(words)
        place = {word: number for number, word in enumerate(self.words)}
        self._rows = [_cut(line.rstrip("\n"), place) for line in text]

    def __len__(self) -> int:
        return len(self._rows)

    def copy(self, number: int) -> Iterator[bytes]:
        """Yield the lines of one copy. Copy 0 is the log as it is; row and session ids carry the copy's number."""
        renamed = self.words if number == 0 else [rename(word, number) for word in self.words]
        tag = f"~{number}"
        for pieces in self._rows:
            out = [piece if isinstance(piece, str) else renamed[piece] for piece in pieces]
            row = "".join(out)
            yield _tagged(row, tag) if number else row.encode() + b"\n"


def copy_of(session_id: str) -> int:
    """Return the number of the copy that a session id belongs to."""
    _, mark, number = session_id.rpartition("~")
    return int(number) if mark else 0


def identifiers(row: dict[str, object]) -> set[str]:
    """Return what identifies something in a row's arguments and response."""
    found: set[str] = set()
    waiting: list[tuple[str, object]] = [("", row.get("arguments")), ("", row.get("response"))]
    while waiting:
        key, value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.items()
            found.update(name for name in value if _looks_like_one(name))
        elif isinstance(value, list):
            waiting += [(key, item) for item in value]
        elif isinstance(value, str):
            named = key.lower().endswith(_ID_KEYS)
            found.update(
                w for w in _WORD.findall(value) if _looks_like_one(w) or (named and w == value and len(w) >= _SHORTEST)
            )
    return found


def _looks_like_one(word: str) -> bool:
    digits = sum(c.isdigit() for c in word)
    if len(word) < _SHORTEST or not digits or word[:4].isdigit() or _ORDINAL.match(word) or not word.isascii():
        return False
    shouted = any(c.isupper() for c in word) and "_" not in word
    return (shouted or digits > 1) and digits < len(word)


def rename(word: str, copy: int) -> str:
    """Return another identifier of the same shape: an affine map over all words of that shape, chosen by copy and shape."""
    fixed = {i for match in _KEPT.finditer(word) for i in range(match.start(), match.end())}
    alphabets = ["" if i in fixed else _alphabet(char) for i, char in enumerate(word)]
    size = 1
    value = 0
    for char, alphabet in zip(word, alphabets, strict=True):
        if alphabet:
            size *= len(alphabet)
            value = value * len(alphabet) + alphabet.index(char)
    shape = "".join(alphabet[0] if alphabet else char for char, alphabet in zip(word, alphabets, strict=True))
    chance = Random(f"{copy}/{shape}")
    factor = next(f for f in iter(lambda: chance.randrange(1, size + 1), 0) if gcd(f, size) == 1)
    value = (value * factor + chance.randrange(size)) % size
    out: list[str] = []
    for char, alphabet in zip(reversed(word), reversed(alphabets), strict=True):
        if alphabet:
            value, place = divmod(value, len(alphabet))
            out.append(alphabet[place])
        else:
            out.append(char)
    return "".join(reversed(out))


def _alphabet(char: str) -> str:
    if char.isdigit():
        return "0123456789"
    return "ABCDEFGHIJKLMNOPQRSTUVWXYZ" if char.isupper() else "abcdefghijklmnopqrstuvwxyz"


def _cut(line: str, place: dict[str, int]) -> list[str | int]:
    r"""Cut a line of JSON at its identifiers; an escape such as `\n` is never taken for the letter in it."""
    pieces: list[str | int] = []
    end = 0
    for match in _WORD.finditer(line):
        number = place.get(match.group())
        if number is not None:
            pieces += [line[end : match.start()], number]
            end = match.end()
    return [*pieces, line[end:]]


_IDS = re.compile(rb'^(\{"id": ?"[^"]*)("(?:, ?))("session_id": ?"[^"]*)"')


def _tagged(line: str, tag: str) -> bytes:
    """Give row and session an id of the copy's own."""
    tagged, found = _IDS.subn(rb"\1" + tag.encode() + rb"\2\3" + tag.encode() + b'"', line.encode())
    if not found:
        row = orjson.loads(line)
        tagged = orjson.dumps({**row, "id": f"{row['id']}{tag}", "session_id": f"{row['session_id']}{tag}"})
    return tagged + b"\n"
