"""What a request will cost at most, before it is made: for the budget and for `--dry-run`."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import ModelError
from trajectory_compiler.models.addresses import LOCAL
from trajectory_compiler.models.exchange import Outgoing, answer_schema
from trajectory_compiler.models.prices import price_of
from trajectory_compiler.models.protocol import ModelName, Request
from trajectory_compiler.models.tokens import estimate_tokens

FRAME_TOKENS = 16  # roles, begin and end marks of the messages, which no text shows


class Estimate(msgspec.Struct, frozen=True, kw_only=True):
    """Tokens in, tokens out at their limit, and what both cost at list price, or None where no list knows the model."""

    input_tokens: int
    output_tokens: int
    cost_pico_usd: int | None


def estimate(request: Request[Any], options: ModelOptions, now: datetime) -> Estimate:
    """Return what one request will cost at most, its repair not counted. No call is made, no key is needed.

    Raises: MissingExtraError: the price list is not installed.
    """
    texts = (request.instructions, request.prompt, _shown(request.model, answer_schema(request.answer_type)))
    return _estimate(request.model, texts, request.max_output_tokens, options, now)


def estimate_outgoing(
    model: ModelName, outgoing: Outgoing, options: ModelOptions, now: datetime, *, in_batch: bool = False
) -> Estimate:
    """Return what one exchange will cost at most."""
    texts = (outgoing.instructions, outgoing.prompt, _shown(model, outgoing.answer_schema), *(outgoing.repair or ()))
    made = _estimate(model, texts, outgoing.max_output_tokens, options, now)
    if not in_batch:
        return made
    price = price_of(model, (made.input_tokens, 0, made.output_tokens), options, now, in_batch=True)
    return msgspec.structs.replace(made, cost_pico_usd=None if price is None else price.pico_usd)


def require_price(model: ModelName, options: ModelOptions, now: datetime) -> None:
    """Raise ModelError, which stops a run, where a budget in dollars meets a model of unknown price."""
    if price_of(model, (1, 0, 1), options, now) is None:
        raise ModelError(
            f"ask model '{model}' within a budget",
            "no list knows what it costs",
            f"Write its prices into trajc.toml ([models.providers.{model.provider}] input_usd_per_million), or set no limit.",
            stops=True,
        )


def _estimate(model: ModelName, texts: tuple[str, ...], output: int, options: ModelOptions, now: datetime) -> Estimate:
    tokens = FRAME_TOKENS + sum(estimate_tokens(text) for text in texts)
    price = price_of(model, (tokens, 0, output), options, now)
    return Estimate(input_tokens=tokens, output_tokens=output, cost_pico_usd=None if price is None else price.pico_usd)


def _shown(model: ModelName, schema: dict[str, Any]) -> str:
    """Return what a model is shown of a schema: llama.cpp makes a grammar of it, the others write it into the prompt."""
    return "" if model.provider == LOCAL else msgspec.json.encode(schema).decode()
