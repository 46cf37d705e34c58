"""What is redacted, as data: rules, key names and limits, named by one hash.

A rule finds one kind of value in plain text. It is data: a regular expression, cheap hints that must be present before the
expression is tried, the name of a check, and examples and counter-examples, which are run as tests. The hash of a policy
covers all of it, so that a stored pair says by which rules its session was redacted.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trajectory_compiler.model import short_hash

BOUNDARY_VERSION = 1
Kind = str  # the type in a pseudonym, such as EMAIL: `[A-Z][A-Z_]*`; rules bring theirs
Check = Literal["", "card", "phone_international", "phone_national", "phone_0044", "email", "opaque", "url_password"]


class Rule(msgspec.Struct, frozen=True, kw_only=True):
    """How one kind of value is found in text.

    `gates`: cheap expressions, one of which matches wherever the rule could, in plain text and in its JSON bytes alike; a
    literal at the start makes them fast (a byte search).
    `pattern`: the fine expression; its group `value` is what is replaced. It must be linear: see the time-bound tests.
    `check`: the name of a test in `checks.py` that the value must pass. `shortest`: texts with fewer characters are skipped.
    `examples`: texts with the values that must be found in them; `counter_examples`: texts in which nothing is found.
    """

    name: str
    kind: Kind
    pattern: str
    gates: tuple[str, ...]
    check: Check = ""
    shortest: int = 6
    examples: tuple[tuple[str, str], ...] = ()
    counter_examples: tuple[str, ...] = ()


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """Where scanning stops and a leaf becomes `<UNSCANNED_n>` instead.

    `min_propagated`: shorter values are replaced where they were found but not looked for elsewhere: `1234` is everywhere.
    `min_inside_words`: shorter values are replaced elsewhere only as whole words.
    """

    max_leaf_characters: int = 5_000_000
    max_depth: int = 200
    max_binary_share: float = 0.05
    min_propagated: int = 5
    min_inside_words: int = 8


class Policy(msgspec.Struct, frozen=True, kw_only=True):
    """A named set of rules.

    `key_names` are the tables by which key names (`password`, `phone`) are evidence too; without them only text is.
    """

    name: str
    rules: tuple[Rule, ...] = ()
    key_names: tuple[tuple[str, ...], ...] = ()
    limits: Limits = Limits()

    @property
    def reads_keys(self) -> bool:
        """Say whether key names are evidence."""
        return bool(self.key_names)

    @property
    def hash(self) -> str:
        """Return the name of exactly these rules, stored with every pair."""
        content = msgspec.json.encode(self, order="deterministic")
        return short_hash("policy", str(BOUNDARY_VERSION), content.decode())
