"""A row of the ledger as a JSON Schema (2020-12), for whoever receives the log as JSON lines."""

from __future__ import annotations

from typing import Any

from trajectory_compiler.ledger.schema import COLUMNS, STATUSES, Column

_TYPES: dict[str, dict[str, Any]] = {
    "bigint": {"type": "integer"},
    "text": {"type": "string"},
    "timestamp with time zone": {"type": "string", "format": "date-time"},
    "json": {},
    "numeric": {"type": "number", "minimum": 0},
    "boolean": {"type": "boolean"},
    "xid8": {"type": "string", "pattern": "^[0-9]+$"},
    "bytea": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
}
_NOT_EMPTY = frozenset({"session_id", "agent", "tool", "idempotency_key"})


def row_schema() -> dict[str, Any]:
    """Return the schema. Hashes are hexadecimal; a column that a database does not have is absent or null."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "A row of the append-only agent audit log",
        "type": "object",
        "additionalProperties": False,
        "required": [column.name for column in COLUMNS if column.required and column.sqlite],
        "properties": {column.name: _property(column) for column in COLUMNS},
    }


def _property(column: Column) -> dict[str, Any]:
    described = {"description": f"{column.about} Set by the {column.set_by}."}
    kind = _TYPES[column.postgres or ""]
    if column.name == "status":
        return {**described, "enum": [*STATUSES, None]}
    if column.name == "extra":
        return {**described, "type": ["object", "null"]}
    if column.name in _NOT_EMPTY:
        return {**described, **kind, "minLength": 1}
    if column.required or not kind:
        return {**described, **kind}
    return {**described, **kind, "type": [kind["type"], "null"]}
