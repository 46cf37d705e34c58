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

from decimal import Decimal
from pathlib import Path

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.config_table import read_table, unusable

_ACTION = "Correct the file; docs/models.md shows its form."


def read_model_options(path: Path) -> ModelOptions:
    """Return the options that a config file holds, and the defaults for what it leaves out or where it does not exist.

    Raises: OptionError: the file cannot be read, or holds a value that cannot be used.
    """
    # 0.1 is the decimal, not the float beside it
    options = read_table(path, "models", ModelOptions, _ACTION, parse_float=Decimal)
    _check(options, path)
    return options


def _check(options: ModelOptions, path: Path) -> None:
    amounts = [options.limits.run_usd, options.limits.session_usd, options.limits.day_usd]
    for given in options.providers.values():
        amounts += [given.input_usd_per_million, given.output_usd_per_million]
        if (given.input_usd_per_million is None) != (given.output_usd_per_million is None):
            raise unusable(path, "a provider has a price for input or output alone", _ACTION)
    if any(amount is not None and not (amount.is_finite() and amount >= 0) for amount in amounts):
        raise unusable(path, "an amount of dollars is negative or no number", _ACTION)
    if options.tries < 1 or options.max_concurrency < 1 or options.on_this_machine.threads < 1:
        raise unusable(path, "tries, max_concurrency and threads are 1 or more", _ACTION)
    if options.timeout_seconds <= 0:
        raise unusable(path, "timeout_seconds is more than 0", _ACTION)
