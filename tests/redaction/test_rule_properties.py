"""What holds for every rule and every text: gates miss nothing, nothing crashes, no expression runs away."""

from __future__ import annotations

import re
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.redaction.logs import standard
from tools.import_secret_rules import PIECES
from trajectory_compiler.redaction import gates as gates_module
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.gates import Gates, literal_of
from trajectory_compiler.redaction.policy import Rule

RULES = load_policy("standard").rules
LENGTH = 5_000
SECONDS = 2.0  # a hundred times what any rule needs; an expression that backtracks needs years
ADVERSARIAL = (*PIECES, "A. ", "é")


def test_every_gate_opens_for_what_its_rule_finds() -> None:
    """All rules compiled together: each example opens its rule, in the widened form and by its literal alike."""
    vendors = {place for place, rule in enumerate(RULES) if rule.rare}
    gates = Gates([rule.pattern for rule in RULES], vendors)
    for place, rule in enumerate(RULES):
        for text, _ in rule.examples:
            assert place in gates.open_for(text), rule.name
            assert place in gates.open_for(f"é\n{text}\nü"), rule.name


def test_rare_rules_hold_a_literal() -> None:
    """A rule that is marked as rare has something to look for at once."""
    assert all(literal_of(rule.pattern) for rule in RULES if rule.rare)


def test_without_the_automaton_the_same_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without RE2 tries every rule on every text and finds the same."""
    texts = [text for rule in RULES if not rule.rare for text, _ in rule.examples]
    fast = Gates([rule.pattern for rule in RULES])
    monkeypatch.setattr(gates_module, "re2", None)
    slow = Gates([rule.pattern for rule in RULES])
    for text in texts:
        open_rules = set(fast.open_for(text))
        missed = [RULES[p].name for p in slow.open_for(text) if p not in open_rules and re.search(RULES[p].pattern, text)]
        assert missed == []


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.name)
def test_no_expression_runs_away(rule: Rule) -> None:
    """Long texts of repeated pieces, some cut from what the rule looks for, take a rule no time to speak of."""
    search = re.compile(rule.pattern).finditer
    examples = [text for text, _ in rule.examples]
    for piece in (*ADVERSARIAL, *examples, *(text[: len(text) // 2] for text in examples), *(text[:6] for text in examples)):
        text = (piece * (LENGTH // len(piece) + 1))[:LENGTH]
        began = time.process_time()
        for _ in search(text):
            pass
        assert time.process_time() - began < SECONDS, piece


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_pass_or_are_replaced(data: bytes) -> None:
    """A string of random bytes, read as text in whatever way, never crashes the boundary."""
    texts = [data.decode("utf-8", "replace"), data.decode("latin-1"), data.decode("utf-8", "surrogateescape")]
    assert len(standard(({"password": texts, "name": texts[0]}, texts)).turns) == 1


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet='Aa1 @.,:;"<>{}[]%&#\\\n=-_/é', max_size=200))
def test_any_text_of_signs_passes_or_is_replaced(text: str) -> None:
    """Texts of the signs that rules, tables and encodings look for never crash the boundary, nor block the session."""
    assert len(standard(({"query": text}, {"rows": [[text, "dob"], [text, "1964-09-18"]], "name": text})).turns) == 1
