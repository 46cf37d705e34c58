"""What the rest of the program knows of a model: a name, a question with the form of its answer, a reply with its price.

    request = Request(model=ModelName.parse("local:model.gguf"), instructions=..., prompt=..., answer_type=Answers)
    reply = await client.ask(request, CallPlace(stage="synthesis", prompt_version="pairs-1", source="log", session_id="s1"))

Whoever asks gets a typed answer or an exception from `errors`; never an empty result that looks like one.
"""

from __future__ import annotations

from typing import Generic, Protocol, TypeVar

import msgspec

from trajectory_compiler.errors import OptionError

Answer = TypeVar("Answer")
PICO = 10**12  # pico-dollars in a dollar: prices are whole numbers of them, so that sums are exact


class ModelName(msgspec.Struct, frozen=True):
    """Which model: `google:gemini-3.5-flash-lite`, `openai:gpt-5-mini`, `local:/models/small.gguf`."""

    provider: str
    name: str

    @classmethod
    def parse(cls, text: str) -> ModelName:
        """Read `provider:name`. Raises OptionError for anything else."""
        provider, colon, name = text.partition(":")
        if not colon or not provider or (not name and provider != "local"):
            raise OptionError(
                "use a model", f"'{text}' is not of the form provider:name", "Write it as in `google:gemini-3.5-flash-lite`."
            )
        return cls(provider, name)

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


class Request(msgspec.Struct, Generic[Answer], frozen=True, kw_only=True):
    """One question to a model. Two equal requests are one call: the second is answered from the store.

    `answer_type` is a msgspec Struct: its JSON schema goes to the model, its decoder checks what comes back.
    `max_output_tokens` is what the budget reserves. `round` tells apart calls that are asked again on purpose.
    """

    model: ModelName
    instructions: str
    prompt: str
    answer_type: type[Answer]
    max_output_tokens: int = 2_000
    temperature: float | None = None
    seed: int | None = None
    round: int = 0


class CallPlace(msgspec.Struct, frozen=True, kw_only=True):
    """What a call is for, as the store remembers it: it is no part of the request, so it does not defeat the cache.

    `row_ids` are the rows that the prompt shows, so that erasing one of them erases the call.
    """

    stage: str
    prompt_version: str
    source: str | None = None
    session_id: str | None = None
    pair_id: str | None = None
    row_ids: tuple[str, ...] = ()


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """What a call used and cost. None is unknown, which is not zero."""

    input_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None
    cost_pico_usd: int | None = None
    price_source: str | None = None
    price_date: str | None = None


class Reply(msgspec.Struct, Generic[Answer], frozen=True, kw_only=True):
    """A typed answer. `from_cache` replies cost nothing now; their usage is what they cost when they were paid for."""

    answer: Answer
    usage: Usage
    call_id: str
    from_cache: bool


class ModelClient(Protocol):
    """Asks models. Safe to call from many tasks at once; it limits how many are under way itself."""

    async def ask(self, request: Request[Answer], place: CallPlace) -> Reply[Answer]:
        """Answer a request, from the store where it was answered before.

        Raises:
            BudgetError: the budget does not allow the call, which was therefore not made.
            BoundaryError: the prompt holds what may not leave.
            ContextOverflowError: the prompt is longer than the model reads.
            InvalidOutputError: what came back is no answer of the asked form, after one repair try.
            ModelError: the provider does not answer, refuses, or knows no such model or key.
        """
        ...
