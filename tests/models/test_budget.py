"""The budget: what it lets through, over many randomised runs of many tasks, and what it says when it stops."""

from __future__ import annotations

import asyncio
from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random

import pytest

from tests.models.asking import HERE, NOW, Word, ask_for_a_word
from trajectory_compiler.config import ModelOptions, ProviderOptions, SpendingLimits
from trajectory_compiler.errors import BudgetError, TrajcError
from trajectory_compiler.models import CallPlace, ModelName
from trajectory_compiler.models.budget import Budget
from trajectory_compiler.models.estimate import estimate
from trajectory_compiler.models.exchange import Incoming, Outgoing, answer_schema
from trajectory_compiler.models.failures import ProviderFailure
from trajectory_compiler.models.ledger import Cached, CallRecord, Spent
from trajectory_compiler.models.paying import Errand, Payer, Served
from trajectory_compiler.models.prices import pico_of
from trajectory_compiler.models.retrying import AdaptiveLimit
from trajectory_compiler.models.surroundings import Surroundings

MODEL = ModelName("mine", "small")
DOLLAR = Decimal(1)
PRICED = ProviderOptions(
    base_url="http://127.0.0.1:1/v1", input_usd_per_million=DOLLAR, output_usd_per_million=DOLLAR
)  # a micro-dollar a token
TOKEN = 10**6  # pico-dollars
RUNS = 1_000


@dataclass
class Books:
    """A ledger that only adds up: what the day spent before is `earlier`."""

    earlier: int = 0
    saved: list[CallRecord] = field(default_factory=list)

    def cached(self, request_digest: str) -> Cached | None:  # noqa: ARG002  # the protocol's
        """Hold nothing."""
        return None

    def save(self, record: CallRecord) -> str:
        """Keep it."""
        self.saved.append(record)
        return str(len(self.saved))

    def spent_since(self, stamp: str) -> Spent:  # noqa: ARG002  # the protocol's
        """Return what came before and what was saved."""
        return Spent(self.earlier + sum(record.usage.cost_pico_usd or 0 for record in self.saved), 0)


@dataclass
class Provider:
    """A provider that charges what it likes, up to `most` times the estimate of input: what limits have to hold against."""

    random: Random
    most: float
    charged: int = 0
    dearest: int = 0
    by_session: Counter[str] = field(default_factory=Counter)

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Take some time, fail at times, and charge between nothing and `most` times the estimate."""
        for _ in range(self.random.randrange(4)):
            await asyncio.sleep(0)
        fate = self.random.random()
        if fate < 0.1:
            raise ProviderFailure("rate_limited")
        expected = estimate(ask_for_a_word(MODEL, outgoing.prompt), ModelOptions(providers={"mine": PRICED}), NOW)
        given = expected.input_tokens * self.random.uniform(0.2, self.most), expected.output_tokens * self.random.random()
        tokens = (int(given[0]), int(given[1]))
        cost = sum(tokens) * TOKEN
        if fate < 0.2:
            cost = min(cost, expected.cost_pico_usd or 0)  # nobody learns of it: the budget can only take its estimate
        self.charged += cost
        self.dearest = max(self.dearest, cost)
        self.by_session[outgoing.prompt.partition(" ")[0]] += cost
        if fate < 0.15:
            raise ProviderFailure("timed_out")
        known = fate >= 0.2
        return Incoming(
            text='{"word": "x"}',
            finish="stop",
            input_tokens=tokens[0] if known else None,
            output_tokens=tokens[1] if known else None,
        )

    async def close(self) -> None:
        """Hold nothing open."""


async def spend(seed: int, most: float) -> tuple[Provider, SpendingLimits, int, Books]:
    """Run many tasks against one budget; return what was charged, the limits, the number of workers and the books."""
    random = Random(seed)
    workers = random.randint(1, 8)
    limits = SpendingLimits(
        run_usd=Decimal(random.randint(0, 3_000)) / 10**6,
        session_usd=random.choice([None, Decimal(random.randint(0, 1_500)) / 10**6]),
        day_usd=random.choice([None, Decimal(random.randint(0, 4_000)) / 10**6]),
    )
    options = ModelOptions(providers={"mine": PRICED}, limits=limits, tries=2)
    provider, books = Provider(random, most), Books(earlier=random.choice([0, 500 * TOKEN]))
    payer = Payer(options, books, Surroundings(now=lambda: NOW, sleep=lambda _: asyncio.sleep(0), chance=random.random))
    served = Served(endpoint=provider, host="h", wire_name="small", limit=AdaptiveLimit(workers), context_tokens=None)

    async def task(number: int) -> None:
        session = f"s{random.randrange(3)}"
        request = ask_for_a_word(MODEL, f"{session} {number} " + "word " * random.randrange(200))
        outgoing = Outgoing(
            provider="mine",
            host="h",
            model="small",
            instructions=request.instructions,
            prompt=request.prompt,
            answer_schema=answer_schema(Word),
            max_output_tokens=50,
        )
        place = CallPlace(stage="t", prompt_version="1", session_id=session)
        try:
            await payer.pay(served, Errand(MODEL, outgoing, place, outgoing.digest(), Word))
        except TrajcError:
            return

    await asyncio.gather(*(task(number) for number in range(random.randint(1, 40))))
    return provider, limits, workers, books


def overdrawn(provider: Provider, limits: SpendingLimits, books: Books) -> int:
    """Return by how much the worst of the limits was passed, in pico-dollars."""
    past = [provider.charged - pico_of(limits.run_usd or Decimal(0))]
    if limits.day_usd is not None:
        # A day that began past its limit was not passed by this run.
        past.append(provider.charged - max(0, pico_of(limits.day_usd) - books.earlier))
    if limits.session_usd is not None:
        past += [charged - pico_of(limits.session_usd) for charged in provider.by_session.values()]
    return max(past)


def test_spending_passes_a_limit_by_at_most_one_call_of_each_worker() -> None:
    """1,000 randomised runs of up to 8 workers whose provider charges up to three times the estimate, and fails at times."""
    for seed in range(RUNS):
        provider, limits, workers, books = asyncio.run(spend(seed, most=3.0))
        assert overdrawn(provider, limits, books) <= workers * provider.dearest, f"seed {seed}"


def test_spending_stays_within_every_limit_where_the_estimate_is_no_lower_than_the_truth() -> None:
    """Where the estimate of input holds, no limit is passed at all: output was reserved at its limit."""
    spent_something = 0
    for seed in range(RUNS):
        provider, limits, _, books = asyncio.run(spend(seed, most=1.0))
        assert overdrawn(provider, limits, books) <= 0, f"seed {seed}"
        spent_something += provider.charged > 0
    assert spent_something > RUNS / 2


def test_a_call_waits_for_those_under_way_before_it_is_refused() -> None:
    """What is set aside for a call under way may come back: only what is surely spent refuses another."""

    async def go() -> list[str]:
        budget = Budget(SpendingLimits(run_usd=Decimal("0.000010")), Books())
        first = await budget.reserve(8 * TOKEN, None, NOW)
        second = asyncio.create_task(budget.reserve(5 * TOKEN, None, NOW))
        await asyncio.sleep(0)
        told = ["waits" if not second.done() else "came"]
        await budget.settle(first, 2 * TOKEN)
        await budget.settle(await second, 5 * TOKEN)
        with pytest.raises(BudgetError) as caught:
            await budget.reserve(5 * TOKEN, None, NOW)
        return [*told, str(caught.value)]

    told = asyncio.run(go())
    assert told[0] == "waits"
    assert "the limit for this run is $0.000010, $0.000007 is spent, and the next call may cost $0.000005" in told[1]


def test_a_day_counts_what_earlier_runs_spent_and_begins_anew_at_midnight() -> None:
    """The limit of a day is the store's, not the run's; tomorrow it is whole again."""

    async def go(now: datetime) -> None:
        budget = Budget(SpendingLimits(day_usd=Decimal("0.000010")), books)
        await budget.settle(await budget.reserve(3 * TOKEN, HERE.session_id, now), 3 * TOKEN)

    books = Books(earlier=8 * TOKEN)
    with pytest.raises(BudgetError, match="the limit for today"):
        asyncio.run(go(NOW))
    books.earlier = 0
    asyncio.run(go(NOW + timedelta(days=1)))
