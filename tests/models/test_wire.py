"""Every provider's protocol against a strict loopback server, in every way that it may go right or wrong."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.models.asking import HERE, SECRET, Word, World, ask_for_a_word, client_on, model_of, options_for
from tests.models.wire.anthropic_messages import AnthropicMessages
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.gemini import Gemini
from tests.models.wire.server import CONTEXT_CHARACTERS, RETRY_AFTER_SECONDS, Dialect, Scenario, Server, serving
from trajectory_compiler.errors import ContextOverflowError, InvalidOutputError, ModelError
from trajectory_compiler.models import ModelName, Reply, Usage
from trajectory_compiler.store.calls import StoredCall

DIALECTS = [Gemini(), ChatCompletions(), AnthropicMessages()]
every_dialect = pytest.mark.parametrize("dialect", DIALECTS, ids=lambda dialect: dialect.name)


def asked(
    folder: Path, server: Server, world: World | None = None, *, prompt: str = SECRET, model: ModelName | None = None
) -> tuple[Reply[Word] | ModelError, list[StoredCall]]:
    """Ask a server for a word; return the reply or the error, and the rows of the store after it."""

    async def go() -> tuple[Reply[Word] | ModelError, list[StoredCall]]:
        timeout = 0.3 if {"slow", "trickle"} & set(server.script) else 4.0
        async with client_on(folder, options_for(server, timeout_seconds=timeout), world) as (client, store):
            try:
                reply: Reply[Word] | ModelError = await client.ask(ask_for_a_word(model or model_of(server), prompt), HERE)
            except ModelError as error:
                reply = error
            return reply, list(store.calls())

    return asyncio.run(go())


def failed(outcome: Reply[Word] | ModelError) -> ModelError:
    """Return the error of an outcome: one sentence, which quotes nothing of the prompt."""
    assert isinstance(outcome, ModelError)
    assert SECRET not in str(outcome)
    assert "\n" not in str(outcome)
    assert outcome.__cause__ is None
    return outcome


@every_dialect
def test_an_answer_comes_back_typed_and_priced(tmp_path: Path, dialect: Dialect) -> None:
    """A request that the strict server accepts gives the typed answer, its tokens and its price at list."""
    with serving(dialect) as server:
        reply, rows = asked(tmp_path, server)
    assert server.refusals == []
    assert isinstance(reply, Reply)
    assert reply.answer == Word("yes")
    per_token = {"google": (300_000, 2_500_000), "openai": (250_000, 2_000_000), "anthropic": (1_000_000, 5_000_000)}
    cost = 100 * per_token[dialect.name][0] + 20 * per_token[dialect.name][1]
    assert (reply.usage.input_tokens, reply.usage.output_tokens, reply.usage.cost_pico_usd) == (100, 20, cost)
    assert (reply.usage.price_source or "").startswith("genai-prices ")
    assert [(row.status, row.usage.cost_pico_usd, row.from_cache) for row in rows] == [("ok", cost, False)]


@every_dialect
def test_cached_input_and_hidden_thoughts_are_priced_as_the_provider_bills_them(tmp_path: Path, dialect: Dialect) -> None:
    """Of 100 tokens in 40 were cached and cost a tenth; 30 tokens of thoughts cost what the 20 of the answer cost."""
    with serving(dialect, script=["cached"]) as server:
        reply, _ = asked(tmp_path, server)
    assert isinstance(reply, Reply)
    whole, out = {"google": (300_000, 2_500_000), "openai": (250_000, 2_000_000), "anthropic": (1_000_000, 5_000_000)}[
        dialect.name
    ]
    assert (reply.usage.input_tokens, reply.usage.cached_tokens, reply.usage.output_tokens) == (100, 40, 50)
    assert reply.usage.cost_pico_usd == 60 * whole + 40 * whole // 10 + 50 * out


@every_dialect
def test_a_rate_limit_is_waited_out_as_long_as_the_provider_asks(tmp_path: Path, dialect: Dialect) -> None:
    """Retry-After, as a header or in Google's body, is the least that is waited; the refused tries are not booked."""
    world = World()
    with serving(dialect, script=["rate_limited", "rate_limited", "ok"]) as server:
        reply, rows = asked(tmp_path, server, world)
    assert isinstance(reply, Reply)
    assert len(world.slept) == 2
    assert all(RETRY_AFTER_SECONDS <= seconds < RETRY_AFTER_SECONDS + 1 for seconds in world.slept)
    assert [row.status for row in rows] == ["ok"]


@every_dialect
@pytest.mark.parametrize("scenario", ["server_error", "unavailable", "hang_up", "garbage"])
def test_a_passing_failure_is_tried_again(tmp_path: Path, dialect: Dialect, scenario: Scenario) -> None:
    """One failure on the provider's side costs a wait and nothing else."""
    world = World()
    with serving(dialect, script=[scenario, "ok"]) as server:
        reply, _ = asked(tmp_path, server, world)
    assert isinstance(reply, Reply)
    assert len(world.slept) == 1


@every_dialect
@pytest.mark.parametrize("scenario", ["server_error", "unavailable", "rate_limited", "hang_up"])
def test_an_outage_is_one_sentence_after_a_few_tries(tmp_path: Path, dialect: Dialect, scenario: Scenario) -> None:
    """A provider that keeps failing is given up after the tries of the options; the run may go on."""
    with serving(dialect, script=[scenario]) as server:
        outcome, rows = asked(tmp_path, server)
    error = failed(outcome)
    assert "3 times in a row" in str(error)
    assert not error.stops
    assert len(server.questions) == 3
    assert rows == []


@every_dialect
@pytest.mark.parametrize("scenario", ["slow", "trickle"])
def test_a_call_that_takes_too_long_is_left_and_booked_as_unknown(tmp_path: Path, dialect: Dialect, scenario: Scenario) -> None:
    """An answer that does not come, or comes byte by byte, ends at the limit of the call; its price is unknown, not zero."""
    with serving(dialect, script=[scenario, "ok"]) as server:
        reply, rows = asked(tmp_path, server)
    assert isinstance(reply, Reply)
    assert {row.status: row.usage.cost_pico_usd for row in rows} == {"timed_out": None, "ok": reply.usage.cost_pico_usd}


@every_dialect
@pytest.mark.parametrize(
    ("scenario", "status"),
    [("malformed", "invalid"), ("wrong_shape", "invalid"), ("empty", "empty"), ("truncated", "truncated")],
)
def test_an_unusable_answer_is_repaired_once(tmp_path: Path, dialect: Dialect, scenario: Scenario, status: str) -> None:
    """The repair shows the model what was wrong; both calls are booked with what they cost, and the reply names their sum."""
    with serving(dialect, script=[scenario, "ok"]) as server:
        reply, rows = asked(tmp_path, server)
    assert server.refusals == []
    assert isinstance(reply, Reply)
    assert reply.answer == Word("yes")
    assert server.questions[1].prompt.startswith("Your answer could not be used: ")
    assert sorted(row.status for row in rows) == sorted([status, "ok"])
    assert reply.usage.cost_pico_usd == sum(row.usage.cost_pico_usd or 0 for row in rows)


@every_dialect
@pytest.mark.parametrize("scenario", ["malformed", "wrong_shape", "empty", "truncated"])
def test_an_answer_that_stays_unusable_is_an_error_and_was_paid_for(
    tmp_path: Path, dialect: Dialect, scenario: Scenario
) -> None:
    """After one repair it is InvalidOutputError, never an empty result; both calls stay booked."""
    with serving(dialect, script=[scenario]) as server:
        outcome, rows = asked(tmp_path, server)
    error = failed(outcome)
    assert isinstance(error, InvalidOutputError)
    assert not error.stops
    assert len(server.questions) == 2
    assert len(rows) == 2
    assert all((row.usage.cost_pico_usd or 0) > 0 for row in rows)


@every_dialect
@pytest.mark.parametrize("scenario", ["refusal", "blocked"])
def test_a_refusal_is_an_error_with_its_reason(tmp_path: Path, dialect: Dialect, scenario: Scenario) -> None:
    """A refusal or a safety block is not repaired: it is this item's error, booked as refused."""
    with serving(dialect, script=[scenario]) as server:
        outcome, rows = asked(tmp_path, server)
    error = failed(outcome)
    assert "it refused" in str(error)
    assert not isinstance(error, InvalidOutputError)
    assert not error.stops
    assert [row.status for row in rows] == ["refused"]


@pytest.mark.parametrize("dialect", DIALECTS[:2], ids=lambda dialect: dialect.name)
def test_a_missing_usage_block_is_unknown(tmp_path: Path, dialect: Dialect) -> None:
    """Without the provider's count the tokens and the cost are null, not zero."""
    with serving(dialect, script=["no_usage"]) as server:
        reply, rows = asked(tmp_path, server)
    assert isinstance(reply, Reply)
    assert reply.usage == Usage()
    assert rows[0].usage.cost_pico_usd is None


def test_a_missing_usage_block_breaks_the_protocol_that_demands_one(tmp_path: Path) -> None:
    """Anthropic's messages always count; an answer without is no answer, and booked as unknown: it may have been paid."""
    with serving(AnthropicMessages(), script=["no_usage"]) as server:
        outcome, rows = asked(tmp_path, server)
    assert "not in the protocol" in str(failed(outcome))
    assert {(row.status, row.usage.cost_pico_usd) for row in rows} == {("garbled", None)}


@every_dialect
def test_a_wrong_key_stops_the_run(tmp_path: Path, dialect: Dialect) -> None:
    """A key that the provider does not accept is said at once, without a second try."""
    world = World(environment=dict.fromkeys(("GOOGLE_API_KEY", "OPENAI_API_KEY", "ANTHROPIC_API_KEY"), "wrong"))
    with serving(dialect) as server:
        outcome, _ = asked(tmp_path, server, world)
    error = failed(outcome)
    assert "does not accept the key" in str(error)
    assert error.stops
    assert len(server.refusals) == 1


@every_dialect
def test_an_unknown_model_stops_the_run(tmp_path: Path, dialect: Dialect) -> None:
    """A model that the provider does not know is said at once, without a second try."""
    with serving(dialect) as server:
        outcome, _ = asked(tmp_path, server, model=ModelName(dialect.name, "claude-haiku-4-5-nonesuch"))
    error = failed(outcome)
    assert "knows no such model" in str(error)
    assert error.stops
    assert len(server.refusals) == 1


@every_dialect
def test_a_used_up_quota_stops_the_run(tmp_path: Path, dialect: Dialect) -> None:
    """Waiting does not bring credit back, so nobody waits."""
    world = World()
    with serving(dialect, script=["quota"]) as server:
        outcome, _ = asked(tmp_path, server, world)
    error = failed(outcome)
    assert "quota or credit" in str(error)
    assert error.stops
    assert world.slept == []


@every_dialect
def test_a_prompt_that_is_too_long_is_told_apart(tmp_path: Path, dialect: Dialect) -> None:
    """The provider's refusal of a long prompt is ContextOverflowError: this item falls, the run goes on."""
    with serving(dialect) as server:
        outcome, _ = asked(tmp_path, server, prompt="x " * CONTEXT_CHARACTERS)
    error = failed(outcome)
    assert isinstance(error, ContextOverflowError)
    assert not error.stops
    assert len(server.refusals) == 1


def test_a_server_of_ones_own_is_asked_by_its_address(tmp_path: Path) -> None:
    """Any server of OpenAI's protocol serves under a name of the user's; its price is unknown, and that is stored."""
    with serving(ChatCompletions()) as server:
        reply, _ = asked(tmp_path, server, model=ModelName("mine", "qwen"))
    assert server.refusals == []
    assert isinstance(reply, Reply)
    assert (reply.usage.input_tokens, reply.usage.cost_pico_usd, reply.usage.price_source) == (100, None, None)


def test_a_model_without_native_schemas_is_shown_the_schema(tmp_path: Path) -> None:
    """An older model gets the schema in its instructions instead of a parameter that its provider refuses."""
    with serving(AnthropicMessages()) as server:
        reply, _ = asked(tmp_path, server, model=ModelName("anthropic", "claude-3-5-haiku-latest"))
    assert server.refusals == []
    assert isinstance(reply, Reply)
