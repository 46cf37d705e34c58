"""The one place that knows the model library: a request into pydantic-ai's words, its answer out of them.

Everything that the library or the providers' own clients do by themselves is off: retries (ours count, wait and are paid for
knowingly), telemetry, addresses and keys from the environment.
"""

# ruff: noqa: PLC0415  # the libraries are an extra and slow to load: only a model that is asked loads its own

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, NamedTuple, Protocol

import msgspec

from trajectory_compiler.errors import MissingExtraError
from trajectory_compiler.models.addresses import Address
from trajectory_compiler.models.exchange import Incoming, Outgoing
from trajectory_compiler.models.failures import failure_of

if TYPE_CHECKING:
    from pydantic_ai.messages import ModelMessage, ModelResponse
    from pydantic_ai.models import Model, ModelRequestParameters
    from pydantic_ai.settings import ModelSettings

ANSWER_NAME = "answer"
CONNECT_SECONDS = 10.0


class Endpoint(Protocol):
    """A model that can be asked once. `send` raises ProviderFailure; nothing is tried again here."""

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send one request and return what came back."""

    async def close(self) -> None:
        """Close the connections."""


class _Opened(NamedTuple):
    model: Model
    close: Callable[[], Awaitable[None]]


class PydanticEndpoint:
    """A model behind pydantic-ai's direct request, with native JSON-schema output where the model has it."""

    def __init__(self, address: Address, key: str, timeout_seconds: float) -> None:
        self._address = address
        self._timeout_seconds = timeout_seconds
        try:
            self._opened = _OPENERS[address.speaks](address, key, timeout_seconds)
        except ImportError as error:
            raise MissingExtraError(f"ask model '{address.model}'", "llm") from error
        # A model that takes no temperature ignores it; the library says so on stderr at every call.
        warnings.filterwarnings("ignore", message="Sampling parameters", module=r"pydantic_ai\.")
        self._is_native = bool(self._opened.model.profile.get("supports_json_schema_output", False))

    async def send(self, outgoing: Outgoing) -> Incoming:
        """Send one request and return what came back. Raises ProviderFailure."""
        from pydantic_ai.direct import model_request

        messages, parameters = self.in_their_words(outgoing)
        try:
            # The clients' own time-outs bound the wait between two bytes; this bounds the whole.
            async with asyncio.timeout(self._timeout_seconds):
                response = await model_request(
                    self._opened.model,
                    messages,
                    model_settings=self.settings_of(outgoing),
                    model_request_parameters=parameters,
                    instrument=False,
                )
        except Exception as error:
            failure = failure_of(error)
            if failure is None:
                raise
            raise failure from None  # the chain would quote the request
        return incoming_of(response)

    async def close(self) -> None:
        """Close the connections."""
        await self._opened.close()

    @property
    def model(self) -> Model:
        """Return the library's own model."""
        return self._opened.model

    def in_their_words(self, outgoing: Outgoing) -> tuple[list[ModelMessage], ModelRequestParameters]:
        """Return a request as the library takes it: its messages, and what it is to answer with."""
        from pydantic_ai.messages import ModelRequest, ModelResponse, TextPart, UserPromptPart
        from pydantic_ai.models import ModelRequestParameters
        from pydantic_ai.output import OutputObjectDefinition

        instructions = outgoing.instructions
        if self._is_native:
            parameters = ModelRequestParameters(
                output_mode="native", output_object=OutputObjectDefinition(outgoing.answer_schema, name=ANSWER_NAME)
            )
        else:
            parameters = ModelRequestParameters()
            schema = msgspec.json.encode(outgoing.answer_schema).decode()
            instructions = f"{instructions}\n\nAnswer with one JSON document and nothing else. Its JSON schema:\n{schema}"
        messages: list[ModelMessage] = [ModelRequest([UserPromptPart(outgoing.prompt)], instructions=instructions)]
        if outgoing.repair is not None:
            answered, complaint = outgoing.repair
            messages.append(ModelResponse([TextPart(answered or "(nothing)")]))
            messages.append(ModelRequest([UserPromptPart(complaint)], instructions=instructions))
        return messages, parameters

    def settings_of(self, outgoing: Outgoing) -> ModelSettings:
        """Return the settings of a request in the library's words."""
        from pydantic_ai.settings import ModelSettings

        settings = ModelSettings(max_tokens=outgoing.max_output_tokens, timeout=self._timeout_seconds)
        if outgoing.temperature is not None:
            settings["temperature"] = outgoing.temperature
        if outgoing.seed is not None:
            settings["seed"] = outgoing.seed
        return settings


def incoming_of(response: ModelResponse) -> Incoming:
    """Return the library's response in our words."""
    from pydantic_ai.messages import TextPart

    text = "".join(part.content for part in response.parts if isinstance(part, TextPart))
    usage = response.usage
    # The library says 0 where a provider sends no usage block; no real request has an empty prompt.
    is_known = usage.input_tokens > 0
    details = response.provider_details or {}
    reason = str(details.get("finish_reason") or details.get("block_reason") or "refusal")
    return Incoming(
        text=text,
        finish={"length": "length", "content_filter": "refused"}.get(response.finish_reason or "", "stop"),  # type: ignore[arg-type]
        reason=reason if response.finish_reason == "content_filter" else "",
        input_tokens=usage.input_tokens if is_known else None,
        cached_tokens=usage.cache_read_tokens if is_known else None,
        output_tokens=usage.output_tokens if is_known else None,
    )


def _open_openai(address: Address, key: str, timeout_seconds: float) -> _Opened:
    from openai import AsyncOpenAI, DefaultAsyncHttpxClient
    from pydantic_ai.models.openai import OpenAIChatModel
    from pydantic_ai.profiles import ModelProfile
    from pydantic_ai.profiles.openai import OpenAIModelProfile
    from pydantic_ai.providers.openai import OpenAIProvider

    # A proxy of the environment is for the way out, not for this machine.
    direct = None if address.leaves_machine else DefaultAsyncHttpxClient(trust_env=False, timeout=timeout_seconds)
    client = AsyncOpenAI(api_key=key, base_url=address.base_url, max_retries=0, timeout=timeout_seconds, http_client=direct)
    # Other servers of this protocol take response_format (llama.cpp, vLLM, Ollama) and the older name of the output limit.
    theirs = OpenAIModelProfile(supports_json_schema_output=True, openai_chat_supports_max_completion_tokens=False)
    profile: ModelProfile | None = None if address.model.provider == "openai" else theirs
    model = OpenAIChatModel(address.model.name or "local", provider=OpenAIProvider(openai_client=client), profile=profile)
    return _Opened(model, client.close)


def _open_google(address: Address, key: str, timeout_seconds: float) -> _Opened:
    import httpx2
    from google.genai.types import HttpRetryOptions
    from pydantic_ai.models.google import GoogleModel
    from pydantic_ai.providers.google import GoogleProvider

    # Its own client: left alone, Google's library takes whichever of two HTTP libraries it finds installed.
    http_client = httpx2.AsyncClient(timeout=httpx2.Timeout(timeout_seconds, connect=min(timeout_seconds, CONNECT_SECONDS)))
    provider = GoogleProvider(
        api_key=key, http_client=http_client, base_url=address.base_url, retry_options=HttpRetryOptions(attempts=1)
    )
    return _Opened(GoogleModel(address.model.name, provider=provider), http_client.aclose)


def _open_anthropic(address: Address, key: str, timeout_seconds: float) -> _Opened:
    from anthropic import AsyncAnthropic
    from pydantic_ai.models.anthropic import AnthropicModel
    from pydantic_ai.providers.anthropic import AnthropicProvider

    client = AsyncAnthropic(api_key=key, base_url=address.base_url, max_retries=0, timeout=timeout_seconds)
    return _Opened(AnthropicModel(address.model.name, provider=AnthropicProvider(anthropic_client=client)), client.close)


_OPENERS: dict[str, Callable[[Address, str, float], _Opened]] = {
    "openai": _open_openai,
    "google": _open_google,
    "anthropic": _open_anthropic,
}
