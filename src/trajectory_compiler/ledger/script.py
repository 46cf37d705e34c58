"""The SQL that makes a ledger, as `trajc ledger init --print` shows it: templates in `sql/`, filled with names and columns."""

from __future__ import annotations

import re
from importlib.resources import files

from trajectory_compiler.ledger.schema import (
    COLUMNS,
    PAYLOAD_FIELDS,
    PAYLOAD_VERSION,
    ROW_FIELDS,
    ROW_VERSION,
    STATUSES,
    WRITER_COLUMNS,
    Names,
    text_in_postgres,
)

DEFAULT_SCHEMA = "public"
SQLITE_NOW = "strftime('%Y-%m-%dT%H:%M:%f', 'now') || '000Z'"  # six digits, so that all stamps sort as text
_NEVER_NULL = frozenset(column.name for column in COLUMNS if column.required)
_HASHED = (*ROW_FIELDS, *PAYLOAD_FIELDS, "purged_payload_hash")
_TYPES = {column.name: column.postgres for column in COLUMNS if column.postgres}
_PLACE = re.compile(r"\{\{(\w+)\}\}")


# What the trigger of SQLite refuses of a new row: (condition, message). No `IN (...)`: it builds a table for each row.
_REFUSED = (
    ("NEW.id <> -1", "id is chosen by the database, leave it out."),
    (f"NEW.created_at IS NOT ({SQLITE_NOW})", "created_at is set by the database, leave it out."),
    (
        "NEW.purge_id IS NOT NULL OR NEW.purged_payload_hash IS NOT NULL",
        "purge_id and purged_payload_hash are set by a purge, leave them out.",
    ),
    (
        "NEW.session_id = '' OR NEW.agent = '' OR NEW.tool = '' OR NEW.idempotency_key = ''",
        "session_id, agent, tool and idempotency_key must not be empty.",
    ),
    (
        "NEW.called_at NOT GLOB '[0-9][0-9][0-9][0-9]-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9].{}Z'".format(
            "[0-9]" * 6
        ),
        "called_at must look like 2026-01-31T12:00:00.000000Z.",
    ),
    *(
        (f"NEW.{name} IS NOT NULL AND NOT json_valid(NEW.{name})", f"{name} must be JSON.")
        for name in ("arguments", "response", "extra")
    ),
    (" AND ".join(f"NEW.status <> '{status}'" for status in STATUSES), f"status must be one of {', '.join(STATUSES)}."),
    (
        "NEW.error IS NOT NULL AND coalesce(NEW.status, 'ok') = 'ok'",
        "a row with an error needs a status other than ok.",
    ),
    ("NEW.cost_usd < 0 OR NEW.duration_ms < 0", "cost_usd and duration_ms must be numbers from 0."),
    ("NEW.truncated < 0 OR NEW.truncated > 1", "truncated must be 0 or 1."),
)


def postgres_script(names: Names) -> str:
    """Return the script for PostgreSQL. Run it in one transaction."""
    schema = names.schema or DEFAULT_SCHEMA
    placed = Names(table=names.table, schema=schema)
    values = {
        "table": names.table,
        "schema": schema,
        "qualified": placed.qualified,
        "purges": placed.purges,
        "purge_function": placed.purge_function,
        "refuse": placed.beside("_refuse"),
        "only_purge": placed.beside("_only_purge"),
        "guard_schema": f"{names.table}_guard",
        **{part: names.role(part) for part in ("owner", "writer", "reader", "purger")},
        "statuses": _quoted_statuses(),
        "writer_columns": ", ".join(WRITER_COLUMNS),
        "status_words": ", ".join(STATUSES),
        "row_hash_function": placed.beside("_row_hash"),
        "hash_parameters": ",\n".join(f"  {name} {_TYPES[name]}" for name in _HASHED),
        "hash_arguments": ", ".join(_HASHED),
        "hash_types": ", ".join(_TYPES[name] for name in _HASHED),
        "row_hash": row_hash_in_postgres("    "),
        "old_payload_hash": payload_hash_in_postgres("OLD."),
        "old_fields": _listed("OLD.", ROW_FIELDS),
        "new_fields": _listed("NEW.", ROW_FIELDS),
    }
    return _filled(_template("postgres.sql") + "\n" + _template("postgres_event_trigger.sql"), values)


def sqlite_script(names: Names) -> str:
    """Return the script for SQLite."""
    kept = tuple(name for name in ROW_FIELDS if name != "transaction_id")
    sent = tuple(name for name in WRITER_COLUMNS if name != "called_at")  # its default differs from one sending to the next
    return _filled(
        _template("sqlite.sql"),
        {
            "table": names.table,
            "now": SQLITE_NOW,
            "insert_conditions": "  " + "\n  OR ".join(f"({condition})" for condition, _ in _REFUSED),
            "insert_refusals": "\n".join(
                f"  SELECT RAISE(ABORT, '{names.table}: {message}') WHERE {condition};" for condition, message in _REFUSED
            ),
            "old_sent": _listed("old.", sent),
            "new_sent": _listed("NEW.", sent),
            "old_fields": _listed("OLD.", kept),
            "new_fields": _listed("NEW.", kept),
        },
    )


def payload_hash_in_postgres(prefix: str = "") -> str:
    """Return the SQL for the hash of a payload that still stands; `prefix` goes before each column, such as `OLD.`."""
    frames = ", ".join(_frame(prefix + name, name) for name in PAYLOAD_FIELDS)
    return f"sha256(convert_to(concat('{PAYLOAD_VERSION}', {frames}), 'UTF8'))"


def row_hash_in_postgres(indent: str) -> str:
    """Return what a row's hash is made of, as arguments of SQL's `concat`, one a line."""
    kept = f"coalesce(purged_payload_hash, {payload_hash_in_postgres()})"
    texts = [f"'{ROW_VERSION}'", *(_frame(name, name) for name in ROW_FIELDS), f"'64:', encode({kept}, 'hex')"]
    return ",\n".join(indent + text for text in texts)


def _frame(place: str, column: str) -> str:
    """Return the SQL of `schema.frame` for the column that stands at `place`, as arguments of `concat`."""
    text = text_in_postgres(place, column)
    framed = f"octet_length({text}), ':', {text}"
    return framed if column in _NEVER_NULL else f"CASE WHEN {place} IS NULL THEN '-' ELSE concat({framed}) END"


def _listed(prefix: str, columns: tuple[str, ...]) -> str:
    return ", ".join(prefix + name for name in columns)


def _quoted_statuses() -> str:
    return ", ".join(f"'{status}'" for status in STATUSES)


def _template(name: str) -> str:
    return (files("trajectory_compiler.ledger") / "sql" / name).read_text(encoding="utf-8")


def _filled(script: str, values: dict[str, str]) -> str:
    return _PLACE.sub(lambda place: values[place[1]], script)
