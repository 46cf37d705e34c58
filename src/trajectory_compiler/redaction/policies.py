"""The policies that ship with the program, by name, and those that users write.

    standard   everything that the rules find is replaced; a leaf that cannot be scanned is replaced, too
    strict     a leaf that cannot be scanned blocks its session; people are looked for by a language model, too
    off        nothing is looked for; it needs a reason, which is stored

A file of the user's (`policy_file`) starts from one of them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import msgspec

from trajectory_compiler.errors import OptionError
from trajectory_compiler.redaction import assignments, keys
from trajectory_compiler.redaction.policy import Limits, Policy
from trajectory_compiler.redaction.rule_files import shipped_rules

NAMES = ("standard", "strict", "off")


def load_policy(name: str, reason: str = "") -> Policy:
    """Return the policy of that name, or the one that the file of that name holds.

    `reason` says why nothing is redacted, for `off` alone. Raises: OptionError: there is no such policy, or the file is none.
    """
    if name == "off":
        return Policy(name="off", reason=reason)
    if name in NAMES:
        return _standard() if name == "standard" else _strict()
    if Path(name).suffix == ".toml":
        from trajectory_compiler.redaction.policy_file import read_policy  # noqa: PLC0415  it starts from the ones here

        return read_policy(Path(name))
    choice = ", ".join(NAMES)
    raise OptionError(
        f"use the redaction policy '{name}'", "there is no such policy", f"Choose one of: {choice}; or name a .toml file."
    )


@cache
def _standard() -> Policy:
    files = shipped_rules()
    return Policy(
        name="standard",
        rules=tuple(rule for file in files for rule in file.rule),
        key_names=(*keys.TABLES, assignments.STEMS),
        key_rules=tuple(rule for file in files for rule in file.key),
    )


@cache
def _strict() -> Policy:
    return msgspec.structs.replace(
        _standard(), name="strict", unscanned="block", names="model", limits=Limits(min_inside_words=6)
    )
