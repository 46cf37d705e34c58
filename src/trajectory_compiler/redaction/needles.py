"""Find the same values again: every occurrence of a found value, also inside longer strings and in common encodings.

A value found once, by its key or its form, is looked for in the whole session. One expression finds the places where a
value could start (a trie over the first characters), a table of lengths decides: the cost per place does not grow with the
number of values, as an alternation of thousands of literals would.
"""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Callable, Iterable, Iterator
from typing import NamedTuple
from urllib.parse import quote, quote_plus

import msgspec

_STEM = 3


class _Form(NamedTuple):
    """What a form stands for. A `word` must not touch letters; any other form neither letters nor digits where it is short."""

    literal: str
    word: bool


class Needles:
    """Literals to look for, in any of their forms."""

    def __init__(self, min_inside_words: int) -> None:
        self._forms: dict[str, _Form] = {}
        self._lengths: dict[str, list[int]] = {}
        self._starts: re.Pattern[str] | None = None
        self._min_inside_words = min_inside_words

    def __len__(self) -> int:
        return len(self._forms)

    def add(self, literal: str, *, word: bool = False) -> None:
        """Add a literal of three characters or more and its encoded forms; a `word` is found between other letters only."""
        known = self._forms.get(literal)
        if known is not None and known.literal == literal and (word or not known.word):
            return
        self._forms[literal] = _Form(literal, word)
        self._index(literal)
        self.add_forms(literal, encoded_forms(literal), word=word)

    def add_forms(self, literal: str, forms: Iterable[str], *, word: bool = True) -> None:
        """Add other ways to write a literal; a form that is known keeps its meaning, but may then be found in more places."""
        for form in forms:
            known = self._forms.get(form)
            if len(form) >= _STEM and (known is None or (known.literal == literal and known.word and not word)):
                self._forms[form] = _Form(literal, word)
                self._index(form)

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Yield start, end and literal of the occurrences, from left to right, the longest at each place, without overlaps."""
        search = self._search()
        match = search(text)
        while match:
            start = match.start()
            end = self._end_at(text, start, anywhere=False)
            if end:
                yield start, end, self._forms[text[start:end]].literal
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

    def _index(self, form: str) -> None:
        lengths = self._lengths.get(form[:_STEM])
        if lengths is None:
            lengths = self._lengths[form[:_STEM]] = []
            self._starts = None
        if len(form) not in lengths:
            lengths.append(len(form))
            lengths.sort(reverse=True)

    def _search(self) -> Callable[..., re.Match[str] | None]:
        if self._starts is None:
            self._starts = re.compile(_trie(sorted(self._lengths), 0) if self._lengths else r"(?!)")
        return self._starts.search

    def _end_at(self, text: str, start: int, *, anywhere: bool) -> int:
        for length in self._lengths[text[start : start + _STEM]]:
            end = start + length
            form = self._forms.get(text[start:end])
            if form is None:
                continue
            if anywhere or (not form.word and length >= self._min_inside_words):
                return end
            before, after = text[start - 1 : start] if start else "", text[end : end + 1]
            if form.word:
                # A letter before it may be the end of an escape that was left in the text: `\nAmy`.
                is_escape = before in ("n", "r", "t") and text[start - 2 : start - 1] == "\\" if start > 1 else False
                if not (before.isalpha() and not is_escape) and not after.isalpha():
                    return end
            elif not (before.isalnum() or after.isalnum()):
                return end
        return 0


def words_in(text: str, value: str) -> Iterator[tuple[int, int]]:
    """Yield where a value stands in a text with neither a letter nor a digit beside it."""
    start = text.find(value) if value else -1
    while start >= 0:
        end = start + len(value)
        if not (text[start - 1 : start].isalnum() and start) and not text[end : end + 1].isalnum():
            yield start, end
        start = text.find(value, end)


def encoded_forms(literal: str) -> set[str]:
    """Return a literal as it is and as JSON, URL, HTML and base64 would write it; base64 only from eight characters on."""
    data = literal.encode("utf-8", "surrogatepass")
    if literal.isalnum() and literal.isascii():
        forms = {literal}
    else:
        once = _json_escaped(literal)
        forms = {literal, once, _json_escaped(once), html.escape(literal), html.escape(literal, quote=False)}
        forms.update((quote(data, safe=""), quote(data), quote_plus(data)))
        if not literal.isascii():
            forms.add("".join(c if c.isascii() else f"\\u{ord(c):04x}" for c in literal))
    if len(literal) >= 8:
        forms.update((base64.b64encode(data).decode().rstrip("="), base64.urlsafe_b64encode(data).decode().rstrip("=")))
    return forms


def _json_escaped(text: str) -> str:
    try:
        return msgspec.json.encode(text).decode()[1:-1]
    except UnicodeEncodeError:
        return text


def _trie(stems: list[str], depth: int) -> str:
    """Return an expression for sorted stems of one length that branches character by character: depth three at most."""
    if depth == _STEM:
        return ""
    branches: dict[str, list[str]] = {}
    for stem in stems:
        branches.setdefault(stem[depth], []).append(stem)
    parts = [re.escape(character) + _trie(group, depth + 1) for character, group in branches.items()]
    return parts[0] if len(parts) == 1 else f"(?:{'|'.join(parts)})"
