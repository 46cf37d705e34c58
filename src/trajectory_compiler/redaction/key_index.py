"""Which values the key rules of a policy find: under keys, in columns, and after a name in running text (`dob: 1964-09-18`)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.keys import KEY_GATES, WRAPPERS, kind_of_key, words_of_key
from trajectory_compiler.redaction.keys import keyed_span as builtin_span
from trajectory_compiler.redaction.policy import KeyRule, Kind, Policy

_LONGEST_KEY = 120
_MAX_KEYS = 50_000
_LABELLED = re.compile(
    r"(?P<name>[^\W\d_][\w.-]{0,40}(?: [^\W\d_][\w-]{0,20}){0,3})[\"'`\]]{0,2}\s{0,2}"
    r"(?::=|=>|(?<![=!<>])=(?!=)|:(?![:/])| is )\s{0,2}"
    r"(?:\\?(?P<quote>[\"'`])(?P<quoted>[^\"`\n\\]{1,200}?)\\?(?P=quote)(?!\w)|(?P<bare>[^\s\"'`,;&|<>{}\[\]()][^\n\"`,;&|<>{}\[\]]{0,120}))"
)
_EDGE = re.compile(r"(?![\w-])")


class Meaning(NamedTuple):
    """What stands under a key. `value` is None for the kinds that `keys.py` knows by itself."""

    kind: Kind
    value: re.Pattern[str] | None = None
    check: Callable[[str], int] = len
    spread: bool = True


class KeyIndex:
    """The key rules of a policy, by the last words of the names that they cover."""

    def __init__(self, policy: Policy) -> None:
        self._reads_keys = bool(policy.key_names)
        self.has_rules = bool(policy.key_rules)
        self._rules: dict[tuple[str, ...], list[tuple[KeyRule, Meaning, bool]]] = {}
        self._longest = 0
        for rule in policy.key_rules:
            meaning = Meaning(rule.kind, re.compile(rule.value), CHECKS[rule.check], rule.spread)
            for name in rule.keys:
                words = tuple(words_of_key(name.removeprefix("=")))
                self._longest = max(self._longest, len(words))
                self._rules.setdefault(words, []).append((rule, meaning, name.startswith("=")))
        self._stems = tuple({words[-1].encode() for words in self._rules})
        gates = KEY_GATES if self._reads_keys else ()
        self._gates = tuple((re.compile(first).search, re.compile(then).search) for first, then in gates)
        self._known: dict[tuple[str, frozenset[str] | None], Meaning | None] = {}
        self._names = re.compile("|".join(sorted(re.escape(stem.decode()) for stem in self._stems)) or r"(?!)")

    def fires(self, document: bytes) -> bool:
        """Say whether the bytes of a JSON document may hold a telling key."""
        lowered = document.lower()
        return any(stem in lowered for stem in self._stems) or any(
            search(lowered) and confirm(lowered) for search, confirm in self._gates
        )

    def meaning(self, key: str, beside: frozenset[str] | None = None) -> Meaning | None:
        """Return what stands under a key of an object with the keys `beside`, or None where the name says nothing."""
        if (key, None) in self._known:
            return self._known[key, None]
        if (key, beside) in self._known:
            return self._known[key, beside]
        meaning, depends = self._look_up(key, beside)
        if len(self._known) >= _MAX_KEYS:
            self._known.clear()
        self._known[key, beside if depends else None] = meaning
        return meaning

    def below(self, key: str, beside: frozenset[str], above: Meaning | None) -> Meaning | None:
        """Return what stands under a key inside a value of which the key above says `above`."""
        return self.meaning(key, beside) or (above if above and key.lower() in WRAPPERS else None)

    def spans(self, text: str) -> Iterator[tuple[int, int, Kind]]:
        """Yield where, in running text, values stand that their name introduces."""
        if "=" not in text and ":" not in text and " is " not in text:
            return
        if not self._names.search(text.lower()):
            return
        for match in _LABELLED.finditer(text):
            meaning = self.meaning(match["name"])
            if meaning is None or meaning.value is None:
                continue
            if match["quoted"] is not None:
                span = keyed_span(match["quoted"], meaning)
                start = match.start("quoted")
            else:
                span = _bare_span(match["bare"], meaning)
                start = match.start("bare")
            if span:
                yield start + span[0], start + span[1], meaning.kind

    def _look_up(self, key: str, beside: frozenset[str] | None) -> tuple[Meaning | None, bool]:
        if self._reads_keys and (kind := kind_of_key(key)):
            return Meaning(kind), False
        words = words_of_key(key[:_LONGEST_KEY])
        depends = False
        for length in range(min(self._longest, len(words)), 0, -1):
            for rule, meaning, whole in self._rules.get(tuple(words[-length:]), ()):
                if whole and len(words) != length:
                    continue
                if rule.beside:
                    depends = True
                    if not beside or not any(_ends_with(name, end) for name in beside for end in rule.beside):
                        continue
                return meaning, depends
        return None, depends


def keyed_span(text: str, meaning: Meaning, *, number: bool = False) -> tuple[int, int] | None:
    """Return where, in a leaf under a key of this meaning, the value stands, or None where the leaf holds none."""
    if meaning.value is None:
        return builtin_span(text, meaning.kind, number=number)
    bare = text.strip()
    if not meaning.value.fullmatch(bare) or meaning.check(bare) != len(bare):
        return None
    start = len(text) - len(text.lstrip())
    return start, start + len(bare)


def _bare_span(text: str, meaning: Meaning) -> tuple[int, int] | None:
    """Return where an unquoted value ends that starts a text: at the end of the longest match that is a whole word."""
    if meaning.value is None or meaning.kind in ("PERSON", "ADDRESS", "USERNAME"):
        return None  # prose goes on after them: the rules of their families know where they end
    match = meaning.value.match(text)
    if not match or not match.group() or not _EDGE.match(text, match.end()):
        return None
    value = match.group().rstrip(" .-")
    return (0, len(value)) if value and meaning.check(value) == len(value) else None


def _ends_with(name: str, end: str) -> bool:
    words, wanted = words_of_key(name[:_LONGEST_KEY]), words_of_key(end)
    return words[-len(wanted) :] == wanted
