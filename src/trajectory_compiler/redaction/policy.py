"""What is redacted, as data: rules, key names and limits, named by one hash.

A rule finds one kind of value in plain text. It is data: a regular expression, the name of a check, and examples and
counter-examples, which are run as tests. The hash of a policy covers all of it, so that a stored pair says by which rules its
session was redacted.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Literal

import msgspec

from trajectory_compiler.model import short_hash

BOUNDARY_VERSION = 3
NEVER_STORED = frozenset({"SECRET", "UNSCANNED"})
Scope = Literal["session", "log"]
Treatment = Literal["replace", "keep", "block"]
Kind = str  # the type in a pseudonym, such as EMAIL: `[A-Z][A-Z_]*`; rules bring theirs
# The kinds of the shipped rules, the gravest first: where two finds overlap, the earlier one wins; others come before PERSON.
KINDS: tuple[Kind, ...] = (
    "SECRET",
    "CARD",
    "IBAN",
    "NHS_NUMBER",
    "NINO",
    "UTR",
    "SSN",
    "VAT_NUMBER",
    "PASSPORT",
    "DRIVING_LICENCE",
    "ACCOUNT",
    "SORT_CODE",
    "COUNCIL_TAX",
    "CASE_REFERENCE",
    "EMAIL",
    "PHONE",
    "IP",
    "MAC",
    "VEHICLE",
    "DOB",
    "POSTCODE",
    "ADDRESS",
    "USERNAME",
    "PERSON",
    "UNSCANNED",
)


class Rule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How one kind of value is found in text.

    `pattern`: the expression; its group `value` is what is replaced. It must be linear: see the time-bound tests.
    `check`: the name of a test in `checks.py` that the value must pass. `shortest`: texts with fewer characters are skipped.
    `rare`: the expression holds a telling literal, such as a vendor's prefix: texts without it are not looked at any closer.
    `examples`: texts with the values that must be found in them; `counter_examples`: texts in which nothing is found.
    """

    name: str
    kind: Kind
    pattern: str
    check: str = ""
    rare: bool = False
    shortest: int = 6
    examples: tuple[tuple[str, str], ...] = ()
    counter_examples: tuple[str, ...] = ()


class KeyRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a key name, a CSV header or an SQL column says about the value under it.

    `keys`: the words that the name ends with, in lower case, separated by spaces: `passport number` covers `passportNumber`,
    `PASSPORT-NUMBER` and `holder_passport_number`. A name that is only these words is meant by a leading `=`: `=name`.
    `value`: an expression that the whole value must match; `check`: a test from `checks.py` that it must pass.
    `beside`: where not empty, one key of the same object must end with one of these words: `name` is a person's beside `dob`.
    `spread`: whether the value is looked for elsewhere in the session; a town's name is not.
    `examples`: pairs of key and value that are found; `counter_examples`: pairs that are not.
    """

    name: str
    kind: Kind
    keys: tuple[str, ...]
    value: str
    check: str = ""
    beside: tuple[str, ...] = ()
    spread: bool = True
    examples: tuple[tuple[str, str], ...] = ()
    counter_examples: tuple[tuple[str, str], ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Where scanning stops and a leaf becomes `<UNSCANNED_n>` instead.

    `max_session_seconds`: a session that takes longer is blocked; a machine that is slower than any needs is no reason.
    `min_propagated`: shorter values are replaced where they were found but not looked for elsewhere: `1234` is everywhere.
    `min_inside_words`: shorter values are replaced elsewhere only as whole words.
    """

    max_leaf_characters: int = 5_000_000
    max_depth: int = 200
    max_binary_share: float = 0.05
    max_session_seconds: int = 1_800
    min_propagated: int = 5
    min_inside_words: int = 8


class FieldRule(msgspec.Struct, frozen=True):
    """What happens to the values of one field.

    `pattern` is a path from the row, `arguments/customer/name`, in which `*` stands for one step (a key or a list index) and
    `**` for any number. `treatment` is `keep` (passes as it is), `block` (a session with such a value is left out), or the type
    as which every value below the field is replaced, such as `PERSON`.
    """

    pattern: str
    treatment: str


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of rules, and what is done with what they find.

    `key_names` are the tables by which key names (`password`, `phone`) are evidence too; without them only text is.
    `reason` says why nothing is redacted (`off` only). `scope` is where a value keeps its pseudonym: in its `session`, or
    in the whole `log` (which needs a key). `unscanned` says what a leaf that cannot be scanned does: it is replaced, or it
    blocks its session. `names` says whether a language model must look for people in prose or patterns may do alone.
    `types` maps a type to `replace` (what types that are not named get), `keep` or `block`. Values that `allow` lists (in any
    case) or that an expression of `allow_patterns` matches as a whole pass. `restore` lists the types that a vault may keep:
    `*` is every type but secrets and what could not be scanned, which no vault keeps.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    key_rules: tuple[KeyRule, ...] = ()
    key_names: tuple[tuple[str, ...], ...] = ()
    limits: Limits = Limits()
    reason: str = ""
    scope: Scope = "session"
    unscanned: Literal["replace", "block"] = "replace"
    names: Literal["patterns", "model"] = "patterns"
    types: dict[str, Treatment] = {}
    fields: tuple[FieldRule, ...] = ()
    allow: tuple[str, ...] = ()
    allow_patterns: tuple[str, ...] = ()
    restore: tuple[str, ...] = ("*",)

    @property
    def reads_keys(self) -> bool:
        """Say whether key names are evidence."""
        return bool(self.key_names or self.key_rules)

    @property
    def is_off(self) -> bool:
        """Say whether nothing is looked for."""
        return not self.rules and not self.reads_keys

    @property
    def hash(self) -> str:
        """Return the name of exactly these rules, stored with every pair."""
        content = msgspec.json.encode(self, order="deterministic")
        return short_hash("policy", str(BOUNDARY_VERSION), content.decode())

    def without_examples(self) -> Policy:
        """Return the policy as it is stored: its rules find the same, the values that their tests are made of are left out."""
        return msgspec.structs.replace(
            self,
            rules=tuple(msgspec.structs.replace(rule, examples=(), counter_examples=()) for rule in self.rules),
            key_rules=tuple(msgspec.structs.replace(rule, examples=(), counter_examples=()) for rule in self.key_rules),
        )

    def passes(self, kind: Kind, surface: str) -> bool:
        """Say whether a value that a rule found passes all the same: its type is kept, or it is on an allow-list."""
        if self.types.get(kind) == "keep":
            return True
        if not self.allow and not self.allow_patterns:
            return False
        return surface.casefold() in _folded(self.allow) or any(p.fullmatch(surface) for p in _compiled(self.allow_patterns))

    def may_restore(self, kind: Kind) -> bool:
        """Say whether a vault may keep values of this type."""
        return kind not in NEVER_STORED and ("*" in self.restore or kind in self.restore)


@lru_cache(maxsize=8)
def _folded(allow: tuple[str, ...]) -> frozenset[str]:
    return frozenset(value.casefold() for value in allow)


@lru_cache(maxsize=8)
def _compiled(patterns: tuple[str, ...]) -> tuple[re.Pattern[str], ...]:
    return tuple(re.compile(pattern) for pattern in patterns)
