"""Find the same values again: every occurrence of a found value, also inside longer strings and in common encodings.

A value found once, by its key or its form, is looked for in the whole session. One expression finds the places where a
value could start (a trie over the first characters), a table of lengths decides: the cost per place does not grow with the
number of values, as an alternation of thousands of literals would.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterator
from urllib.parse import quote, quote_plus

import msgspec

_STEM = 4


class Needles:
    """Literals to look for, in any of their forms."""

    def __init__(self, min_inside_words: int) -> None:
        self._literal: dict[str, str] = {}  # form -> literal
        self._lengths: dict[str, list[int]] = {}
        self._starts: re.Pattern[str] | None = None
        self._min_inside_words = min_inside_words

    def __len__(self) -> int:
        return len(self._literal)

    def add(self, literal: str) -> None:
        """Add a literal of four characters or more and its encoded forms."""
        if self._literal.get(literal) == literal:
            return
        self._literal[literal] = literal
        for form in encoded_forms(literal):
            self._literal.setdefault(form, literal)
            lengths = self._lengths.setdefault(form[:_STEM], [])
            if len(form) not in lengths:
                lengths.append(len(form))
                lengths.sort(reverse=True)
                self._starts = None

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and literal of the occurrences, from left to right, the longest at each place, without overlaps."""
        search = self._search()
        match = search(text)
        while match:
            start = match.start()
            end = self._end_at(text, start, anywhere=False)
            if end:
                yield start, end, self._literal[text[start:end]]
            match = search(text, end or start + 1)

    def may_occur_in(self, document: str) -> bool:
        """Say whether some literal could occur in a document, as JSON text: word edges, which escapes hide, do not count."""
        search = self._search()
        match = search(document)
        while match:
            if self._end_at(document, match.start(), anywhere=True):
                return True
            match = search(document, match.start() + 1)
        return False

    def _search(self) -> Callable[..., re.Match[str] | None]:
        if self._starts is None:
            self._starts = re.compile(_trie(sorted(self._lengths), 0) if self._lengths else r"(?!)")
        return self._starts.search

    def _end_at(self, text: str, start: int, *, anywhere: bool) -> int:
        for length in self._lengths[text[start : start + _STEM]]:
            end = start + length
            is_known = text[start:end] in self._literal
            if is_known and (anywhere or length >= self._min_inside_words or _is_word(text, start, end)):
                return end
        return 0


def encoded_forms(literal: str) -> set[str]:
    """Return a literal as it is and as JSON, URL, HTML and base64 would write it; base64 only from eight characters on."""
    data = literal.encode("utf-8", "surrogatepass")
    once = _json_escaped(literal)
    forms = {literal, once, _json_escaped(once), html.escape(literal), html.escape(literal, quote=False)}
    forms.update((quote(data, safe=""), quote(data), quote_plus(data)))
    if len(literal) >= 8:
        forms.update((base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(data).decode().rstrip("=")))
    return forms


def _json_escaped(text: str) -> str:
    try:
        return msgspec.json.encode(text).decode()[1:-1]
    except UnicodeEncodeError:
        return text


def _is_word(text: str, start: int, end: int) -> bool:
    return not (text[start - 1 : start].isalnum() or text[end : end + 1].isalnum())


def _trie(stems: list[str], depth: int) -> str:
    """Return an expression for sorted stems of one length that branches character by character: depth four at most."""
    if depth == _STEM:
        return ""
    branches: dict[str, list[str]] = {}
    for stem in stems:
        branches.setdefault(stem[depth], []).append(stem)
    parts = [re.escape(character) + _trie(group, depth + 1) for character, group in branches.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
