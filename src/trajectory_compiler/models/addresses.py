"""Where a model is: its tier resolved, its host, what its server speaks, and the environment variable that holds its key."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from trajectory_compiler.config import ModelOptions, ProviderOptions
from trajectory_compiler.errors import ModelError, OptionError
from trajectory_compiler.models.local import TOY_WORTH
from trajectory_compiler.models.protocol import ModelName

Dialect = Literal["google", "openai", "anthropic"]
TIERS = ("cheap", "strong", "local")
LOCAL = "local"


class Address(msgspec.Struct, frozen=True, kw_only=True):
    """Where the requests for a model go. `leaves_machine` is what a user must agree to; `host` is what the question names.

    `note` is a sentence that a user should see before the first call, or nothing.
    """

    model: ModelName
    speaks: Dialect
    base_url: str
    host: str
    leaves_machine: bool
    key_envs: tuple[str, ...] = ()
    note: str = ""


_OWN: dict[str, tuple[Dialect, str, tuple[str, ...]]] = {
    "google": ("google", "https://generativelanguage.googleapis.com", ("GOOGLE_API_KEY", "GEMINI_API_KEY")),
    "openai": ("openai", "https://api.openai.com/v1", ("OPENAI_API_KEY",)),
    "anthropic": ("anthropic", "https://api.anthropic.com", ("ANTHROPIC_API_KEY",)),
}


def resolve_model(name: str, options: ModelOptions) -> ModelName:
    """Return the model that a tier or a `provider:name` means.

    Raises: OptionError: it is neither, or its provider is not known.
    """
    named = {"cheap": options.cheap, "strong": options.strong, "local": options.local}.get(name, name)
    if ":" not in named:
        raise OptionError(
            "use a model",
            f"'{name}' is no tier ({', '.join(TIERS)}) and not of the form provider:name",
            "Write it as in `google:gemini-3.5-flash-lite`.",
        )
    model = ModelName.parse(named)
    address_of(model, options)
    return model


def address_of(model: ModelName, options: ModelOptions) -> Address:
    """Return where the requests for a model go. Raises OptionError for a provider without an address."""
    if model.provider == LOCAL:
        note = "" if model.name else TOY_WORTH
        return Address(model=model, speaks="openai", base_url="", host="this machine", leaves_machine=False, note=note)
    given = options.providers.get(model.provider, ProviderOptions())
    speaks, own_url, key_envs = _OWN.get(model.provider, ("openai", "", ()))
    base_url = given.base_url or own_url
    parts = urlsplit(base_url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        known = ", ".join([*_OWN, LOCAL, *sorted(set(options.providers) - set(_OWN))])
        raise OptionError(
            f"use model '{model}'",
            f"provider '{model.provider}' has no address of the form http(s)://... (known are {known})",
            f"Write one into trajc.toml: [models.providers.{model.provider}] base_url = 'http://...'",
        )
    return Address(
        model=model,
        speaks=given.speaks or speaks,
        base_url=base_url.rstrip("/"),
        host=parts.netloc.rpartition("@")[2],
        leaves_machine=not _is_loopback(parts.hostname),
        key_envs=(given.key_env,) if given.key_env else key_envs,
    )


def key_of(address: Address, environment: Mapping[str, str]) -> str:
    """Return the key for an address. Raises ModelError, which stops a run, where the environment lacks it."""
    for name in address.key_envs:
        if environment.get(name, "").strip():
            return environment[name].strip()
    if address.key_envs:
        raise ModelError(
            f"ask model '{address.model}'",
            f"the environment holds no key for {address.host} ({' or '.join(address.key_envs)} is not set)",
            f"Set it: export {address.key_envs[0]}=...",
            stops=True,
        )
    return "none"  # a server without keys; the client libraries refuse to send nothing


def _is_loopback(hostname: str) -> bool:
    if hostname == "localhost":
        return True
    try:
        return ipaddress.ip_address(hostname).is_loopback
    except ValueError:
        return False
