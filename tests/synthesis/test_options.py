"""Windows are fitted to what a model reads, or the model is refused."""

from __future__ import annotations

import pytest

from tests.synthesis.sessions import count, index_of, scattered
from trajectory_compiler.errors import OptionError
from trajectory_compiler.synthesis import SynthesisOptions, fitted, plan_calls
from trajectory_compiler.synthesis.prompts import instructions

OPTIONS = SynthesisOptions(model="test:scripted")
TOLD = count(instructions("pairs-1"))


@pytest.mark.parametrize("context", [3_000, 4_096, 8_192, 200_000])
@pytest.mark.parametrize("turns", [60, 3_000])
def test_prompt_and_answer_fit_the_context(context: int, turns: int) -> None:
    """Instructions, prompt and the longest answer together stay within what the model reads."""
    options = fitted(OPTIONS, context, TOLD)
    planned = plan_calls(index_of(scattered(turns)), options, count)
    assert planned
    assert all(call.tokens + options.max_output_tokens <= context for call in planned)


def test_an_unknown_context_changes_nothing() -> None:
    """Without a figure the windows stay as they were asked for; a large context does not make them larger."""
    assert fitted(OPTIONS, None, TOLD) is OPTIONS
    assert fitted(OPTIONS, 1_000_000, TOLD) == OPTIONS


def test_a_context_without_room_is_refused() -> None:
    """The error names the model, what it reads and what is left."""
    with pytest.raises(OptionError, match=r"test:scripted.*reads 2048 tokens"):
        fitted(OPTIONS, 2_048, TOLD)
