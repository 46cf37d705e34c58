"""What tokens cost, in whole pico-dollars: from the config where it says so, else from the price list `genai-prices`.

An unknown price is None, never zero. A call on this machine costs a known 0.
"""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import MissingExtraError
from trajectory_compiler.models.addresses import LOCAL
from trajectory_compiler.models.protocol import PICO, ModelName

MILLION = 10**6
USD = Decimal(PICO)


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """What some tokens cost, by which list, and the date at which the list was asked."""

    pico_usd: int
    source: str
    date: str


def pico_of(usd: Decimal) -> int:
    """Return dollars as whole pico-dollars; a fraction of one, which no list price gives, is rounded up."""
    exact = usd * USD
    whole = int(exact)
    return whole if whole == exact else whole + 1


def usd_of(pico_usd: int) -> Decimal:
    """Return pico-dollars as dollars, to the last digit and without an exponent's zeros: `0.000523`."""
    return (Decimal(pico_usd) / USD).quantize(Decimal(1) / USD).normalize()


def price_of(
    model: ModelName, tokens: tuple[int, int, int], options: ModelOptions, now: datetime, *, in_batch: bool = False
) -> Price | None:
    """Return what (input, of these cached, output) tokens cost at list price, or None where no list knows the model.

    A batch costs half of it at most providers; prices of the config count as they are.

    Raises: MissingExtraError: the price list is not installed.
    """
    date = now.date().isoformat()
    if model.provider == LOCAL:
        return Price(pico_usd=0, source="this machine", date=date)
    given = options.providers.get(model.provider)
    if given is not None and given.input_usd_per_million is not None and given.output_usd_per_million is not None:
        usd = (given.input_usd_per_million * tokens[0] + given.output_usd_per_million * tokens[2]) / MILLION
        return Price(pico_usd=pico_of(usd), source="trajc.toml", date=date)
    return _list_price(model, tokens, now, in_batch=in_batch)


def _list_price(model: ModelName, tokens: tuple[int, int, int], now: datetime, *, in_batch: bool) -> Price | None:
    # ruff: noqa: PLC0415  # an extra, loaded only where a model is asked
    try:
        import genai_prices
    except ImportError as error:
        raise MissingExtraError(f"know what model '{model}' costs", "llm") from error
    usage = genai_prices.Usage(input_tokens=tokens[0], cache_read_tokens=tokens[1], output_tokens=tokens[2])
    try:
        found = genai_prices.calc_price(
            usage,
            model.name,
            provider_id=model.provider,
            genai_request_timestamp=now,
            price_context={"processing": "batch"} if in_batch else None,
        )
    except LookupError:
        return None
    return Price(
        pico_usd=pico_of(found.total_price), source=f"genai-prices {genai_prices.__version__}", date=now.date().isoformat()
    )


def context_of(model: ModelName, options: ModelOptions) -> int | None:
    """Return how many tokens a remote model reads, from the config or the price list, or None where neither says."""
    given = options.providers.get(model.provider)
    if given is not None and given.context_tokens is not None:
        return given.context_tokens
    try:
        from genai_prices import data_snapshot
    except ImportError as error:
        raise MissingExtraError(f"know how much model '{model}' reads", "llm") from error
    try:
        _, info = data_snapshot.get_snapshot().find_provider_model(model.name, None, model.provider, None)
    except LookupError:
        return None
    return info.context_window
