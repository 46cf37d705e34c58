"""Find what a policy's rules match: first a cheap look at a whole document, then the fine rules on single texts."""

from __future__ import annotations

import re
from bisect import bisect
from typing import NamedTuple

from trajectory_compiler.redaction import assignments
from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.policy import Kind, Policy, Rule

LABEL = re.compile(r"<[A-Z][A-Z_]{1,30}_[0-9]{1,9}>")
_MIN_CHARACTERS = 6
# Quoted where the bare word would be everywhere: "telephone" holds `tel`, but `hotel` does too.
_KEY_HINTS = (
    *("phone", '"tel', 'tel"', "mobile", "msisdn", "fax", '"cell', 'cell"', "contact", "caller"),
    *("card", 'pan"', '"cc', "primary", "security", "verification", "mfa", "connection", 'key"', 'keys"'),
)


class Span(NamedTuple):
    """A found value: where it stands in its text and what it is."""

    start: int
    end: int
    kind: Kind


class _Compiled(NamedTuple):
    rule: Rule
    pattern: re.Pattern[str]
    gate: re.Pattern[str] | None
    gate_bytes: re.Pattern[bytes] | None
    hints: tuple[bytes, ...]


class Scanner:
    """A policy, compiled. `fires` never misses a document in which `spans` or a key would find something."""

    def __init__(self, policy: Policy) -> None:
        self.policy = policy
        self.policy_hash = policy.hash
        self._rules = tuple(
            _Compiled(
                rule,
                re.compile(rule.pattern),
                re.compile(rule.gate) if rule.gate else None,
                re.compile(rule.gate.encode()) if rule.gate else None,
                tuple(hint.encode() for hint in rule.hints),
            )
            for rule in policy.rules
        )
        self._key_hints = tuple(hint.encode() for hint in (*assignments.STEMS, *_KEY_HINTS)) if policy.reads_keys else ()

    def fires(self, document: bytes) -> bool:
        """Say whether a JSON document, as encoded bytes, is worth a walk: one pass of substring searches."""
        lowered = document.lower()
        for hint in self._key_hints:
            if hint in lowered:
                return True
        for rule in self._rules:
            if rule.hints and not any(hint in lowered for hint in rule.hints):
                continue
            if rule.gate_bytes is None or rule.gate_bytes.search(document):
                return True
        return False

    def spans(self, text: str) -> list[Span]:
        """Return what the rules find in a text, in order and without overlaps; earlier rules win.

        Cost: substring searches only for a text without hints; every expression is linear in the text.
        """
        if len(text) < _MIN_CHARACTERS:
            return []
        lowered = text.lower()
        if len(lowered) != len(text):  # a few letters grow in lower case; positions must agree
            lowered = "".join(c.lower() if c.isascii() else c for c in text)
        found: list[Span] = []
        for compiled in self._rules:
            rule = compiled.rule
            if rule.hints and not any(hint in lowered for hint in rule.hints):
                continue
            if compiled.gate is not None and not compiled.gate.search(text):
                continue
            check = CHECKS[rule.check]
            found.extend(Span(*m.span("value"), rule.kind) for m in compiled.pattern.finditer(text) if check(m["value"]))
        if self.policy.reads_keys:
            found.extend(Span(start, end, "SECRET") for start, end in assignments.assigned_secrets(text, lowered))
        return _without_overlaps(found) if found else found


def _without_overlaps(found: list[Span]) -> list[Span]:
    """Keep the span of the more severe kind where two overlap, then the longer one."""
    order = {"SECRET": 0, "CARD": 1, "EMAIL": 2, "PHONE": 3, "UNSCANNED": 4}
    kept: list[Span] = []
    for span in sorted(found, key=lambda s: (order[s.kind], s.start - s.end, s.start)):
        place = bisect(kept, span)
        if (place == 0 or kept[place - 1].end <= span.start) and (place == len(kept) or span.end <= kept[place].start):
            kept.insert(place, span)
    return kept
