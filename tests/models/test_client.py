"""The client's own promises, whatever the provider: cache, books, scan, limits on calls under way, keys."""

from __future__ import annotations

import asyncio
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.models.asking import HERE, Word, World, ask_for_a_word, client_on, model_of, options_for
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.gemini import Gemini
from tests.models.wire.server import Scenario, serving
from trajectory_compiler.config import ModelOptions, ProviderOptions, SpendingLimits
from trajectory_compiler.errors import BoundaryError, InvalidOutputError, MissingExtraError, ModelError, OptionError
from trajectory_compiler.models import ModelName, resolve_model
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.outbound import Outbound


def test_an_equal_request_is_answered_from_the_store_in_another_run(tmp_path: Path) -> None:
    """The second run sends nothing, pays nothing and gets the same answer; its row costs 0 and names the cache."""

    async def once() -> tuple[Word, bool, int | None]:
        async with client_on(tmp_path, options_for(server)) as (client, _):
            reply = await client.ask(ask_for_a_word(model_of(server)), HERE)
            return reply.answer, reply.from_cache, reply.usage.cost_pico_usd

    with serving(Gemini()) as server:
        first, second = asyncio.run(once()), asyncio.run(once())
    assert len(server.questions) == 1
    assert first[0] == second[0]
    assert (first[1], second[1]) == (False, True)
    assert first[2] == second[2]

    async def rows() -> list[tuple[bool, int | None, int | None]]:
        async with client_on(tmp_path, ModelOptions()) as (_, store):
            return [(row.from_cache, row.usage.cost_pico_usd, row.usage.input_tokens) for row in store.calls()]

    assert sorted(asyncio.run(rows())) == [(False, first[2], 100), (True, 0, 0)]


@pytest.mark.parametrize(
    "changed",
    ["model", "instructions", "prompt", "answer_type", "max_output_tokens", "temperature", "seed", "round"],
)
def test_a_request_that_differs_in_anything_is_another_call(tmp_path: Path, changed: str) -> None:
    """Every part of a request is part of its digest."""
    model = ModelName("google", Gemini.models[1])

    class Other(msgspec.Struct, frozen=True):
        word: str
        sure: bool = False

    values = {
        "model": model,
        "instructions": "Other.",
        "prompt": "other",
        "answer_type": Other,
        "max_output_tokens": 51,
        "temperature": 0.5,
        "seed": 3,
        "round": 1,
    }

    async def go() -> None:
        async with client_on(tmp_path, options_for(server)) as (client, _):
            request = ask_for_a_word(model_of(server))
            await client.ask(request, HERE)
            await client.ask(msgspec.structs.replace(request, **{changed: values[changed]}), HERE)

    with serving(Gemini()) as server:
        asyncio.run(go())
    assert len(server.questions) == 2


def test_equal_requests_at_once_are_one_call(tmp_path: Path) -> None:
    """Ten tasks with the same request pay once; the nine others wait and read the store."""

    async def go() -> list[bool]:
        async with client_on(tmp_path, options_for(server)) as (client, _):
            request = ask_for_a_word(model_of(server))
            replies = await asyncio.gather(*(client.ask(request, HERE) for _ in range(10)))
            return [reply.from_cache for reply in replies]

    with serving(ChatCompletions()) as server:
        cached = asyncio.run(go())
    assert len(server.questions) == 1
    assert sorted(cached) == [False] + [True] * 9


@pytest.mark.parametrize("script", [["malformed"], ["refusal"], ["malformed", "truncated"]])
def test_a_paid_answer_that_was_unusable_is_not_paid_for_again(tmp_path: Path, script: list[Scenario]) -> None:
    """A rerun ends in the same error without a call; another round asks again."""

    async def once(number: int) -> str:
        async with client_on(tmp_path, options_for(server)) as (client, _):
            with pytest.raises(ModelError) as caught:
                await client.ask(ask_for_a_word(model_of(server), round=number), HERE)
            return str(caught.value)

    with serving(Gemini(), script=script) as server:
        first = asyncio.run(once(0))
        paid = len(server.questions)
        assert asyncio.run(once(0)) == first
        assert len(server.questions) == paid
        asyncio.run(once(1))
        assert len(server.questions) > paid


def test_a_prompt_that_may_not_leave_is_not_sent(tmp_path: Path) -> None:
    """The real outbound scan looks at what is about to be sent; a hit names type and place, and nothing is sent or booked."""
    scan = Outbound(load_policy("standard"), "ask a model")

    async def go() -> list[object]:
        async with client_on(tmp_path, options_for(server), scan=scan) as (client, store):
            with pytest.raises(BoundaryError) as caught:
                await client.ask(ask_for_a_word(model_of(server), "Write to jane.roe@example.org, please."), HERE)
            assert "EMAIL" in str(caught.value)
            assert "jane" not in str(caught.value)
            await client.ask(ask_for_a_word(model_of(server), "Write to <EMAIL_1>, please."), HERE)
            return list(store.calls())

    with serving(Gemini()) as server:
        rows = asyncio.run(go())
    assert len(server.questions) == len(rows) == 1


def test_calls_under_way_stay_within_the_limit_and_a_rate_limit_halves_it(tmp_path: Path) -> None:
    """Thirty requests at once: never more than allowed are under way; after 429s fewer are, and all are answered."""

    async def go(options: ModelOptions) -> tuple[int, int]:
        async with client_on(tmp_path, options) as (client, store):
            model = model_of(server)
            await asyncio.gather(*(client.ask(ask_for_a_word(model, f"word {number}"), HERE) for number in range(30)))
            return len(list(store.calls())), client.limit_of(model)

    well: list[Scenario] = ["ok"] * 10
    limits: list[Scenario] = ["rate_limited"] * 6
    script: list[Scenario] = [*well, *limits, "ok"]
    with serving(ChatCompletions(), script=script) as server:
        options = msgspec.structs.replace(options_for(server, tries=9), max_concurrency=6)
        answered, limit = asyncio.run(go(options))
    assert answered == 30
    assert server.most_under_way <= 6
    assert 1 <= limit <= 6


def test_an_outage_ends_the_run_after_three_calls(tmp_path: Path) -> None:
    """Calls that fail for good one after another are an outage: the third error stops the run; one success begins anew."""

    async def go() -> list[bool]:
        stops = []
        async with client_on(tmp_path, options_for(server, tries=1)) as (client, _):
            for number in range(7):
                try:
                    await client.ask(ask_for_a_word(model_of(server), f"word {number}"), HERE)
                    stops.append(False)
                except ModelError as error:
                    stops.append(error.stops)
        return stops

    script: list[Scenario] = ["server_error", "server_error", "ok", "server_error"]
    with serving(ChatCompletions(), script=script) as server:
        assert asyncio.run(go()) == [False, False, False, False, False, True, True]


def test_a_missing_key_names_the_variable_before_any_work(tmp_path: Path) -> None:
    """`check` says in one sentence which variable is not set; nothing is sent."""

    async def go() -> ModelError:
        async with client_on(tmp_path, ModelOptions(), World(environment={})) as (client, _):
            with pytest.raises(ModelError) as caught:
                client.check(ModelName("google", "gemini-3.5-flash-lite"))
            return caught.value

    error = asyncio.run(go())
    assert "GOOGLE_API_KEY or GEMINI_API_KEY is not set" in str(error)
    assert error.stops


def test_a_limit_in_dollars_needs_a_known_price(tmp_path: Path) -> None:
    """An unknown price under a limit is refused; prices of the config make it known; without a limit the call is made."""
    limits = SpendingLimits(run_usd=Decimal("0.01"))

    async def ask(options: ModelOptions, folder: Path) -> int | None:
        folder.mkdir()
        async with client_on(folder, options) as (client, _):
            model = ModelName("mine", "qwen")
            client.check(model)
            return (await client.ask(ask_for_a_word(model), HERE)).usage.cost_pico_usd

    with serving(ChatCompletions()) as server:
        options = options_for(server)
        assert asyncio.run(ask(options, tmp_path / "free")) is None
        limited = msgspec.structs.replace(options, limits=limits)
        with pytest.raises(ModelError, match="no list knows what it costs") as caught:
            asyncio.run(ask(limited, tmp_path / "refused"))
        assert caught.value.stops
        priced = msgspec.structs.replace(
            options.providers["mine"], input_usd_per_million=Decimal("0.5"), output_usd_per_million=Decimal(0)
        )
        known = msgspec.structs.replace(limited, providers={"mine": priced})
        assert asyncio.run(ask(known, tmp_path / "known")) == 100 * 500_000


def test_tiers_and_names_are_resolved_or_refused_in_one_sentence() -> None:
    """A tier means the model of the config; what is neither tier nor provider:name is refused with what there is."""
    options = ModelOptions(cheap="mine:small", providers={"mine": ProviderOptions(base_url="http://127.0.0.1:1/v1")})
    assert resolve_model("cheap", options) == ModelName("mine", "small")
    assert resolve_model("google:gemini-2.5-flash", options) == ModelName("google", "gemini-2.5-flash")
    with pytest.raises(OptionError, match="no tier"):
        resolve_model("best", options)
    with pytest.raises(OptionError, match="has no address"):
        resolve_model("nobody:model", options)


def test_an_error_holds_nothing_of_the_answer(tmp_path: Path) -> None:
    """What a model wrote does not stand in the sentence about it, nor in the chain of errors behind it."""
    words = "a value of the log"

    async def go() -> InvalidOutputError:
        async with client_on(tmp_path, options_for(server)) as (client, _):
            with pytest.raises(InvalidOutputError) as caught:
                await client.ask(ask_for_a_word(model_of(server)), HERE)
            return caught.value

    with serving(Gemini(), answer=f'{{"word": ["{words}"]}}') as server:
        error = asyncio.run(go())
    assert "does not fit the schema at $.word" in str(error)
    assert words not in str(error)
    assert error.__cause__ is None
    assert error.__context__ is None


def test_a_call_that_is_stopped_under_way_is_booked_as_perhaps_paid(tmp_path: Path) -> None:
    """Ctrl-C while a provider works: the call stands in the books with an unknown price, and the budget holds its estimate."""

    async def go() -> tuple[list[tuple[str, int | None]], int]:
        async with client_on(tmp_path, options_for(server)) as (client, store):
            task = asyncio.create_task(client.ask(ask_for_a_word(model_of(server)), HERE))
            while not server.questions:
                await asyncio.sleep(0.01)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            return [(row.status, row.usage.cost_pico_usd) for row in store.calls()], client.budget.spent_pico_usd

    with serving(Gemini(), script=["slow"]) as server:
        rows, spent = asyncio.run(go())
    assert rows == [("interrupted", None)]
    assert spent > 50 * 2_500_000


@pytest.mark.parametrize("missing", ["openai", "pydantic_ai.models.openai"])
def test_a_missing_library_names_its_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, missing: str) -> None:
    """Without the extra the first use of a model says what to install."""
    monkeypatch.setitem(sys.modules, missing, None)

    async def go() -> None:
        async with client_on(tmp_path, options_for(server)) as (client, _):
            client.check(model_of(server))

    with serving(ChatCompletions()) as server, pytest.raises(MissingExtraError, match=r"trajectory-compiler\[llm\]"):
        asyncio.run(go())
