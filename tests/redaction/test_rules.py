"""The rule tables carry their own examples; these tests run them."""

from __future__ import annotations

import pytest

from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.assignments import COUNTER_EXAMPLES, EXAMPLES
from trajectory_compiler.redaction.policy import Policy, Rule
from trajectory_compiler.redaction.rule_files import RuleFile, failures, shipped_rules
from trajectory_compiler.redaction.scan import Scanner

RULES = load_policy("standard").rules


def _found(policy: Policy, text: str) -> list[str]:
    return [text[span.start : span.end] for span in Scanner(policy).spans(text)]


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_a_rule_alone_finds_its_examples_and_nothing_in_its_counter_examples(rule: Rule) -> None:
    """Every rule, without help from others, finds exactly the value in each example and nothing in a counter-example."""
    policy = Policy(name="one", rules=(rule,))
    assert rule.examples
    assert rule.counter_examples
    for text, value in rule.examples:
        assert _found(policy, text) == [value]
    for text in rule.counter_examples:
        assert _found(policy, text) == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_the_standard_policy_keeps_the_counter_examples(rule: Rule) -> None:
    """What one rule must leave alone, no other rule takes for the same; it may be something else."""
    scanner = Scanner(load_policy("standard"))
    for text in rule.counter_examples:
        assert [span for span in scanner.spans(text) if span.kind == rule.kind] == []


@pytest.mark.parametrize("family", shipped_rules(), ids=lambda family: family.family)
def test_a_family_does_what_its_examples_say(family: RuleFile) -> None:
    """Forms and key names alike: the examples that come with the rules hold, each rule alone."""
    assert list(failures(family)) == []
    assert all(rule.examples and rule.counter_examples for rule in family.rule)
    assert all(rule.examples and rule.counter_examples for rule in family.key)


@pytest.mark.parametrize(("text", "value"), EXAMPLES)
def test_an_assigned_secret_is_found(text: str, value: str) -> None:
    """A value that a secret's name introduces in plain text is found, and only the value."""
    assert _found(load_policy("standard"), text) == [value]


@pytest.mark.parametrize("text", COUNTER_EXAMPLES)
def test_code_and_states_are_no_assigned_secrets(text: str) -> None:
    """Code that handles secrets, counters, cursors and states stay as they are."""
    assert _found(load_policy("standard"), text) == []
