"""Batches: submit, leave, collect on the next run; against strict servers of both protocols that have them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from tests.models.asking import HERE, NOW, Word, World, ask_for_a_word, model_of, options_for
from tests.models.wire.anthropic_batches import AnthropicBatches
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.gemini_batches import GeminiBatches
from tests.models.wire.server import Dialect, Server, serving
from trajectory_compiler.config import ModelOptions, SpendingLimits
from trajectory_compiler.errors import BudgetError, DeferredError, InvalidOutputError, ModelError, OptionError
from trajectory_compiler.models import BatchReport, ModelName, open_batch_client
from trajectory_compiler.store import Store, StoredCall

Answer = Word | type[Exception]
DIALECTS: list[Callable[..., Dialect]] = [GeminiBatches, AnthropicBatches]
both = pytest.mark.parametrize("dialect", DIALECTS, ids=["google", "anthropic"])


def one_run(
    folder: Path, options: ModelOptions, model: ModelName, prompts: tuple[str, ...]
) -> tuple[BatchReport, list[Answer], int, list[StoredCall]]:
    """Make one run: collect, ask each prompt, submit. Return the report, the answers or errors, the calls sent, the rows."""

    async def go() -> tuple[BatchReport, list[Answer], int, list[StoredCall]]:
        with Store.open(folder / "store.db", clock=lambda: NOW.strftime("%Y-%m-%dT%H:%M:%SZ")) as store:
            ledger = store.call_ledger(store.begin_run("test", "log", "{}", "1"))
            async with open_batch_client(options, ledger, None, World().surroundings()) as client:
                report = await client.collect()
                answers: list[Answer] = []
                for prompt in prompts:
                    try:
                        answers.append((await client.ask(ask_for_a_word(model, prompt), HERE)).answer)
                    except (ModelError, BudgetError) as error:
                        answers.append(type(error))
                return report, answers, await client.submit(), list(store.calls())

    return asyncio.run(go())


@both
def test_answers_of_a_batch_come_with_the_next_run_at_half_the_price(tmp_path: Path, dialect: Callable[..., Dialect]) -> None:
    """The first run defers and submits, the second collects and answers; one row a call is booked, at the batch's price."""
    with serving(dialect()) as server:
        first = one_run(tmp_path, options_for(server), model_of(server), ("a", "b", "a"))
        second = one_run(tmp_path, options_for(server), model_of(server), ("a", "b"))
    assert server.refusals == []
    assert (first[0], first[1], first[2]) == (BatchReport(), [DeferredError] * 3, 2)
    assert [row.status for row in first[3]] == ["submitted"] * 2
    assert [row.usage.cost_pico_usd for row in first[3]] == [None, None]
    assert (second[0], second[1], second[2]) == (BatchReport(answered=2), [Word("yes")] * 2, 0)
    half = {"google": 100 * 150_000 + 20 * 1_250_000, "anthropic": 100 * 500_000 + 20 * 2_500_000}[server.dialect.name]
    assert sorted((row.from_cache, row.usage.cost_pico_usd) for row in second[3]) == [(False, half)] * 2 + [(True, 0)] * 2


@pytest.mark.parametrize("dialect", [GeminiBatches(states=("RUNNING", "SUCCEEDED")), AnthropicBatches(looks=1)])
def test_a_batch_that_still_runs_is_waited_for_without_sending_anything_again(tmp_path: Path, dialect: Dialect) -> None:
    """While the job runs its calls are deferred and not sent a second time; once it has ended they are answered."""
    with serving(dialect) as server:
        model = model_of(server)
        runs = [one_run(tmp_path, options_for(server), model, ("a",)) for _ in range(3)]
    assert [run[2] for run in runs] == [1, 0, 0]
    assert [run[0] for run in runs] == [BatchReport(), BatchReport(waiting=1), BatchReport(answered=1)]
    assert [run[1] for run in runs] == [[DeferredError], [DeferredError], [Word("yes")]]


@both
def test_a_call_that_failed_in_its_batch_costs_nothing_and_goes_out_again(
    tmp_path: Path, dialect: Callable[..., Dialect]
) -> None:
    """An error of one request, or a result that is missing, is no answer: the call is booked as failed and asked again."""
    fates = {"bad": "error", "gone": "missing"}
    with serving(dialect(outcome=lambda prompt: fates.get(prompt, "ok"))) as server:
        model = model_of(server)
        one_run(tmp_path, options_for(server), model, ("bad", "gone", "good"))
        report, answers, sent, rows = one_run(tmp_path, options_for(server), model, ("bad", "gone", "good"))
    assert report == BatchReport(answered=1, failed=2)
    assert answers == [DeferredError, DeferredError, Word("yes")]
    assert sent == 2
    assert sorted(row.status for row in rows) == ["failed", "failed", "received", "received", "submitted", "submitted"]


@both
def test_an_unusable_answer_of_a_batch_is_repaired_by_the_next(tmp_path: Path, dialect: Callable[..., Dialect]) -> None:
    """The repair goes out with another batch; where it fails too, the third run says so and sends nothing."""
    with serving(dialect(answer=lambda prompt: '{"word": "yes"}' if prompt.startswith("Your answer") else "no JSON")) as server:
        runs = [one_run(tmp_path / "good", options_for(server), model_of(server), ("a",)) for _ in range(3)]
    assert [run[1] for run in runs] == [[DeferredError], [DeferredError], [Word("yes")]]
    with serving(dialect(answer=lambda _: "no JSON")) as server:
        runs = [one_run(tmp_path / "bad", options_for(server), model_of(server), ("a",)) for _ in range(3)]
    assert [run[1] for run in runs] == [[DeferredError], [DeferredError], [InvalidOutputError]]
    assert [run[2] for run in runs] == [1, 1, 0]


def test_a_failed_job_is_each_of_its_calls_failure(tmp_path: Path) -> None:
    """A job that the provider gives up has answered none of its calls: they cost nothing and go out again."""
    with serving(GeminiBatches(states=("FAILED",))) as server:
        one_run(tmp_path, options_for(server), model_of(server), ("a", "b"))
        report, answers, sent, _ = one_run(tmp_path, options_for(server), model_of(server), ("a", "b"))
    assert (report.failed, report.waiting) == (2, 0)
    assert answers == [DeferredError] * 2
    assert sent == 2


def test_the_budget_counts_what_a_batch_may_cost(tmp_path: Path) -> None:
    """Deferred calls are booked at what they may cost; the one that does not fit is refused, the others go out."""
    with serving(GeminiBatches()) as server:
        dear = 50 * 1_250_000  # pico-dollars of output at its limit, at the batch's price
        limits = SpendingLimits(run_usd=Decimal(3 * dear) / 10**12)
        options = msgspec.structs.replace(options_for(server), limits=limits)
        _, answers, sent, _ = one_run(tmp_path, options, model_of(server), ("a", "b", "c", "d"))
    assert answers == [DeferredError, DeferredError, BudgetError, BudgetError]
    assert sent == 2


def test_a_run_that_was_killed_while_it_submitted_is_told(tmp_path: Path) -> None:
    """Calls whose job may or may not exist are counted as lost, of unknown price, and asked again."""

    class Killed(BaseException):
        """What ends a process at once."""

    def killing(server: Server) -> None:
        async def go() -> None:
            with Store.open(tmp_path / "store.db") as store:
                ledger = store.call_ledger(store.begin_run("test", "log", "{}", "1"))
                async with open_batch_client(options_for(server), ledger, None, World().surroundings()) as client:
                    with pytest.raises(DeferredError):
                        await client.ask(ask_for_a_word(model_of(server), "a"), HERE)

                    def stop(*_: object) -> None:
                        raise Killed

                    ledger.rewrite = stop  # type: ignore[assignment]
                    await client.submit()

        with pytest.raises(Killed):
            asyncio.run(go())

    with serving(GeminiBatches()) as server:
        killing(server)
        report, answers, sent, rows = one_run(tmp_path, options_for(server), model_of(server), ("a",))
    assert report == BatchReport(lost=1)
    assert answers == [DeferredError]
    assert sent == 1
    assert sorted((row.status, row.usage.cost_pico_usd) for row in rows) == [("interrupted", None), ("submitted", None)]


def test_a_provider_without_batches_is_one_sentence(tmp_path: Path) -> None:
    """Where no batch API is known the first question says so, and what to do."""
    with serving(ChatCompletions()) as server:
        _, answers, _, _ = one_run(tmp_path, options_for(server), ModelName("mine", "qwen"), ("a",))
    assert answers == [ModelError]
    with pytest.raises(OptionError, match="has no batches"):
        one_run(tmp_path, ModelOptions(), ModelName("local", ""), ("a",))
