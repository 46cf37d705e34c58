r"""A policy as a file: the table `[redaction]` of `trajc.toml`, or of any TOML file that `--policy` names.

[redaction]
policy = "standard"               # where it starts: standard, strict, or off with a reason
scope = "session"                 # or "log": one value, one pseudonym in the whole log
rules = ["our_rules.toml"]        # rules of your own, beside this file; see `trajc redact test`
restore = ["EMAIL", "PERSON"]     # what a vault may keep; secrets never

[redaction.types]                 # replace, keep or block
POSTCODE = "keep"
CARD = "block"

[redaction.fields]                # keep, block, or the type as which every value there is replaced
"response/customer/name" = "PERSON"
"arguments/query" = "keep"

[redaction.allow]                 # values that pass although a rule finds them
values = ["support@example.com"]
patterns = ['.*@ourcompany\.example']

[redaction.limits]
max_leaf_characters = 1000000
"""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, Literal

import msgspec

from trajectory_compiler.errors import OptionError
from trajectory_compiler.redaction.policies import load_policy
from trajectory_compiler.redaction.policy import NEVER_STORED, FieldRule, Limits, Policy, Scope, Treatment
from trajectory_compiler.redaction.rule_files import RuleFile, parse_rules

CONFIG_NAME = "trajc.toml"
_KIND = re.compile(r"[A-Z][A-Z_]{1,30}")
_ACTION = "Correct the file; docs/redaction.md shows its form."


class Allow(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Values that pass: as they are written (in any case), or whole matches of an expression."""

    values: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()


class PolicyFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The table `[redaction]`. What it leaves out is as in the policy that it starts from."""

    policy: Literal["standard", "strict", "off"] = "standard"
    reason: str = ""
    scope: Scope = "session"
    unscanned: Literal["replace", "block"] | None = None
    names: Literal["patterns", "model"] | None = None
    rules: tuple[str, ...] = ()
    restore: tuple[str, ...] = ("*",)
    types: dict[str, Treatment] = {}
    fields: dict[str, str] = {}
    allow: Allow = Allow()
    limits: dict[str, int | float] = {}


def read_policy(path: Path) -> Policy:
    """Return the policy that a file describes.

    Raises: OptionError: the file cannot be read, has no table `[redaction]`, or holds a value that cannot be used.
    """
    return _policy(_table(path), path)


def read_rules(path: Path) -> tuple[RuleFile, ...]:
    """Return the user's own rule files that a policy file names, in its order. Raises as `read_policy`."""
    return tuple(_rule_file(path.parent / name, path) for name in _table(path).rules)


def has_policy(path: Path) -> bool:
    """Say whether a config file exists and has a table `[redaction]`. Raises OptionError for one that cannot be read."""
    return path.is_file() and "redaction" in _parsed(path)


def _table(path: Path) -> PolicyFile:
    document = _parsed(path)
    if "redaction" not in document:
        raise _unusable(path, "it has no table [redaction]")
    try:
        return msgspec.convert(document["redaction"], PolicyFile)
    except msgspec.ValidationError as error:
        raise _unusable(path, f"its table [redaction] is not as it must be ({error})") from None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise _unusable(path, error.strerror or type(error).__name__) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise _unusable(path, f"it is no TOML ({_place(error)})") from None


def _policy(table: PolicyFile, path: Path) -> Policy:
    _check(table, path)
    base = load_policy(table.policy, table.reason)
    if table.policy == "off":
        return base
    own = [_rule_file(path.parent / name, path) for name in table.rules]
    try:
        limits = msgspec.convert(msgspec.structs.asdict(base.limits) | table.limits, Limits)
    except msgspec.ValidationError as error:
        raise _unusable(path, f"its table [redaction.limits] is not as it must be ({error})") from None
    return msgspec.structs.replace(
        base,
        rules=(*base.rules, *(rule for file in own for rule in file.rule)),
        key_rules=(*base.key_rules, *(rule for file in own for rule in file.key)),
        scope=table.scope,
        unscanned=table.unscanned or base.unscanned,
        names=table.names or base.names,
        types=table.types,
        fields=tuple(FieldRule(pattern, treatment) for pattern, treatment in table.fields.items()),
        allow=table.allow.values,
        allow_patterns=table.allow.patterns,
        restore=table.restore,
        limits=limits,
    )


def _check(table: PolicyFile, path: Path) -> None:
    """Raise where a value has the right type and yet cannot be meant."""
    if table.policy == "off" and not table.reason.strip():
        raise _unusable(path, "policy = 'off' needs a reason, which is stored with what was compiled")
    if table.policy != "off" and table.reason:
        raise _unusable(path, f"a reason belongs to policy = 'off', and this one is '{table.policy}'")
    named = [*table.types, *(k for k in table.restore if k != "*"), *_types_of_fields(table)]
    for kind in named:
        if not _KIND.fullmatch(kind):
            raise _unusable(path, f"'{kind}' is no type of the form ACCOUNT_NUMBER, nor keep or block")
    for kind in NEVER_STORED & {*table.restore, *(k for k, treatment in table.types.items() if treatment == "keep")}:
        raise _unusable(path, f"values of type {kind} are never kept")
    for pattern in table.allow.patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise _unusable(path, f"a pattern of [redaction.allow] does not compile ({error})") from None
    unknown = set(table.limits) - set(Limits.__struct_fields__)
    if unknown:
        raise _unusable(path, f"there is no limit '{min(unknown)}'; there are {', '.join(Limits.__struct_fields__)}")


def _types_of_fields(table: PolicyFile) -> list[str]:
    return [treatment for treatment in table.fields.values() if treatment not in ("keep", "block")]


def _rule_file(path: Path, named_in: Path) -> RuleFile:
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(named_in, f"its rule file '{path}' cannot be read ({type(error).__name__})") from None
    return parse_rules(text, str(path))


def _unusable(path: Path, seen: str) -> OptionError:
    return OptionError(f"use the policy file '{path}'", seen, _ACTION)


def _place(error: Exception) -> str:
    """Return where the parser stopped: a line and a column, never what stands there."""
    found = re.search(r"at line \d+, column \d+|at end of document", str(error))
    return found.group() if found else type(error).__name__
