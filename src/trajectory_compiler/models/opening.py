"""How a client is made: which models it reaches, with which keys, within which limits.

async with open_client(options, store.call_ledger(run_id), Outbound(policy, "ask a model")) as client:
    client.check(model)
    reply = await client.ask(Request(model=model, ...), CallPlace(...))
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec

from trajectory_compiler.config import ModelOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.models.addresses import LOCAL, Address, address_of, key_of
from trajectory_compiler.models.batch_endpoint import PydanticBatchEndpoint
from trajectory_compiler.models.batching import BatchClient
from trajectory_compiler.models.client import Client, Scan
from trajectory_compiler.models.ledger import BatchLedger, CallLedger
from trajectory_compiler.models.local import start
from trajectory_compiler.models.paying import Served
from trajectory_compiler.models.prices import context_of
from trajectory_compiler.models.protocol import ModelName
from trajectory_compiler.models.providers import Endpoint, PydanticEndpoint
from trajectory_compiler.models.retrying import AdaptiveLimit
from trajectory_compiler.models.surroundings import Surroundings


@asynccontextmanager
async def open_client(
    options: ModelOptions, ledger: CallLedger, scan: Scan | None, surroundings: Surroundings | None = None
) -> AsyncIterator[Client]:
    """Give a client for any of the models that the options reach. Nothing is loaded or asked before a model is named to it.

    `scan` sees every prompt before it is sent (None: nothing is looked at, for prompts that hold nothing of a log).
    """
    world = surroundings or Surroundings()

    def serve(model: ModelName) -> Served:
        return _serve(model, options, world)

    client = Client(options, ledger, scan, serve, world)
    try:
        yield client
    finally:
        await client.close()


@asynccontextmanager
async def open_batch_client(
    options: ModelOptions, ledger: BatchLedger, scan: Scan | None, surroundings: Surroundings | None = None
) -> AsyncIterator[BatchClient]:
    """Give a client that collects the answers of earlier batches and gathers new questions for the next one.

    Whoever uses it calls `collect` first and `submit` last; between them `ask` answers what is known and defers the rest.
    """
    world = surroundings or Surroundings()

    def serve(model: ModelName) -> Served:
        address = address_of(model, options)
        if model.provider == LOCAL:
            raise OptionError("ask a model in a batch", "'local:' has no batches", "Leave --batch out: it costs nothing here.")
        key = key_of(address, world.environment)
        return _serve_there(PydanticBatchEndpoint(address, key, options.timeout_seconds), address, options)

    client = BatchClient(options, ledger, scan, serve, world)
    try:
        yield client
    finally:
        await client.close()


def _serve(model: ModelName, options: ModelOptions, world: Surroundings) -> Served:
    address = address_of(model, options)
    if model.provider == LOCAL:
        return _serve_here(address, options)
    key = key_of(address, world.environment)
    return _serve_there(PydanticEndpoint(address, key, options.timeout_seconds), address, options)


def _serve_there(endpoint: Endpoint, address: Address, options: ModelOptions) -> Served:
    return Served(
        endpoint=endpoint,
        host=address.host,
        wire_name=address.model.name,
        limit=AdaptiveLimit(options.max_concurrency),
        context_tokens=context_of(address.model, options),
    )


def _serve_here(address: Address, options: ModelOptions) -> Served:
    """Serve a model file by llama.cpp in this process; one call at a time, so that it gets the whole window."""
    here = options.on_this_machine
    running = start(address.model.name, here)
    endpoint = PydanticEndpoint(msgspec.structs.replace(address, base_url=running.base_url), "none", here.timeout_seconds)
    return Served(
        endpoint=endpoint,
        host=f"file {running.file.identity}",
        wire_name=running.file.path.name,
        limit=AdaptiveLimit(1),
        context_tokens=running.context_tokens,
    )
