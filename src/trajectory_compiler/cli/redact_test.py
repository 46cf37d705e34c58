"""`trajc redact test`: the rules against their own examples."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import counted, print_json, say
from trajectory_compiler.redaction.policy_file import read_policy, read_rules
from trajectory_compiler.redaction.rule_files import Failure, RuleFile, failures, shipped_rules


class RuleTest(msgspec.Struct, frozen=True, kw_only=True):
    """How many rules and examples there are, and which of them fail."""

    families: int
    rules: int
    examples: int
    rules_without_examples: tuple[str, ...]
    failures: tuple[Failure, ...]


@click.command(name="test", epilog=shared.example("trajc redact test", "trajc redact test --policy trajc.toml --json"))
@shared.policy_option
@shared.json_option
def command(policy: str, as_json: bool) -> int:
    """Run every rule on its examples, in which it must find exactly what they say, and on its counter-examples.

    With --policy FILE the rules that the file names are run, too. Exit code 1: a rule does not do what its examples say.
    """
    own: tuple[RuleFile, ...] = ()
    if policy.endswith(".toml"):
        read_policy(Path(policy))  # a mistake anywhere in the file is said first
        own = read_rules(Path(policy))
    found = _tested((*shipped_rules(), *own))
    if as_json:
        print_json(found)
    else:
        _print(found)
    return 1 if found.failures else 0


def _tested(files: tuple[RuleFile, ...]) -> RuleTest:
    rules = [(file.family, rule.name, len(rule.examples), len(rule.counter_examples)) for file in files for rule in file.rule]
    keys = [(file.family, rule.name, len(rule.examples), len(rule.counter_examples)) for file in files for rule in file.key]
    return RuleTest(
        families=len(files),
        rules=len(rules) + len(keys),
        examples=sum(examples + counter_examples for _, _, examples, counter_examples in rules + keys),
        rules_without_examples=tuple(f"{family}/{name}" for family, name, examples, _ in rules + keys if not examples),
        failures=tuple(failure for file in files for failure in failures(file)),
    )


def _print(found: RuleTest) -> None:
    for failure in found.failures:
        said = ", ".join(f"'{text}'" for text in failure.found) or "nothing"
        expected = f"'{failure.expected}'" if failure.expected else "nothing"
        say(f"{failure.family}/{failure.rule}: in '{failure.example}' it should find {expected} and finds {said}.")
    for name in found.rules_without_examples:
        say(f"{name}: it has no example, so nothing is known about it.")
    tested = f"{counted(found.rules, 'rule')} of {counted(found.families, 'file')}, {counted(found.examples, 'example')}"
    say(f"{tested}: {counted(len(found.failures), 'failure')}.")
