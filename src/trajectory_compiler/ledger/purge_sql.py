"""The SQL of a purge: the payloads of some rows go, a record of it stays. `trajc ledger purge` runs it.

PostgreSQL does it in one function, which refuses to empty what does not exist or is purged already. SQLite takes two statements
in one transaction: the record, then each row with the hash that its payload has (`LedgerRow.payload_hash`), which SQLite cannot
compute. There, `PRAGMA secure_delete = ON` before it makes the bytes themselves go, and a `VACUUM` after it what the log holds.
"""

from __future__ import annotations

from trajectory_compiler.ledger.schema import PAYLOAD_FIELDS, Names

_EMPTIED = ", ".join(f"{name} = NULL" for name in PAYLOAD_FIELDS)


def postgres_purge(names: Names) -> str:
    """Return the call. Parameters: row ids (a list), reference, reason. It gives the record's id."""
    return f"SELECT {names.purge_function}(%s::bigint[], %s, %s)"


def sqlite_purge_record(names: Names) -> str:
    """Return the INSERT of the record. Parameters: purged_by, reference, reason, row ids as a JSON list. It gives its id."""
    return f"INSERT INTO {names.purges} (purged_by, reference, reason, row_ids) VALUES (?, ?, ?, ?) RETURNING id"


def sqlite_purge_row(names: Names) -> str:
    """Return the UPDATE of one row. Parameters: the record's id, the payload's hash (32 bytes), the row's id."""
    return f"UPDATE {names.qualified} SET {_EMPTIED}, purge_id = ?, purged_payload_hash = ? WHERE id = ? AND purge_id IS NULL"
