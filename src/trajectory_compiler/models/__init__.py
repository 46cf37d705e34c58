"""Model access: one small protocol over the model library, with cache, budget, price and retry.

A key in the environment never turns a model on by itself: nothing here is used unless a command names a model.
"""

from trajectory_compiler.models.addresses import Address, address_of, resolve_model
from trajectory_compiler.models.batching import BatchClient, BatchReport
from trajectory_compiler.models.client import Client
from trajectory_compiler.models.estimate import Estimate, estimate
from trajectory_compiler.models.ledger import Cached, CallLedger, CallRecord, Spent
from trajectory_compiler.models.opening import open_batch_client, open_client
from trajectory_compiler.models.options_file import read_model_options
from trajectory_compiler.models.prices import usd_of
from trajectory_compiler.models.protocol import CallPlace, ModelClient, ModelName, Reply, Request, Usage
from trajectory_compiler.models.tokens import estimate_tokens

__all__ = [
    "Address",
    "BatchClient",
    "BatchReport",
    "Cached",
    "CallLedger",
    "CallPlace",
    "CallRecord",
    "Client",
    "Estimate",
    "ModelClient",
    "ModelName",
    "Reply",
    "Request",
    "Spent",
    "Usage",
    "address_of",
    "estimate",
    "estimate_tokens",
    "open_batch_client",
    "open_client",
    "read_model_options",
    "resolve_model",
    "usd_of",
]
