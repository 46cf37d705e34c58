"""Find what a policy's rules match: first a cheap look at a whole document, then the fine rules on single texts."""

from __future__ import annotations

import re
from bisect import bisect
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trajectory_compiler.redaction import assignments
from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.keys import KEY_GATES
from trajectory_compiler.redaction.policy import Kind, Policy, Rule

LABEL = re.compile(r"<[A-Z][A-Z_]{1,30}_[0-9]{1,18}>")
_SHORTEST = 6
_MAX_REMEMBERED = 64  # characters of a text that is remembered as clean
_MAX_CLEAN = 100_000  # how many such texts


class Span(NamedTuple):
    """A found value: where it stands in its text and what it is."""

    start: int
    end: int
    kind: Kind


class _Compiled(NamedTuple):
    shortest: int
    gates: tuple[Callable[[str], object], ...]
    matches: Callable[[str], Iterator[re.Match[str]]]
    check: Callable[[str], int]
    kind: Kind


class Scanner:
    """A policy, compiled. `fires` never misses a document in which `spans` or a key would find something."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.policy_hash = policy.hash
        self._rules = tuple(_compiled(rule) for rule in policy.rules)
        self._document_gates = tuple(re.compile(gate.encode()).search for rule in policy.rules for gate in rule.gates)
        key_gates = KEY_GATES if policy.reads_keys else ()
        self._key_gates = tuple((re.compile(first).search, re.compile(then).search) for first, then in key_gates)
        self._clean: set[str] = set()

    def fires(self, document: bytes) -> bool:
        """Say whether a JSON document, as encoded bytes, is worth a walk: some byte searches."""
        for search in self._document_gates:
            if search(document):
                return True
        lowered = document.lower()
        return any(search(lowered) and confirm(lowered) for search, confirm in self._key_gates)

    def spans(self, text: str) -> list[Span]:
        """Return what the rules find in a text, in order and without overlaps; graver kinds win.

        Cost: one set look-up for a short text seen before; some substring searches for a text without anything.
        """
        if len(text) < _SHORTEST or text in self._clean:
            return []
        found: list[Span] = []
        length = len(text)
        for shortest, gates, matches, check, kind in self._rules:
            if length < shortest:
                continue
            for gate in gates:  # a loop and no `any`: this line runs for every text and every rule
                if gate(text):
                    for match in matches(text):
                        if accepted := check(match["value"]):
                            start = match.start("value")
                            found.append(Span(start, start + accepted, kind))
                    break
        if self.policy.reads_keys:
            found.extend(Span(start, end, "SECRET") for start, end in assignments.assigned_secrets(text))
        if found:
            return _without_overlaps(found)
        if len(text) <= _MAX_REMEMBERED:
            if len(self._clean) >= _MAX_CLEAN:
                self._clean.clear()
            self._clean.add(text)
        return found


def _compiled(rule: Rule) -> _Compiled:
    gates = tuple(re.compile(gate).search for gate in rule.gates)
    return _Compiled(rule.shortest, gates, re.compile(rule.pattern).finditer, CHECKS[rule.check], rule.kind)


def _without_overlaps(found: list[Span]) -> list[Span]:
    """Keep the span of the more severe kind where two overlap, then the longer one."""
    order = {"SECRET": 0, "CARD": 1, "EMAIL": 2, "PHONE": 3, "UNSCANNED": 4}
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (order.get(s.kind, len(order)), s.start - s.end, s.start)):
        place = bisect(kept, span)
        if (place == 0 or kept[place - 1].end <= span.start) and (place == len(kept) or span.end <= kept[place].start):
            kept.insert(place, span)
    return kept
