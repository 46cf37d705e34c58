"""Whose words an export holds: the models behind contexts and pairs, and what their providers' terms say about training.

The table of terms is data (`provider_terms.toml`), each line with its source and the day it was read. A model that is not in it
has no known restriction, which does not mean that it has none.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from datetime import date
from functools import cache
from importlib import resources

import msgspec

# What names a model inside the name of an agent: `claude-code/claude-sonnet-4-5`, `gpt-5-mini`, `triage (gemini-3.5-flash)`.
_MODEL = re.compile(
    r"(?:^|[/:@( ])((?:claude|gpt|chatgpt|o[1-9]|gemini|gemma|llama|mistral|ministral|codestral|magistral|qwen|deepseek|grok|"
    r"command|phi|nova|kimi|glm)[-.0-9][\w.:-]*)",
    re.IGNORECASE,
)
_PROGRAMS = frozenset({"claude-code", "gemini-cli", "qwen-code", "mistral-vibe"})  # agents that are named after a model
_WRITTEN = ("model", "program")  # origins of pairs that a model wrote: `model:google:gemini-3.5-flash-lite`


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider's terms say about training on output; `models` are beginnings of names."""

    provider: str
    models: tuple[str, ...]
    restriction: str
    source: str
    edition: str
    read: date


class Restriction(msgspec.Struct, frozen=True, kw_only=True):
    """A model of an export whose provider restricts training on its output, and where that is written."""

    model: str
    part: str
    restriction: str
    source: str
    read: date


@cache
def all_terms() -> tuple[Terms, ...]:
    """Return the table of terms."""
    text = resources.files("trajectory_compiler.exports").joinpath("provider_terms.toml").read_text(encoding="utf-8")
    return msgspec.convert(tomllib.loads(text)["terms"], tuple[Terms, ...])


def model_in(agent: str) -> str | None:
    """Return the model that an agent's name names, or None where the log does not say which it was."""
    named = [found for found in _MODEL.findall(agent) if found.casefold() not in _PROGRAMS]
    return named[-1] if named else None


def model_of_origin(origin: str) -> str | None:
    """Return the model that wrote a pair of this origin, or None where no model did."""
    stage, colon, model = origin.partition(":")
    return model if colon and stage in _WRITTEN else None


def restrictions(models: Iterable[str], part: str) -> tuple[Restriction, ...]:
    """Return which models of a part of an export (`context` or `pairs`) come with a restriction."""
    found = []
    for model in sorted(set(models)):
        name = model.casefold()
        for terms in all_terms():
            if any(name.startswith(beginning) for beginning in terms.models):
                one = Restriction(model=model, part=part, restriction=terms.restriction, source=terms.source, read=terms.read)
                found.append(one)
                break
    return tuple(found)
