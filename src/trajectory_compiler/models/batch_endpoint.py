"""A provider's batch API: many requests in one job, at about half the price, answered within a day.

pydantic-ai encodes each request as it would be sent alone and reads each result likewise; this file puts it into our words.
"""

# ruff: noqa: PLC0415  # the library is an extra, and who made the endpoint has it

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from trajectory_compiler.errors import ModelError
from trajectory_compiler.models.addresses import Address
from trajectory_compiler.models.exchange import Incoming, Outgoing
from trajectory_compiler.models.failures import ProviderFailure, failure_of
from trajectory_compiler.models.providers import Endpoint, PydanticEndpoint, incoming_of

if TYPE_CHECKING:
    from pydantic_ai.models.batch import BatchRequest

MOST_REQUESTS = 10_000  # in one job: what all providers take, and as much as one would like to lose


class BatchEndpoint(Endpoint, Protocol):
    """A model that takes batches."""

    async def submit(self, requests: Mapping[str, Outgoing]) -> str:
        """Submit requests by their digests as one job; return its handle. Raises ProviderFailure; nothing is tried again."""

    async def collect(self, handle: str, requests: Mapping[str, Outgoing]) -> dict[str, Incoming | ProviderFailure] | None:
        """Return what came back for each request of a job, or None while it runs. Raises ProviderFailure."""


class PydanticBatchEndpoint(PydanticEndpoint):
    """A model whose provider has a batch API that pydantic-ai speaks: Gemini and Anthropic."""

    def __init__(self, address: Address, key: str, timeout_seconds: float) -> None:
        super().__init__(address, key, timeout_seconds)
        if self.model.batch_max_requests is None:
            raise ModelError(
                f"ask model '{address.model}' in a batch",
                f"no batch API of {address.host} is known",
                "Leave --batch out, or name a model of google or anthropic.",
                stops=True,
            )

    async def submit(self, requests: Mapping[str, Outgoing]) -> str:
        """Submit requests by their digests as one job; return its handle. Raises ProviderFailure."""
        from pydantic import TypeAdapter
        from pydantic_ai.models.batch import Batch

        encoded = [await self.model.batch_encode(self._request(digest, outgoing)) for digest, outgoing in requests.items()]
        try:
            batch = await self.model.batch_create(encoded)
        except Exception as error:  # noqa: BLE001  # a defect is raised again as it is
            raise (failure_of(error) or error) from None
        return TypeAdapter(Batch).dump_json(batch).decode()

    async def collect(self, handle: str, requests: Mapping[str, Outgoing]) -> dict[str, Incoming | ProviderFailure] | None:
        """Return what came back for each request of a job, or None while it runs. Raises ProviderFailure."""
        from pydantic import TypeAdapter
        from pydantic_ai.models.batch import Batch

        try:
            batch = await self.model.batch_status(TypeAdapter(Batch).validate_json(handle))
            if batch.status != "ended":
                return None
            results = await self.model.batch_results(batch)
        except Exception as error:  # noqa: BLE001  # a defect is raised again as it is
            failure = failure_of(error)
            if failure is not None and _ended_without_results(error):
                return dict.fromkeys(requests, failure)
            raise (failure or error) from None
        found: dict[str, Incoming | ProviderFailure] = {}
        for result in results:
            outgoing = requests.get(result.custom_id)
            if outgoing is None:
                continue  # its session was erased meanwhile: nobody may want the answer any more
            try:
                response = self.model.batch_decode(result, self._request(result.custom_id, outgoing))
                found[result.custom_id] = incoming_of(response)
            except Exception as error:  # noqa: BLE001  # whatever the library makes of one result is that result's failure
                found[result.custom_id] = failure_of(error) or ProviderFailure("garbled")
        return {digest: found.get(digest, ProviderFailure("unavailable")) for digest in requests}

    def _request(self, digest: str, outgoing: Outgoing) -> BatchRequest:
        from pydantic_ai.models.batch import BatchRequest

        messages, parameters = self.in_their_words(outgoing)
        settings = self.settings_of(outgoing)
        settings.pop("timeout", None)  # a job has a day
        return BatchRequest(custom_id=digest, messages=messages, model_settings=settings, model_request_parameters=parameters)


def _ended_without_results(error: Exception) -> bool:
    """Say whether an error is the end of a whole job, which the library tells apart by a class that it does not export."""
    return any(kind.__name__ == "BatchJobError" for kind in type(error).__mro__)
