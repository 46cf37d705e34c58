"""When a failed call is tried again, and how many calls are under way."""

from __future__ import annotations

import asyncio

from hypothesis import given
from hypothesis import strategies as st

from trajectory_compiler.models.failures import RETRIED, FailureKind, ProviderFailure
from trajectory_compiler.models.retrying import FIRST_LIMIT, AdaptiveLimit, Retries

CHANCE = st.floats(0, 1, exclude_max=True)


@given(tried=st.integers(1, 4), chance=CHANCE)
def test_waits_double_and_are_spread_by_chance(tried: int, chance: float) -> None:
    """The n-th wait lies between half of 2^(n-1) seconds and all of it."""
    wait = Retries(tries=5).wait(ProviderFailure("server_error"), tried, lambda: chance)
    assert wait is not None
    assert 2 ** (tried - 1) / 2 <= wait <= 2 ** (tried - 1)


@given(asked=st.floats(0, 300), chance=CHANCE)
def test_what_the_provider_asks_for_is_the_least_that_is_waited(asked: float, chance: float) -> None:
    """A wait is never shorter than Retry-After."""
    wait = Retries().wait(ProviderFailure("rate_limited", retry_after=asked), 1, lambda: chance)
    assert wait is not None
    assert asked <= wait <= asked + 1


def test_nobody_waits_for_ever() -> None:
    """The last try, a wait of more than five minutes and a failure that stays the same are given up."""
    retries = Retries(tries=3)
    assert retries.wait(ProviderFailure("server_error"), 3, lambda: 0.5) is None
    assert retries.wait(ProviderFailure("rate_limited", retry_after=301), 1, lambda: 0.5) is None
    lasting: tuple[FailureKind, ...] = ("quota", "key", "unknown_model", "overflow", "rejected")
    for kind in lasting:
        assert kind not in RETRIED
        assert retries.wait(ProviderFailure(kind), 1, lambda: 0.5) is None


@given(st.lists(st.sampled_from(["ok", "overload"]), max_size=60), st.integers(1, 20))
def test_the_limit_grows_by_one_and_is_halved(events: list[str], most: int) -> None:
    """After each success one more, after each overload half as many, never none and never more than allowed."""

    async def go() -> None:
        limit = AdaptiveLimit(most)
        expected = min(FIRST_LIMIT, most)
        for event in events:
            async with limit as ticket:
                if event == "ok":
                    limit.speed_up()
                    expected = min(most, expected + 1)
                else:
                    limit.slow_down(ticket)
                    expected = max(1, expected // 2)
            assert limit.limit == expected

    asyncio.run(go())


def test_overloads_of_one_moment_cut_once() -> None:
    """Eight calls that were refused together halve the limit once: seven of them are old news."""

    async def go() -> int:
        limit = AdaptiveLimit(8)
        limit.limit = 8
        together = asyncio.Barrier(8)

        async def refused() -> None:
            async with limit as ticket:
                await together.wait()
                limit.slow_down(ticket)

        await asyncio.gather(*(refused() for _ in range(8)))
        return limit.limit

    assert asyncio.run(go()) == 4
