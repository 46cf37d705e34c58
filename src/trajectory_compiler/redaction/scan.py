"""Find what a policy's rules match: first a cheap look at a whole document, then the fine rules on single texts."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator
from functools import cached_property
from typing import NamedTuple

from trajectory_compiler.redaction import assignments
from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.encodings import ENCODED, decoded, has_base64
from trajectory_compiler.redaction.key_index import KeyIndex, keyed_span
from trajectory_compiler.redaction.policy import KINDS, Kind, Policy, Rule

LABEL = re.compile(r"<[A-Z][A-Z_]{1,30}_[0-9]{1,18}>")
_SHORTEST = 5
_ORDER = {kind: place for place, kind in enumerate(KINDS)}
_OTHERS = _ORDER["PERSON"] - 0.5  # a user's kinds
_MAX_REMEMBERED = 64  # characters of a text that is remembered as clean
_MAX_CLEAN = 100_000  # how many such texts


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
        self.words = rule.words
        self.byte_words = tuple(word.encode() for word in rule.words)
        self.gates = rule.gates
        self.check = CHECKS[rule.check]
        self.kind = rule.kind

    @cached_property
    def finditer(self) -> Callable[[str], Iterator[re.Match[str]]]:
        """Return the search of the fine expression."""
        return re.compile(self.rule.pattern).finditer

    @cached_property
    def text_gates(self) -> tuple[Callable[[str], object], ...]:
        """Return the cheap searches on text."""
        return tuple(re.compile(gate).search for gate in self.gates)


Active = tuple[_Compiled, ...] | None  # the rules that could match in a document; None: all of them


class Scanner:
    """A policy, compiled. `fires` never misses a document in which `spans` or a key would find something."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.policy_hash = policy.hash
        self.keys = KeyIndex(policy)
        self._rules = tuple(_Compiled(rule) for rule in policy.rules)
        gates = {gate for rule in policy.rules for gate in rule.gates}
        self._byte_gates = {gate: re.compile(gate.encode()).search for gate in gates}
        self._clean: set[str] = set()

    def fires(self, document: bytes) -> bool:
        """Say whether a JSON document, as encoded bytes, is worth a walk: some byte searches."""
        return bool(self._rules) and (bool(self.rules_for(document)) or self.keys.fires(document) or has_base64(document))

    def rules_for(self, document: bytes) -> tuple[_Compiled, ...]:
        """Return the rules that could match in a JSON document, given as encoded bytes; all where parts of it are encoded."""
        if not self._rules or ENCODED.search(document):
            return self._rules
        lowered = document.lower()
        results: dict[str, bool] = {}
        active: list[_Compiled] = []
        for rule in self._rules:
            if rule.byte_words and not any(word in lowered for word in rule.byte_words):
                continue
            for gate in rule.gates:
                if gate not in results:
                    results[gate] = self._byte_gates[gate](document) is not None
                if results[gate]:
                    break
            else:
                if rule.gates:
                    continue
            active.append(rule)
        return tuple(active)

    def spans(self, text: str, rules: Active = None) -> list[Span]:
        """Return what the rules find in a text, in order and without overlaps; graver kinds win.

        `rules` are those that `rules_for` returned for the document that the text is from; without them, all are tried.
        Cost: one set look-up for a short text seen before; some substring searches for a text without anything.
        """
        if len(text) < _SHORTEST or text in self._clean:
            return []
        found = self._matches(text, self._rules if rules is None else rules)
        if rules is None or rules is self._rules:
            view = decoded(text)
            if view is not None:
                found.extend(
                    Span(*view.original(span.start, span.end), span.kind) for span in self._matches(view.text, self._rules)
                )
        if self.policy.key_names:
            found.extend(Span(start, end, "SECRET") for start, end in assignments.assigned_secrets(text))
        if self.keys.has_rules:
            found.extend(Span(*span) for span in self.keys.spans(text))
        if found:
            return _without_overlaps(found)
        if len(text) <= _MAX_REMEMBERED:
            if len(self._clean) >= _MAX_CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return found

    def holds_under(self, key: str, value: str, beside: tuple[str, ...] = ()) -> bool:
        """Say whether a value is found by its key alone, in an object that has the keys `beside` too."""
        meaning = self.keys.meaning(key, frozenset(beside))
        return meaning is not None and keyed_span(value, meaning) is not None

    def _matches(self, text: str, rules: tuple[_Compiled, ...]) -> list[Span]:
        found: list[Span] = []
        length = len(text)
        lowered = ""
        for rule in rules:
            if length < rule.shortest:
                continue
            if rule.words:
                lowered = lowered or text.lower()
                for word in rule.words:  # a loop and no `any`: these lines run for every text and every rule
                    if word in lowered:
                        break
                else:
                    continue
            if rule.gates:
                for gate in rule.text_gates:
                    if gate(text):
                        break
                else:
                    continue
            check, kind = rule.check, rule.kind
            for match in rule.finditer(text):
                if accepted := check(match["value"]):
                    start = match.start("value")
                    found.append(Span(start, start + accepted, kind))
        return found


def _without_overlaps(found: list[Span]) -> list[Span]:
    """Keep the span of the more severe kind where two overlap, then the longer one."""
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (_ORDER.get(s.kind, _OTHERS), s.start - s.end, s.start)):
        place = bisect(kept, span)
        if (place == 0 or kept[place - 1].end <= span.start) and (place == len(kept) or span.end <= kept[place].start):
            kept.insert(place, span)
    return kept
