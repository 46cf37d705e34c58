"""Values in text: the closed list of extractors, as the enumeration finds and reads them.

`extract` reads one field; `extractable` lists what a text offers. The rules stand in `program`; the proof checker has its
own reading of them.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from trajectory_compiler.dataflow.program import Extract

_QUANTITY = re.compile(r"(?<![^\W])(?<![-.,])(\d[\d,]*(?:\.\d+)?) +([^\W\d_]{3,})(?![\w-])")
_EXIT = re.compile(r"(?:exit code|exit status|exited with code)(?:\s*[:=]\s*|\s+)(-?\d+)", re.I)
_ERROR = re.compile(r"(?<![^\W_])(?:error|fatal|panic|denied|failed)(?![^\W_])", re.I)
MAX_TEXT_CHARACTERS = 20_000
MAX_ERROR_CHARACTERS = 160


class Extracted(NamedTuple):
    """A value read from a string and the span of code points that it stands at."""

    text: str
    span: tuple[int, int]


def extract(rule: Extract, text: str) -> Extracted | None:
    """Read one field from a text; None where the rule is not defined for it."""
    if rule.kind == "line_value":
        found = [hit for key, hit in _line_values(text) if key == rule.key]
    elif rule.kind == "quantity":
        found = [hit for key, hit in _quantities(text) if key == rule.key]
    elif rule.kind == "exit_code":
        found = [Extracted(m[1], m.span(1)) for m in _EXIT.finditer(text)]
        return found[0] if len({hit.text for hit in found}) == 1 else None
    else:
        return _error_line(text)
    return found[0] if len(found) == 1 else None


def extractable(text: str) -> Iterator[tuple[Extract, Extracted]]:
    """Yield every field that the extractors can read from a text; nothing where the text is very long."""
    if len(text) > MAX_TEXT_CHARACTERS:
        return
    for kind, values in (("line_value", list(_line_values(text))), ("quantity", list(_quantities(text)))):
        counts = Counter(key for key, _ in values)
        for key, hit in values:
            if counts[key] == 1:
                yield Extract(kind=kind, key=key), hit  # type: ignore[arg-type]  # a member of the closed list
    for rule in (Extract(kind="exit_code"), Extract(kind="error_line")):
        found = extract(rule, text)
        if found is not None:
            yield rule, found


def _line_values(text: str) -> Iterator[tuple[str, Extracted]]:
    start = 0
    for line in text.split("\n"):
        found = _line_value(line)
        if found is not None:
            key, value = found
            offset = start + line.rindex(value)
            yield key, Extracted(value, (offset, offset + len(value)))
        start += len(line) + 1


def _line_value(line: str) -> tuple[str, str] | None:
    stripped = line.strip()
    if stripped.startswith(("- ", "* ")):
        stripped = stripped[2:].strip()
    key, colon, rest = stripped.partition(":")
    key = key.rstrip()
    value = rest.strip()
    if not colon or not value or not rest[0].isspace() or not key or len(key) > 40 or not key[0].isalpha():
        return None
    return (key, value) if all(c.isalnum() or c in " _-./" for c in key) else None


def _quantities(text: str) -> Iterator[tuple[str, Extracted]]:
    for match in _QUANTITY.finditer(text):
        yield match[2], Extracted(match[1].replace(",", ""), match.span(1))


def _error_line(text: str) -> Extracted | None:
    start = 0
    for line in text.split("\n"):
        if _ERROR.search(line):
            stripped = line.strip()
            if len(stripped) > MAX_ERROR_CHARACTERS:
                return None
            offset = start + line.index(stripped)
            return Extracted(stripped, (offset, offset + len(stripped)))
        start += len(line) + 1
    return None
