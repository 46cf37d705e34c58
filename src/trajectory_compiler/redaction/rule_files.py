r"""Rules as data: one TOML file per family, each rule with examples and counter-examples, which `failures` runs.

    family = "uk_identifiers"

    [[rule]]                                   # a form in plain text: see `policy.Rule`
    name = "nhs_number"
    kind = "NHS_NUMBER"
    pattern = '(?<![0-9])(?P<value>[0-9]{3}[ -]?[0-9]{3}[ -]?[0-9]{4})(?![0-9])'
    check = "nhs_number"
    examples = [["NHS No: 943 476 5919", "943 476 5919"]]
    counter_examples = ["NHS No: 943 476 5918"]

    [[key]]                                    # a name that says what stands under it: see `policy.KeyRule`
    name = "passport_key"
    kind = "PASSPORT"
    keys = ["passport", "passport number"]
    value = '[A-Z0-9]{6,12}'
    examples = [["passportNumber", "517736374"]]
    counter_examples = [["passport", "missing"]]

A user's rules are a file of the same form.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import resources

import msgspec

from trajectory_compiler.errors import OptionError
from trajectory_compiler.redaction.checks import CHECKS
from trajectory_compiler.redaction.policy import KeyRule, Policy, Rule

_FRAGMENT = re.compile(r"\{\{([A-Z_]+)\}\}")
_KIND = re.compile(r"[A-Z][A-Z_]{1,30}")


class RuleFile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One family of rules.

    `source` says where it comes from, if it is not this project's own, and `licence` under what terms. `fragments` are parts of
    expressions: `{{MONTH}}` in a later fragment, a pattern or a value stands for the fragment MONTH.
    """

    family: str
    source: str = ""
    licence: str = ""
    fragments: dict[str, str] = {}
    rule: tuple[Rule, ...] = ()
    key: tuple[KeyRule, ...] = ()


class Failure(msgspec.Struct, frozen=True, kw_only=True):
    """A rule that does not do what one of its examples says. `example` is its text: a rule's author wrote it, no log."""

    family: str
    rule: str
    example: str
    expected: str
    found: tuple[str, ...]


def parse_rules(text: str, origin: str) -> RuleFile:
    """Read the text of a rule file; `origin` names it in errors.

    Raises: OptionError: no TOML, an unknown field, a kind or a check that does not exist, an expression that does not compile
    or lacks its group `value`.
    """
    try:
        file = msgspec.convert(tomllib.loads(text), RuleFile)
    except (tomllib.TOMLDecodeError, msgspec.ValidationError) as error:
        raise _unusable(origin, str(error)) from None
    file = _with_fragments(file)
    rules: tuple[Rule | KeyRule, ...] = (*file.rule, *file.key)
    for rule in rules:
        if not _KIND.fullmatch(rule.kind):
            raise _unusable(origin, f"rule '{rule.name}' has the kind '{rule.kind}', which is not of the form ACCOUNT_NUMBER")
        if rule.check not in CHECKS:
            choice = ", ".join(sorted(filter(None, CHECKS)))
            raise _unusable(origin, f"rule '{rule.name}' names the check '{rule.check}'; there are {choice}")
        _compile(rule, origin)
    return file


@cache
def shipped_rules() -> tuple[RuleFile, ...]:
    """Return the families that come with the program, in order of their file names."""
    folder = resources.files("trajectory_compiler.redaction") / "rules"
    files = sorted((f for f in folder.iterdir() if f.name.endswith(".toml")), key=lambda f: f.name)
    return tuple(parse_rules(f.read_text(encoding="utf-8"), f.name) for f in files)


def failures(file: RuleFile) -> Iterator[Failure]:
    """Run a family's examples and counter-examples, each rule alone, and yield what does not hold."""
    from trajectory_compiler.redaction.scan import Scanner  # noqa: PLC0415  the scanner needs the rules, not their tests

    for rule in file.rule:
        scanner = Scanner(Policy(name="one", rules=(rule,)))
        cases = [*rule.examples, *((text, "") for text in rule.counter_examples)]
        for text, expected in cases:
            spans = scanner.spans(text)
            found = tuple(text[span.start : span.end] for span in spans)
            if found != ((expected,) if expected else ()):
                yield Failure(family=file.family, rule=rule.name, example=text, expected=expected, found=found)
    for key_rule in file.key:
        scanner = Scanner(Policy(name="one", key_rules=(key_rule,)))
        pairs = [*((*pair, True) for pair in key_rule.examples), *((*pair, False) for pair in key_rule.counter_examples)]
        for key, value, holds in pairs:
            found = (value,) if scanner.holds_under(key, value, key_rule.beside) else ()
            if bool(found) != holds:
                expected = value if holds else ""
                yield Failure(family=file.family, rule=key_rule.name, example=f"{key}: {value}", expected=expected, found=found)


def _with_fragments(file: RuleFile) -> RuleFile:
    known: dict[str, str] = {}

    def filled(expression: str) -> str:
        return _FRAGMENT.sub(lambda match: known.get(match[1], match[0]), expression)

    for name, expression in file.fragments.items():
        known[name] = filled(expression)
    rules = tuple(msgspec.structs.replace(rule, pattern=filled(rule.pattern)) for rule in file.rule)
    keys = tuple(msgspec.structs.replace(rule, value=filled(rule.value)) for rule in file.key)
    return msgspec.structs.replace(file, fragments={}, rule=rules, key=keys)


def _compile(rule: Rule | KeyRule, origin: str) -> None:
    expressions = (rule.value,) if isinstance(rule, KeyRule) else (rule.pattern,)
    for expression in expressions:
        try:
            compiled = re.compile(expression)
        except re.error as error:
            raise _unusable(origin, f"an expression of rule '{rule.name}' does not compile ({error})") from None
        if isinstance(rule, Rule) and expression == rule.pattern and "value" not in compiled.groupindex:
            raise _unusable(origin, f"the pattern of rule '{rule.name}' has no group named 'value'")


def _unusable(origin: str, seen: str) -> OptionError:
    return OptionError(f"use the rules of '{origin}'", seen, "Correct the file and run `trajc redact test`.")
