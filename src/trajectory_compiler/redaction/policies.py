"""The policies that ship with the program, by name."""

from __future__ import annotations

from trajectory_compiler.errors import OptionError
from trajectory_compiler.redaction import assignments, contact_rules, keys, secret_rules
from trajectory_compiler.redaction.policy import Policy

POLICIES: dict[str, Policy] = {
    "standard": Policy(
        name="standard",
        rules=(*secret_rules.RULES, *contact_rules.RULES),
        key_names=(*keys.TABLES, assignments.STEMS),
    ),
    "off": Policy(name="off"),
}


def load_policy(name: str) -> Policy:
    """Return the policy of that name: `standard`, or `off`, which lets everything pass and says so in its hash.

    Raises: OptionError: there is no such policy.
    """
    if name not in POLICIES:
        choice = ", ".join(POLICIES)
        raise OptionError(f"use the redaction policy '{name}'", "there is no such policy", f"Choose one of: {choice}.")
    return POLICIES[name]
