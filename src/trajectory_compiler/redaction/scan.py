"""Find what a policy's rules match: first all gates in one pass over a text, then the expressions whose gates are open."""

from __future__ import annotations

import re
from bisect import bisect, insort
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from trajectory_compiler.redaction import assignments
from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.encodings import decoded
from trajectory_compiler.redaction.gates import Gates
from trajectory_compiler.redaction.key_index import KeyIndex, keyed_span
from trajectory_compiler.redaction.known_people import known_people
from trajectory_compiler.redaction.ner import is_prose, load_model
from trajectory_compiler.redaction.policy import KINDS, Kind, Policy, Rule

LABEL = re.compile(r"<[A-Z][A-Z_]{1,30}_[0-9]{1,18}>")
_SHORTEST = 5
_IN_PIECES = frozenset({"SECRET", "ADDRESS", "PERSON"})  # a mail address without its start says nothing
_WHOLE = frozenset({"IBAN", "EMAIL"})  # nothing inside one is a value of its own
_MIN_PIECE = 3  # letters and digits of what is left of a span that another one overlaps
_ORDER = {kind: place for place, kind in enumerate(KINDS)}
_OTHERS = _ORDER["PERSON"] - 0.5  # a user's kinds
_LONGEST_REMEMBERED = 10_000  # characters of a text whose spans are remembered: logs repeat themselves
_MAX_REMEMBERED = 20_000_000  # characters of all such texts
_ENTRY = 100  # what an entry costs beside its text
# Kinds whose expressions have an automaton of their own: several are smaller than one.
_APART = (
    frozenset({"PERSON"}),
    frozenset({"ADDRESS"}),
    frozenset({"USERNAME"}),
    frozenset({"DOB", "POSTCODE", "VEHICLE", "CASE_REFERENCE", "COUNCIL_TAX", "PASSPORT", "DRIVING_LICENCE"}),
    frozenset({"PHONE", "SSN", "CARD", "NHS_NUMBER", "UTR", "SORT_CODE", "ACCOUNT"}),
)


class Span(NamedTuple):
    """A found value: where it stands in its text and what it is."""

    start: int
    end: int
    kind: Kind
    spread: bool = True


class _Compiled:
    """A rule, its expression compiled on first use: most logs need few of them."""

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.shortest = rule.shortest
        self.check = CHECKS[rule.check]
        self.kind = rule.kind

    @cached_property
    def finditer(self) -> Callable[[str], Iterator[re.Match[str]]]:
        """Return the search of the expression."""
        return re.compile(self.rule.pattern).finditer


class Scanner:
    """A policy, compiled.

    `plain` are texts that sessions before were seen to hold nothing in: a memory of whoever scans, for whole leaves.
    Raises: MissingExtraError: the policy asks for the language model and it is not installed.
    """

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.policy_hash = policy.hash
        self.keys = KeyIndex(policy)
        self._rules = tuple(_Compiled(rule) for rule in policy.rules)
        vendors = {place for place, rule in enumerate(policy.rules) if rule.rare}
        apart = [{place for place, rule in enumerate(policy.rules) if rule.kind in kinds} for kinds in _APART]
        self._gates = Gates([rule.pattern for rule in policy.rules], vendors, apart)
        self.plain: set[str] = set()
        self._known: dict[str, tuple[Span, ...]] = {}
        self._room = _MAX_REMEMBERED
        self._model = load_model() if policy.names == "model" and policy.rules else None

    def fires(self, document: bytes) -> bool:
        """Say whether a JSON document, as encoded bytes, is worth a walk: not where it holds nothing that could be a value."""
        return bool(self._rules or self.keys.has_rules) and len(document) > _SHORTEST

    def spans(self, text: str) -> list[Span]:
        """Return what the rules find in a text, in order and without overlaps; graver kinds win.

        Cost: one look-up for a text seen before; one pass of all gates for a text without anything.
        """
        if len(text) < _SHORTEST:
            return []
        known = self._known.get(text)
        if known is not None:
            return list(known)
        found = self._in_plain(text)
        view = decoded(text)
        if view is not None:
            found.extend(Span(*view.original(span.start, span.end), span.kind) for span in self._in_plain(view.text))
        if found:
            found = _without_overlaps(found, text)
        self._remember(text, found)
        return found

    def _remember(self, text: str, found: list[Span]) -> None:
        if len(text) > _LONGEST_REMEMBERED:
            return
        self._room -= len(text) + _ENTRY
        if self._room < 0:
            self._known.clear()
            self._room = _MAX_REMEMBERED
        self._known[text] = tuple(found)

    def prose_spans(self, text: str, known: list[Span]) -> list[Span]:
        """Return what rules and, where the policy asks for it, the language model find in a text together."""
        if self._model is None or not is_prose(text):
            return known
        labels = [Span(*match.span(), "SECRET") for match in LABEL.finditer(text)]
        found = list(known)
        for entity in self._model.entities(text):
            span = _trimmed(Span(*entity), text)
            if any(_overlap(span, label) for label in labels):
                continue
            same = [other for other in found if other.kind == span.kind and _overlap(span, other)]
            for other in same:  # the rule saw the flat, the model the town: together they are one address
                found.remove(other)
                span = Span(min(span.start, other.start), max(span.end, other.end), span.kind)
            found.append(span)
        return _without_overlaps(found, text)

    def holds_under(self, key: str, value: str, beside: tuple[str, ...] = ()) -> bool:
        """Say whether a value is found by its key alone, in an object that has the keys `beside` too."""
        meaning = self.keys.meaning(key, frozenset(beside))
        return meaning is not None and keyed_span(value, meaning.fitting(value)) is not None

    def _in_plain(self, text: str) -> list[Span]:
        """Return what stands in a text as it is: by form, and by the name before it."""
        found = self._matches(text)
        if self.policy.key_names:
            found.extend(Span(start, end, "SECRET") for start, end in assignments.assigned_secrets(text))
        if self.keys.has_rules:
            found.extend(Span(*span) for span in self.keys.spans(text))
            found.extend(Span(*span, "PERSON") for span in known_people(text))
        return found

    def _matches(self, text: str) -> list[Span]:
        found: list[Span] = []
        length = len(text)
        for place in self._gates.open_for(text):
            rule = self._rules[place]
            if length < rule.shortest:
                continue
            check, kind = rule.check, rule.kind
            for match in rule.finditer(text):
                value = match["value"]
                if value and (accepted := check(value)):
                    start = match.start("value")
                    found.append(Span(start, start + accepted, kind))
        return found


def _overlap(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


def _is_inside(span: Span, other: Span) -> bool:
    return other.start <= span.start and span.end <= other.end and span.end - span.start < other.end - other.start


def _joined(found: list[Span]) -> list[Span]:
    """Join what several rules found of one address: the flat with the street, the street with the town."""
    result = [span for span in found if span.kind != "ADDRESS"]
    last: Span | None = None
    for span in sorted(span for span in found if span.kind == "ADDRESS"):
        if last is not None and span.start < last.end:
            last = last._replace(end=max(last.end, span.end), spread=last.spread or span.spread)
            continue
        if last is not None:
            result.append(last)
        last = span
    return result if last is None else [*result, last]


def _without_overlaps(found: list[Span], text: str) -> list[Span]:
    """Keep the span of the more severe kind where two overlap, then the longer one; of the other what is outside remains."""
    if len(found) == 1:
        return found
    whole = [span for span in found if span.kind in _WHOLE]
    if whole:  # digits inside an IBAN may pass the check of a card by chance
        found = [s for s in found if s.kind == "SECRET" or not any(_is_inside(s, other) for other in whole)]
    found = _joined(found)
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (_ORDER.get(s.kind, _OTHERS), s.start - s.end, s.start)):
        for piece in _outside(span, kept):
            if piece == span:
                insort(kept, piece)
            elif span.kind in _IN_PIECES and sum(c.isalnum() for c in text[piece.start : piece.end]) >= _MIN_PIECE:
                insort(kept, _trimmed(piece, text))
    return kept


def _trimmed(span: Span, text: str) -> Span:
    """Cut a piece to its first and last letter or digit."""
    start, end = span.start, span.end
    while not text[start].isalnum():
        start += 1
    while not text[end - 1].isalnum():
        end -= 1
    return span._replace(start=start, end=end)


def _outside(span: Span, kept: list[Span]) -> list[Span]:
    """Return what of a span lies outside others, which are in order."""
    pieces: list[Span] = []
    start = span.start
    for other in kept[max(0, bisect(kept, span) - 1) :]:
        if other.start >= span.end:
            break
        if other.end <= start:
            continue
        if other.start > start:
            pieces.append(span._replace(start=start, end=other.start))
        start = max(start, other.end)
    if start < span.end:
        pieces.append(span._replace(start=start))
    return pieces
