"""The policies that ship with the program, by name."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

from trajectory_compiler.errors import OptionError
from trajectory_compiler.redaction import assignments, keys
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.rule_files import shipped_rules

POLICIES: dict[str, Callable[[], Policy]] = {
    "standard": lambda: _standard(),
    "off": lambda: Policy(name="off"),
}


def load_policy(name: str) -> Policy:
    """Return the policy of that name: `standard`, or `off`, which lets everything pass and says so in its hash.

    Raises: OptionError: there is no such policy.
    """
    if name not in POLICIES:
        choice = ", ".join(POLICIES)
        raise OptionError(f"use the redaction policy '{name}'", "there is no such policy", f"Choose one of: {choice}.")
    return POLICIES[name]()


@cache
def _standard() -> Policy:
    files = shipped_rules()
    return Policy(
        name="standard",
        rules=tuple(rule for file in files for rule in file.rule),
        key_names=(*keys.TABLES, assignments.STEMS),
        key_rules=tuple(rule for file in files for rule in file.key),
    )
