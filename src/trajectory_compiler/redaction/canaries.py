"""Planted values that must appear nowhere: looked for in any bytes, as they are and in whatever encoding.

A canary is a value that somebody planted in a log to see where it comes out. The search opens what it is given as far as it can
(JSON escapes, percent signs, HTML entities, base64, hexadecimal, and those inside each other) and also reads without spaces and
punctuation, so that `AB 12 34 56 C` is found as `ab123456c`. A hit names the canary by its number, its type, the place and the
encoding; the value itself is never repeated.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Iterator, Sequence
from urllib.parse import unquote_plus

import msgspec

from trajectory_compiler.errors import InputError

_HEAD = 6  # characters by which the places where a canary may begin are found
_SHORTEST = 6
_SHORTEST_SQUEEZED = 8
_MAX_LAYERS = 3
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{8,}")
_HEX = re.compile(r"(?:[0-9a-fA-F]{2}){6,}")
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_PERCENT = re.compile(r"%[0-9a-fA-F]{2}")
_ENTITY = re.compile(r"&(?:#[0-9]{1,7}|#x[0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});")
_SHORT_ESCAPES = {"n": "\n", "r": "\r", "t": "\t", "b": "\b", "f": "\f"}


class Canary(msgspec.Struct, frozen=True):
    """A planted value. `kind` is what it looks like, for the report."""

    value: str
    kind: str = "CANARY"


class Sighting(msgspec.Struct, frozen=True):
    """A canary that was found: its number in the list, its type, and in which layers of encoding. Never the value."""

    number: int
    kind: str
    encoding: str


def parse_canaries(data: bytes, origin: str) -> tuple[Canary, ...]:
    """Read canaries: one value a line, or one JSON object a line with `value` and `kind`.

    Raises: InputError: a line cannot be read, or holds a value that is too short to be told from chance.
    """
    found: list[Canary] = []
    goal = f"read the canaries of '{origin}'"
    for number, line in enumerate(data.splitlines(), start=1):
        if not line.strip():
            continue
        try:
            is_object = line.lstrip().startswith(b"{")
            canary = msgspec.json.decode(line, type=Canary) if is_object else Canary(line.decode().strip())
        except (msgspec.DecodeError, UnicodeDecodeError):
            action = 'Write one value a line, or {"value": "...", "kind": "..."}.'
            raise InputError(goal, f"line {number} cannot be read", action) from None
        if len(canary.value) < _SHORTEST:
            raise InputError(goal, f"line {number} has fewer than {_SHORTEST} characters", "Plant longer values.")
        found.append(canary)
    if not found:
        raise InputError(goal, "it holds none", "Write one planted value a line.")
    return tuple(found)


class Watch:
    """Looks for many canaries at once. Cost: about 5 MB/s of text, however many there are."""

    def __init__(self, canaries: Sequence[Canary]) -> None:
        self._canaries = canaries
        self._plain = _index([(canary.value.casefold(), n) for n, canary in enumerate(canaries)])
        squeezed = [(_squeezed(canary.value), n) for n, canary in enumerate(canaries)]
        self._squeezed = _index([(text, n) for text, n in squeezed if len(text) >= _SHORTEST_SQUEEZED])

    def sightings(self, text: str) -> Iterator[Sighting]:
        """Yield each canary that a text holds, once, in the plainest of the encodings in which it is found."""
        seen: set[int] = set()
        for encoding, layer in _layers(text):
            for number in _found(layer.casefold(), self._plain):
                if number not in seen:
                    seen.add(number)
                    yield Sighting(number, self._canaries[number].kind, encoding)
            for number in _found(_squeezed(layer), self._squeezed):
                if number not in seen:
                    seen.add(number)
                    yield Sighting(number, self._canaries[number].kind, f"{encoding}, without spaces and punctuation")


def _layers(text: str) -> Iterator[tuple[str, str]]:
    """Yield a text as it is and decoded, with the names of the encodings that were undone."""
    waiting = [("plain", text)]
    for depth in range(_MAX_LAYERS + 1):
        following: list[tuple[str, str]] = []
        for name, layer in waiting:
            yield name, layer
            if depth < _MAX_LAYERS:
                inner = [(kind, decoded) for kind, decoded in _decoded(layer) if decoded and decoded != layer]
                following.extend((kind if name == "plain" else f"{name}, {kind}", decoded) for kind, decoded in inner)
        waiting = following


def _decoded(text: str) -> Iterator[tuple[str, str]]:
    if "\\" in text:
        yield "JSON escapes", _JSON_ESCAPE.sub(_unescaped, text)
    if _PERCENT.search(text):
        yield "URL", unquote_plus(text, errors="replace")
    if _ENTITY.search(text):
        yield "HTML", html.unescape(text)
    yield "base64", "\n".join(_base64_in(text))
    yield "hexadecimal", "\n".join(_hex_in(text))


def _unescaped(match: re.Match[str]) -> str:
    if match.group(1):
        return chr(int(match.group(1), 16))
    return _SHORT_ESCAPES.get(match.group(2), match.group(2))


def _base64_in(text: str) -> Iterator[str]:
    """Yield what stretches of base64 decode to, from each of the four places in which a group may begin."""
    for match in _BASE64.finditer(text):
        run = match.group().replace("-", "+").replace("_", "/")
        for shift in range(4):
            part = run[shift : len(run) - (len(run) - shift) % 4]
            rest = run[shift + len(part) :]
            padded = part + (rest + "=" * (-len(rest) % 4) if len(rest) > 1 else "")
            try:
                decoded = base64.b64decode(padded).decode("utf-8", "replace")
            except (binascii.Error, ValueError):
                continue
            if decoded.count("\ufffd") * 4 <= len(decoded):
                yield decoded


def _hex_in(text: str) -> Iterator[str]:
    for match in _HEX.finditer(text):
        decoded = bytes.fromhex(match.group()).decode("utf-8", "replace")
        if decoded.count("\ufffd") * 4 <= len(decoded):
            yield decoded


def _squeezed(text: str) -> str:
    return "".join(filter(str.isalnum, text.casefold()))


def _index(texts: list[tuple[str, int]]) -> dict[str, list[tuple[str, int]]]:
    heads: dict[str, list[tuple[str, int]]] = {}
    for text, number in texts:
        heads.setdefault(text[:_HEAD], []).append((text, number))
    return heads


def _found(text: str, heads: dict[str, list[tuple[str, int]]]) -> Iterator[int]:
    for place in range(len(text) - _HEAD + 1):
        if candidates := heads.get(text[place : place + _HEAD]):
            for wanted, number in candidates:
                if text.startswith(wanted, place):
                    yield number
