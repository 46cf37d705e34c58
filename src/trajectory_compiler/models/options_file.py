"""The table `[models]` of `trajc.toml`.

    [models]
    cheap = "google:gemini-3.5-flash-lite"      # tiers: what `--model cheap` means
    strong = "anthropic:claude-sonnet-4-5"
    local = "local:/models/qwen.gguf"           # without a path: the toy that the extra [local] brings

    [models.limits]                             # dollars; a call that might pass one is not made
    run_usd = 0.50
    day_usd = 2

    [models.providers.ollama]                   # any server that speaks OpenAI's chat completions
    base_url = "http://localhost:11434/v1"
    input_usd_per_million = 0                   # what the price list does not know
    output_usd_per_million = 0

Keys never stand here: `key_env` names the environment variable that holds one.
"""

from __future__ import annotations

import tomllib
from decimal import Decimal
from pathlib import Path

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import OptionError

_ACTION = "Correct the file; docs/models.md shows its form."


def read_model_options(path: Path) -> ModelOptions:
    """Return the options that a config file holds, and the defaults for what it leaves out or where it does not exist.

    Raises: OptionError: the file cannot be read, or holds a value that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return ModelOptions()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"it cannot be read ({type(error).__name__})") from None
    try:
        table = tomllib.loads(text, parse_float=Decimal).get("models", {})  # 0.1 is the decimal, not the float beside it
    except tomllib.TOMLDecodeError:
        raise _unusable(path, "it is no TOML") from None
    try:
        options = msgspec.convert(table, ModelOptions)
    except msgspec.ValidationError as error:
        raise _unusable(path, f"its table [models] is not as it must be ({error})") from None
    _check(options, path)
    return options


def _check(options: ModelOptions, path: Path) -> None:
    amounts = [options.limits.run_usd, options.limits.session_usd, options.limits.day_usd]
    for given in options.providers.values():
        amounts += [given.input_usd_per_million, given.output_usd_per_million]
        if (given.input_usd_per_million is None) != (given.output_usd_per_million is None):
            raise _unusable(path, "a provider has a price for input or output alone")
    if any(amount is not None and not (amount.is_finite() and amount >= 0) for amount in amounts):
        raise _unusable(path, "an amount of dollars is negative or no number")
    if options.tries < 1 or options.max_concurrency < 1 or options.on_this_machine.threads < 1:
        raise _unusable(path, "tries, max_concurrency and threads are 1 or more")
    if options.timeout_seconds <= 0:
        raise _unusable(path, "timeout_seconds is more than 0")


def _unusable(path: Path, seen: str) -> OptionError:
    return OptionError(f"use the config file '{path}'", seen, _ACTION)
