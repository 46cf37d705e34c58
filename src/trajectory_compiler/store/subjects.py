"""Found identities and the policies that they were found by: where a subject stands, and by which rules it was looked for."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection

import zstandard

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.records import KnownIn, StoredPolicy

CHUNK = 400  # hashes in one query: far below every engine's limit on parameters
SAVE_POLICY = (
    "INSERT INTO policies (hash, name, reason, content, created_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT (hash) DO NOTHING"
)


def save_policy(database: Database, policy: StoredPolicy, now: str) -> None:
    """Write a policy under its hash inside the caller's transaction; one that is there already is left as it is."""
    content = zstandard.ZstdCompressor(level=9).compress(policy.content)
    database.execute(SAVE_POLICY, (policy.hash, policy.name, policy.reason, content, now))


def policy(database: Database, identity: str) -> StoredPolicy | None:
    """Return the policy with this hash, or None: older stores did not keep them."""
    row = database.row("SELECT hash, name, reason, content FROM policies WHERE hash = ?", (identity,))
    if row is None:
        return None
    try:
        content = zstandard.ZstdDecompressor().decompress(row[3])
    except zstandard.ZstdError as error:
        raise StoreError(f"read policy '{identity}'", "its stored form is damaged", "Compile the log again.") from error
    return StoredPolicy(hash=row[0], name=row[1], reason=row[2], content=content)


def known_in(database: Database, hashes: Collection[str]) -> tuple[KnownIn, ...]:
    """Return the sessions in which one of some identities was found, ordered by source and session."""
    names: dict[tuple[str, str], set[str]] = defaultdict(set)
    wanted = sorted(hashes)
    for start in range(0, len(wanted), CHUNK):
        chunk = wanted[start : start + CHUNK]
        places = ", ".join("?" * len(chunk))
        query = f"SELECT source, session_id, name FROM identities WHERE hash IN ({places})"
        for source, session, name in database.rows(query, chunk):
            names[source, session].add(name)
    return tuple(
        KnownIn(source=source, session_id=session, names=tuple(sorted(found)))
        for (source, session), found in sorted(names.items())
    )


def under_other_keys(database: Database, key_id: str) -> int:
    """Return how many sessions hold hashes that were made with another key: no subject can be found in them."""
    distinct = "SELECT DISTINCT source, session_id FROM identities WHERE key_id <> ?"
    row = database.row(f"SELECT count(*) FROM ({distinct}) t", (key_id,))
    return int(row[0]) if row else 0
