r"""How a turn is shown to a model: one function, line by line, so that what is quoted from it can be found again.

    #012 2026-03-01T09:02:00Z clerk get_order
    arguments
      order_reference: ORD-44017
    response
      status: in build
      note: a text of several lines
        goes on indented, so that no line of it can look like the head of a turn
    [...]

Strings stand as they are, not as JSON: a quote holds no escapes. An excerpt keeps whole lines and leaves out the others.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from trajectory_compiler.model import Turn
from trajectory_compiler.values import leaves, words

ELISION = "[...]"
MAX_LINE_CHARACTERS = 240
MAX_OUTLINE_CHARACTERS = 48
_AROUND = 60
_MAX_CUTS = 3
_BREAKS = re.compile("[\r\v\f\x1c-\x1e\x85\u2028\u2029]")  # what a reader may take for the end of a line
_TELLING = re.compile(
    r"(?<![^\W_])(?:error|fatal|panic|denied|failed|refused|exit code|exit status|status|state)(?![^\W_])", re.I
)


class Line(NamedTuple):
    """One line of a turn as it is shown: where it belongs, its indented text, whether it begins a value."""

    part: str
    text: str
    opens: bool


def head_of(turn: Turn, *, stamps: bool = True) -> str:
    """Return the first line of a turn, which alone begins with `#`."""
    stamp = f" {turn.created_at}" if stamps and turn.created_at else ""
    return f"#{turn.index:03d}{stamp} {_one_line(turn.agent)} {_one_line(turn.tool)}"


def lines_of(turn: Turn) -> Iterator[Line]:
    """Yield the lines of a turn below its head."""
    for part, document in (("arguments", turn.arguments), ("response", turn.response)):
        for leaf in leaves(document, ""):
            label = _one_line(leaf.path[1:])
            first, *rest = _BREAKS.sub(" ", leaf.text).split("\n")
            yield Line(part, f"  {label}: {first}" if label else f"  {first}", opens=True)
            for text in rest:
                yield Line(part, f"    {text}", opens=False)


def show(turn: Turn, *, stamps: bool = True) -> str:
    """Return a turn in full."""
    return _joined(turn, list(lines_of(turn)), None, stamps=stamps)


def excerpt(turn: Turn, values: Collection[str], characters: int, *, stamps: bool = True) -> str:
    """Return what counts of a turn in at most about so many characters: lines with one of the values, errors, states.

    What is left over goes to the lines beside those, then to the first ones. A turn that fits is shown in full.
    Cost: linear in the turn.
    """
    lines = list(lines_of(turn))
    if sum(len(line.text) + 1 for line in lines) <= characters:
        return _joined(turn, lines, None, stamps=stamps)
    shared = frozenset(values)
    worth = [_worth(line, shared) for line in lines]
    beside = [max(worth[max(0, i - 1) : i + 2]) >= _NAMING for i in range(len(lines))]
    order = sorted(range(len(lines)), key=lambda i: (-(worth[i] or 0.8 * beside[i]), i))
    kept: dict[int, str] = {}
    left = characters
    for i in order:
        text = _cut(lines[i].text, shared)
        if len(text) + 1 <= left:
            kept[i] = text
            left -= len(text) + 1
        if left < _AROUND:
            break
    return _joined(turn, lines, kept, stamps=stamps)


_NAMING = 2.0  # what a line is worth that holds a shared value or tells of an outcome


def _worth(line: Line, shared: frozenset[str]) -> float:
    text = line.text.strip()
    value = text.partition(": ")[2] if line.opens else text
    if value in shared or any(word in shared for word in words(text)):
        return 3.0
    if _TELLING.search(text[:MAX_LINE_CHARACTERS]):
        return _NAMING
    return 1.0 if line.opens and len(text) <= MAX_LINE_CHARACTERS else 0.5 * line.opens


def _cut(text: str, shared: frozenset[str]) -> str:
    """Shorten a long line to its beginning and what stands around the shared values."""
    if len(text) <= MAX_LINE_CHARACTERS:
        return text
    found = (text.find(word) for word in dict.fromkeys(words(text)) if word in shared)
    places = sorted({0, *(place for place, _ in zip(found, range(_MAX_CUTS), strict=False))})
    ranges: list[list[int]] = []
    for place in places:
        low, high = max(0, place - _AROUND), min(len(text), place + 2 * _AROUND)
        if ranges and low <= ranges[-1][1]:
            ranges[-1][1] = max(high, ranges[-1][1])
        else:
            ranges.append([low, high])
    shown = f" {ELISION} ".join(text[low:high] for low, high in ranges)
    return shown if ranges[-1][1] == len(text) else f"{shown} {ELISION}"


def _joined(turn: Turn, lines: list[Line], kept: dict[int, str] | None, *, stamps: bool) -> str:
    shown, part, gap = [head_of(turn, stamps=stamps)], "", False
    for i, line in enumerate(lines):
        if kept is not None and i not in kept:
            if not gap:
                shown.append(ELISION)
            gap = True
            continue
        if line.part != part:
            shown.append(line.part)
            part = line.part
        shown.append(line.text if kept is None else kept[i])
        gap = False
    return "\n".join(shown)


def outline(turn: Turn, naming: Collection[str] = ()) -> str:
    """Return a turn as one line: `#012 get_order ORD-44017`. The argument shown is one that names something, else the first."""
    texts = [leaf.text for leaf in leaves(turn.arguments, "", 40)]
    main = next((text for text in texts if text in naming), texts[0] if texts else "")
    main = _one_line(main)
    if len(main) > MAX_OUTLINE_CHARACTERS:
        main = f"{main[:MAX_OUTLINE_CHARACTERS]}{ELISION}"
    failed = " (failed)" if turn.ok is False else ""
    return f"#{turn.index:03d} {_one_line(turn.tool)} {main}".rstrip() + failed


def _one_line(text: str) -> str:
    return " ".join(_BREAKS.sub(" ", text[: 4 * MAX_LINE_CHARACTERS]).split())
