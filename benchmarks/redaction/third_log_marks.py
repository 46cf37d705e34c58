"""Marks around labelled values while a row is still text: they live through JSON, HTML, URLs and base64, then become labels.

A marked value is `OPEN kind MIDDLE value CLOSE`, three characters that no text of the log holds.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections.abc import Callable
from urllib.parse import quote

from benchmarks.redaction.labelled import Label

OPEN, MIDDLE, CLOSE = "\ue010", "\ue011", "\ue012"
_MARK = re.compile(f"{OPEN}([A-Z_]+){MIDDLE}|{CLOSE}")
_MARKED = re.compile(f"{OPEN}([A-Z_]+){MIDDLE}([^{OPEN}{CLOSE}]*){CLOSE}")


def marked(kind: str, value: str) -> str:
    """Mark a value as one that must go."""
    return f"{OPEN}{kind}{MIDDLE}{value}{CLOSE}"


def taken_out(text: str) -> tuple[str, tuple[Label, ...]]:
    """Return a text without its marks, and the labels that they stood for."""
    plain: list[str] = []
    labels: list[Label] = []
    length = place = 0
    kind, start = "", 0
    for mark in _MARK.finditer(text):
        plain.append(text[place : mark.start()])
        length += mark.start() - place
        place = mark.end()
        if mark[1]:
            kind, start = mark[1], length
        else:
            labels.append(Label(start, length, kind))
    plain.append(text[place:])
    return "".join(plain), tuple(labels)


def as_json(value: object) -> str:
    """Write JSON with the letters of all languages as they are."""
    return json.dumps(value, ensure_ascii=False)


def as_ascii_json(value: object) -> str:
    """Write JSON as many programs do: what is not ASCII becomes an escape."""
    return re.sub(f"[^\x00-\x7f{OPEN}{MIDDLE}{CLOSE}]", lambda found: json.dumps(found[0])[1:-1], as_json(value))


def as_url(text: str) -> str:
    """Percent-encode a marked text as part of a URL."""
    return _between_marks(text, lambda part: quote(part, safe=""))


def as_html(text: str) -> str:
    """Escape a marked text for HTML."""
    return _between_marks(text, html.escape)


def as_base64(text: str) -> str:
    """Encode a marked text; a label covers the characters that hold nothing but bits of its value."""
    plain, labels = taken_out(text)
    encoded = base64.b64encode(plain.encode()).decode()
    parts: list[str] = []
    place = 0
    for label in labels:
        first = -(-len(plain[: label.start].encode()) * 8 // 6)
        last = len(plain[: label.end].encode()) * 8 // 6
        parts += [encoded[place:first], marked(label.kind, encoded[first:last])]
        place = last
    return "".join([*parts, encoded[place:]])


def as_upper(text: str) -> str:
    """Write a marked text in capitals."""
    return _between_marks(text, str.upper)


def as_lower(text: str) -> str:
    """Write a marked text in small letters."""
    return _between_marks(text, str.lower)


def _between_marks(text: str, change: Callable[[str], str]) -> str:
    """Change what stands between the marks and in them, and leave the marks."""
    parts: list[str] = []
    place = 0
    for found in _MARKED.finditer(text):
        parts += [change(text[place : found.start()]), marked(found[1], change(found[2]))]
        place = found.end()
    return "".join([*parts, change(text[place:])])
