"""Text inside text: percent escapes, HTML entities, JSON escapes and base64, each with the way back to the original places."""

from __future__ import annotations

import base64
import binascii
import html
import re
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple

_ESCAPE = re.compile(
    r"(?:%[0-9A-Fa-f]{2})+|&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|[a-zA-Z]{2,8});|\\(?:u[0-9a-fA-F]{4}|[nrt\"/\\])"
    r"|(?<=[\w.])\+(?=[\w(%])"
)
_QUERY = re.compile(r"[?&=][^\s%]{0,200}%[0-9A-Fa-f]{2}|=[0-9.]{0,9}[A-Za-z][\w.]{0,60}\+[\w(]+(?:&|$|\s)")
_RUN = re.compile(r"(?<![A-Za-z0-9+/_-])[A-Za-z0-9+/_-]{16,}={0,2}(?![A-Za-z0-9+/_=-])")
_STEP = re.compile(r"[A-Za-z0-9_-]{16,}={0,2}")
_HEX = re.compile(r"[0-9a-fA-F-]+")
_LETTERS = {"n": "\n", "r": "\r", "t": "\t", '"': '"', "/": "/", "\\": "\\"}
_SIMPLE = {f"\\{letter}": meant for letter, meant in _LETTERS.items()}
_MAX_RUN = 200_000


class View(NamedTuple):
    """A text with its escapes resolved. `starts` are places in `text`, `origins` the places in the original from there on."""

    text: str
    starts: list[int]
    origins: list[int]
    plain: list[bool]

    def original(self, start: int, end: int) -> tuple[int, int]:
        """Return the place in the original text of a place in this one: an escape counts as a whole."""
        return self._start(start), self._end(end)

    def _start(self, place: int) -> int:
        index = bisect_right(self.starts, place) - 1
        return self.origins[index] + (place - self.starts[index] if self.plain[index] else 0)

    def _end(self, place: int) -> int:
        index = bisect_right(self.starts, place - 1) - 1
        if self.plain[index]:
            return self.origins[index] + place - self.starts[index]
        return self.origins[index + 1]


def decoded(text: str) -> View | None:
    """Return a text with percent escapes, HTML entities and backslash escapes resolved, or None where it has none."""
    if "%" not in text and "&" not in text and "\\" not in text:
        return None
    is_query = _QUERY.search(text) is not None
    parts: list[str] = []
    starts, origins, plain = [], [], []
    place = length = 0
    changed = False
    for match in _ESCAPE.finditer(text):
        escape = match[0]
        meant = _SIMPLE.get(escape) or _meant(escape, is_query=is_query)
        if meant == escape:
            continue
        changed = True
        begin, end = match.span()
        if begin > place:
            starts.append(length)
            origins.append(place)
            plain.append(True)
            parts.append(text[place:begin])
            length += begin - place
        starts.append(length)
        origins.append(begin)
        plain.append(False)
        parts.append(meant)
        length += len(meant)
        place = end
    if not changed:
        return None
    starts.append(length)
    origins.append(place)
    plain.append(True)
    parts.append(text[place:])
    return View("".join(parts), starts, origins, plain)


def base64_runs(text: str) -> Iterator[tuple[int, int, str]]:
    """Yield start, end and meaning of the base64 in a text that decodes to readable text."""
    for match in _RUN.finditer(text):
        run = match.group()
        if run.islower() or len(run) > _MAX_RUN or _HEX.fullmatch(run):  # what text is encoded to has capitals
            continue
        meaning = _from_base64(run)
        if meaning is not None:
            yield *match.span(), meaning
        elif "/" in run:  # the steps of a path, one of which may be encoded
            for step in _STEP.finditer(run):
                meaning = _from_base64(step.group())
                if meaning is not None:
                    yield match.start() + step.start(), match.start() + step.end(), meaning


def _from_base64(run: str) -> str | None:
    body = run.rstrip("=")
    if len(body) % 4 == 1:
        return None
    try:
        data = base64.b64decode(body.replace("-", "+").replace("_", "/") + "=" * (-len(body) % 4), validate=True)
        meaning = data.decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    return meaning if sum(c.isprintable() or c in "\r\n\t" for c in meaning) == len(meaning) else None


def _meant(escape: str, *, is_query: bool) -> str:
    if escape[0] == "%":
        try:
            return bytes.fromhex(escape.replace("%", "")).decode()
        except UnicodeDecodeError:
            return escape
    if escape[0] == "&":
        return html.unescape(escape)
    if escape[0] == "+":
        return " " if is_query else escape
    if escape[1] == "u":
        code = int(escape[2:], 16)
        return escape if 0xD800 <= code <= 0xDFFF else chr(code)
    return _LETTERS[escape[1]]
