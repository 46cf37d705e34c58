"""What can go wrong between a request and its answer: what is tried again, what slows us down, what ends a run.

A provider's own message may quote the prompt, so nothing of it is kept: only its kind, its HTTP status and how long it asks to
wait. The categories are pydantic-ai's, which reads each provider's error bodies.
"""

from __future__ import annotations

import re
from typing import Literal

from trajectory_compiler.errors import ContextOverflowError, ModelError
from trajectory_compiler.models.ledger import CallStatus
from trajectory_compiler.models.protocol import ModelName

FailureKind = Literal[
    "rate_limited",
    "overloaded",
    "unavailable",
    "server_error",
    "timed_out",
    "unreachable",
    "garbled",
    "quota",
    "key",
    "unknown_model",
    "overflow",
    "rejected",
]
RETRIED: frozenset[FailureKind] = frozenset(
    {"rate_limited", "overloaded", "unavailable", "server_error", "timed_out", "unreachable", "garbled"}
)
SLOWING: frozenset[FailureKind] = frozenset({"rate_limited", "overloaded", "unavailable"})
# The provider may have done its work, and charge for it: such a call is booked with an unknown price.
PERHAPS_PAID: dict[FailureKind, CallStatus] = {"timed_out": "timed_out", "garbled": "garbled"}


class ProviderFailure(Exception):  # noqa: N818  # never leaves this package: it becomes a ModelError
    """A try that brought no answer. `retry_after` is in seconds, where the provider named a time."""

    def __init__(self, kind: FailureKind, *, status: int | None = None, retry_after: float | None = None) -> None:
        super().__init__(kind)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after

    @property
    def words(self) -> str:
        """Return what was seen, for a sentence."""
        return f"{_WORDS[self.kind]}{f' (HTTP {self.status})' if self.status else ''}"


_WORDS: dict[FailureKind, str] = {
    "rate_limited": "its provider says that too many requests are made",
    "overloaded": "its provider is overloaded",
    "unavailable": "its provider is not available",
    "server_error": "its provider met an error of its own",
    "timed_out": "no answer came in time",
    "unreachable": "its server cannot be reached",
    "garbled": "what its server sent is not in the protocol",
    "quota": "the account's quota or credit is used up",
    "key": "its provider does not accept the key",
    "unknown_model": "its provider knows no such model",
    "overflow": "the prompt is longer than the model reads",
    "rejected": "its provider refused the request as malformed",
}
_ACTIONS: dict[FailureKind, str] = {
    "quota": "Raise the limit at the provider, or name another model.",
    "key": "Check the key in the environment.",
    "unknown_model": "Correct the name of the model.",
    "rejected": "Report this with the name of the model: the request is our own work.",
    "unreachable": "Check the network and the address, then run again: what was paid for is kept.",
}
# Servers that speak a provider's protocol have their own words for a prompt that is too long: llama.cpp, vLLM, gateways.
_OVERFLOW = re.compile(
    r"exceed_context_size|maximum context length|context (?:size|length|window)|prompt is too long", re.IGNORECASE
)
_LATER = "Run again later: what was paid for is kept."
_STOPPING: frozenset[FailureKind] = frozenset({"quota", "key", "unknown_model"})


def model_error(model: ModelName, failure: ProviderFailure, tries: int, *, stops: bool = False) -> ModelError:
    """Return the error for a request that is given up after so many tries."""
    goal = f"ask model '{model}'"
    if failure.kind == "overflow":
        return ContextOverflowError(goal, failure.words, "Give it less in one prompt, or name a model that reads more.")
    seen = failure.words + (f", {tries} times in a row" if tries > 1 else "")
    return ModelError(goal, seen, _ACTIONS.get(failure.kind, _LATER), stops=stops or failure.kind in _STOPPING)


def failure_of(error: BaseException) -> ProviderFailure | None:
    """Return what an exception of the client library means, or None for one that is a defect of ours.

    Raises nothing, and reads nothing but categories, the status and the time to wait.
    """
    # ruff: noqa: PLC0415  # the library is an extra, and who calls has it
    from pydantic_ai import exceptions as theirs

    kinds: tuple[tuple[type[BaseException], FailureKind], ...] = (
        (theirs.ModelContextWindowExceededError, "overflow"),
        (theirs.ModelQuotaExceededError, "quota"),
        (theirs.ModelRateLimitError, "rate_limited"),
        (theirs.ModelOverloadedError, "overloaded"),
        (theirs.ModelUnavailableError, "unavailable"),
        (theirs.ModelServerError, "server_error"),
        (theirs.ModelTimeoutError, "timed_out"),
        (theirs.ModelConnectionError, "unreachable"),
        (theirs.ModelRequestTimeout, "timed_out"),
        (theirs.ModelAuthenticationError, "key"),
        (theirs.ModelNotFoundError, "unknown_model"),
        (theirs.ModelRequestRejectedError, "rejected"),
        (TimeoutError, "timed_out"),
        (theirs.UnexpectedModelBehavior, "garbled"),
        (ConnectionError, "unreachable"),
    )
    status = getattr(error, "status_code", None)
    retry_after = getattr(error, "retry_after", None)
    for category, kind in kinds:
        if isinstance(error, category):
            if kind == "rejected" and _OVERFLOW.search(str(getattr(error, "body", ""))):
                kind = "overflow"
            return ProviderFailure(kind, status=status, retry_after=retry_after)
    if isinstance(error, theirs.ModelHTTPError):
        return ProviderFailure(_by_status(error.status_code), status=status, retry_after=retry_after)
    # A body that is no JSON, or lacks what the protocol demands: the library reads some fields without looking.
    if isinstance(error, theirs.ModelAPIError | ValueError | AttributeError | TypeError | LookupError):
        return ProviderFailure("garbled", status=status)
    return None


def _by_status(status: int) -> FailureKind:
    exact: dict[int, FailureKind] = {401: "key", 403: "key", 404: "unknown_model", 408: "timed_out", 429: "rate_limited"}
    if status in exact:
        return exact[status]
    return "server_error" if status >= 500 else "rejected"
