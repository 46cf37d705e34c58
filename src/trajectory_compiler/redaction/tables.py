"""Tables in plain text: CSV, tab- or semicolon-separated exports, and the framed output of SQL shells. Their heads are keys."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator

from trajectory_compiler.redaction.key_index import KeyIndex, Meaning, keyed_span
from trajectory_compiler.redaction.policy import Kind

_SEPARATORS = "\t|;,"
_LONGEST_HEAD = 2_000
_LONGEST_NAME = 60
# A line of names: words between separators, and nothing that only code has.
_HEAD = re.compile(r"^[ \t|\"'`]{0,8}[^\W\d][\w .\"'`/-]{0,80}(?:[,;|\t][\w .\"'`/#-]{0,80}){1,200}\r?(?=\n)", re.MULTILINE)
_ELEMENT = re.compile(
    r"<(?P<name>[A-Za-z][\w.-]{1,40})(?P<pairs>\s[^<>]{0,200})?>(?P<value>[^<>]{1,200})</(?:\w{1,20}:)?(?P=name)>"
)
_TAG = re.compile(r"<(?P<tag>[A-Za-z][\w:.-]{0,40})\s(?P<pairs>[^<>]{5,400})>")
_FIELD_TAGS = frozenset("input option meta param data field attribute property var textarea span div td".split())
_PAIR = re.compile(r"(?P<name>[\w:-]{1,40})=(?P<quote>\\?[\"'])(?P<value>[^\"'<>\\]{1,200})(?P=quote)")
_NAMES_OF_FIELDS = frozenset({"name", "id", "property", "itemprop", "key", "data-field", "aria-label", "placeholder"})
_VALUES_OF_FIELDS = frozenset({"value", "content", "data-value"})
_CELLS = frozenset({"td", "th", "dt", "dd", "li", "span", "label", "strong", "div", "p", "b", "time", "a", "em", "i"})
_ALIGNED_HEAD = re.compile(
    r"^[ \t]*[A-Za-z_#][\w#/.-]{0,40}(?: [\w/.-]{1,20})?(?: {2,}[A-Za-z_][\w/. -]{0,40}){1,30}\r?(?=\n)", re.MULTILINE
)
_ALIGNED_CELL = re.compile(r"\S+(?: \S+)*")
_GAP = re.compile(r" {2,}")
_INSIDE = re.compile(r"[^<>]{1,200}(?=</)")
_FRAME = re.compile(r"[-+| =:]+")
_INSERT = re.compile(
    r"(?i)insert\s+into\s+[\w.\"`\[\]]{1,80}\s*\((?P<names>[^()]{1,2000})\)\s*values\s*(?P<rows>\([^;]{1,20000})", re.ASCII
)
_THOUSAND = re.compile(r"\D{0,3}\d{1,3}(?:,\d{3})*")
_THREE_DIGITS = re.compile(r"\d{3}(?:\.\d+)?")
_ROW = re.compile(r"\((?P<cells>[^()]{1,4000})\)")

Cell = tuple[int, int]


def table_spans(text: str, index: KeyIndex) -> Iterator[tuple[int, int, Kind, bool]]:
    r"""Yield where, in a text, cells stand whose column says what they are, with their kind and whether it spreads.

    Shape: `ref,name,dob\n7196,Qasim Wagle,1971-02-03` yields the name and the date.
    """
    if "(" in text and "nsert" in text.lower():
        yield from _insert_spans(text, index)
    if "</" in text:
        yield from _markup_spans(text, index)
    if "<" in text and "=" in text:
        yield from _field_spans(text, index)
    if "  " in text and "\n" in text:
        yield from _aligned_spans(text, index)
    done = 0
    for match in _HEAD.finditer(text):
        line = match.group()
        separator = _separator(line) if match.start() >= done and len(line) <= _LONGEST_HEAD else ""
        if not separator:
            continue
        heads = [_bare(head) for head in line.split(separator)]
        if not any(map(index.covers, heads)) or not all(len(head) <= _LONGEST_NAME for head in heads):
            continue
        meanings = [index.meaning(head, frozenset(heads)) if head else None for head in heads]
        if not any(meanings):
            continue
        for start, row in _lines(text, match.end() + 1):
            cells = list(_cells(row, separator))
            if separator == "," and len(cells) > len(heads):
                cells = _without_thousands(row, cells)
            if len(cells) != len(heads) and not _FRAME.fullmatch(row):
                break
            done = start + len(row)
            if len(cells) == len(heads):
                yield from _row_spans(text, start, cells, meanings)


def _markup_spans(text: str, index: KeyIndex) -> Iterator[tuple[int, int, Kind, bool]]:
    """Yield values of XML elements by their names, and of HTML cells by the cell before: `<td>NHS no</td><td>...</td>`."""
    before = ""
    for match in _ELEMENT.finditer(text):
        name, value = match["name"].lower(), match["value"]
        is_cell = name in _CELLS
        named = index.meaning(before.strip(" :") if is_cell else match["name"])
        meaning = named.fitting(value) if named else None
        if meaning is not None and (span := keyed_span(value, meaning)):
            yield match.start("value") + span[0], match.start("value") + span[1], meaning.kind, meaning.spread
        if is_cell and named is not None and match["pairs"]:  # `<th>Born</th><td><time datetime="1964-09-18">`
            yield from _attribute_values(text, match.span("pairs"), named)
        before = value if is_cell and len(value) <= _LONGEST_NAME else ""


def _field_spans(text: str, index: KeyIndex) -> Iterator[tuple[int, int, Kind, bool]]:
    """Yield values of form fields and of elements by the name in the tag: `<input name="dob" value="1964-09-18">`."""
    for tag in _TAG.finditer(text):
        pairs = list(_PAIR.finditer(text, tag.start("pairs"), tag.end("pairs")))
        if tag["tag"].lower() not in _FIELD_TAGS:
            yield from _attribute_spans(pairs, index)
            continue
        named = (index.meaning(pair["value"]) for pair in pairs if pair["name"].lower() in _NAMES_OF_FIELDS)
        meaning = next(filter(None, named), None)
        if meaning is None:
            continue
        places = [pair.span("value") for pair in pairs if pair["name"].lower() in _VALUES_OF_FIELDS]
        if not places and (inside := _INSIDE.match(text, tag.end())):
            places = [inside.span()]
        for start, end in places:
            value = html.unescape(text[start:end])
            fitting = meaning.fitting(value)
            if keyed_span(value, fitting):
                yield start, end, fitting.kind, fitting.spread


def _attribute_spans(pairs: list[re.Match[str]], index: KeyIndex) -> Iterator[tuple[int, int, Kind, bool]]:
    """Yield values of attributes whose names say what they are: `<Bank sort="11-99-16" acc="12756735"/>`."""
    if not any(index.covers(pair["name"]) for pair in pairs):
        return
    beside = frozenset(pair["name"] for pair in pairs)
    for pair in pairs:
        meaning = index.meaning(pair["name"], beside)
        meaning = meaning.fitting(pair["value"]) if meaning and meaning.kind != "SECRET" else None
        if meaning is not None and (span := keyed_span(pair["value"], meaning)):
            yield pair.start("value") + span[0], pair.start("value") + span[1], meaning.kind, meaning.spread


def _attribute_values(text: str, place: Cell, meaning: Meaning) -> Iterator[tuple[int, int, Kind, bool]]:
    """Yield values of attributes that have a meaning, whatever their names: the cell before says it."""
    for pair in _PAIR.finditer(text, *place):
        scheme = len("tel:") if pair["value"].startswith("tel:") else 0
        value = pair["value"][scheme:]
        fitting = meaning.fitting(value)
        if keyed_span(value, fitting) and fitting.kind in ("DOB", "PHONE"):
            yield pair.start("value") + scheme, pair.end("value"), fitting.kind, fitting.spread


def _aligned_spans(text: str, index: KeyIndex) -> Iterator[tuple[int, int, Kind, bool]]:
    """Yield cells of a table whose columns two spaces part; a row may have a number before its cells, as a data frame has."""
    for match in _ALIGNED_HEAD.finditer(text):
        heads = [_bare(head) for head in _GAP.split(match.group().strip())]
        if not any(map(index.covers, heads)):
            continue
        meanings = [index.meaning(head, frozenset(heads)) for head in heads]
        if not any(meanings):
            continue
        for start, row in _lines(text, match.end() + 1):
            cells = [cell.span() for cell in _ALIGNED_CELL.finditer(row)]
            if not len(heads) <= len(cells) <= len(heads) + 1:
                break
            yield from _row_spans(text, start, cells[-len(heads) :], meanings)


def _row_spans(
    text: str, start: int, cells: list[Cell], meanings: list[Meaning | None]
) -> Iterator[tuple[int, int, Kind, bool]]:
    for (a, b), meaning in zip(cells, meanings, strict=True):
        if meaning is None:
            continue
        cell = text[start + a : start + b]
        left = len(cell) - len(cell.lstrip(" \"'`"))
        cell = _bare(cell)
        fitting = meaning.fitting(cell)
        if cell and (span := keyed_span(cell, fitting)):
            place = start + a + left
            yield place + span[0], place + span[1], fitting.kind, fitting.spread


def _insert_spans(text: str, index: KeyIndex) -> Iterator[tuple[int, int, Kind, bool]]:
    for match in _INSERT.finditer(text):
        names = [_bare(name) for name in match["names"].split(",")]
        meanings = [index.meaning(name, frozenset(names)) for name in names]
        if not any(meanings):
            continue
        for row in _ROW.finditer(match["rows"]):
            cells = list(_cells(row["cells"], ","))
            if len(cells) == len(names):
                yield from _row_spans(text, match.start("rows") + row.start("cells"), cells, meanings)


def _separator(line: str) -> str:
    return next((sign for sign in _SEPARATORS if line.count(sign) >= (2 if sign in ",;" else 1)), "") or (
        "," if line.count(",") == 1 and " " not in line else ""
    )


def _lines(text: str, start: int) -> Iterator[tuple[int, str]]:
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield start, text[start:end].rstrip("\r")
        start = end + 1


def _cells(line: str, separator: str) -> Iterator[Cell]:
    """Yield the places of the cells of a line; a separator inside quotes separates nothing."""
    start = 0
    quote = ""
    for place, character in enumerate(line):
        if quote:
            quote = "" if character == quote else quote
        elif character in "\"'" and not line[start:place].strip():
            quote = character
        elif character == separator:
            yield start, place
            start = place + 1
    yield start, len(line)


def _without_thousands(line: str, cells: list[Cell]) -> list[Cell]:
    """Join cells that the comma of a thousand has parted: `2,644.74` is one number."""
    joined: list[Cell] = []
    for start, end in cells:
        if joined and _THOUSAND.fullmatch(line[slice(*joined[-1])]) and _THREE_DIGITS.fullmatch(line[start:end]):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined


def _bare(cell: str) -> str:
    return cell.strip(" \t\"'`")
