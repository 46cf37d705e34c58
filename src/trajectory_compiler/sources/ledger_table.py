"""How a ledger of `trajc ledger init` is told from other tables, and what its columns mean: nothing is left to guess there."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator

from trajectory_compiler.model import Json
from trajectory_compiler.sources.columns import Role

_MARKS = frozenset({"called_at", "idempotency_key", "parent_id", "truncated", "purge_id", "purged_payload_hash"})
LEDGER_COLUMNS: dict[Role, str] = {
    "session_id": "session_id",
    "tool": "tool",
    "id": "id",
    "created_at": "called_at",  # when the call was made; the column `created_at` says when the row arrived
    "agent": "agent",
    "arguments": "arguments",
    "response": "response",
    "cost": "cost_usd",
    "duration": "duration_ms",
    "success": "status",
}
JSON_COLUMNS = frozenset({"arguments", "response", "extra"})  # JSON in whatever type the database holds it


def is_ledger(columns: Collection[str]) -> bool:
    """Say whether a table with these columns is a ledger."""
    return set(columns) >= _MARKS


def with_errors(records: Iterable[tuple[int | str, dict[str, Json]]]) -> Iterator[tuple[int | str, dict[str, Json]]]:
    """Give a failed call that returned nothing its error for a response: that is what the agent saw."""
    for number, record in records:
        if record.get("response") is None and record.get("error") is not None:
            record["response"] = {"error": record["error"]}
        yield number, record
