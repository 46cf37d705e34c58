"""Legal holds: sessions that may not be erased while somebody has a duty to keep them."""

from __future__ import annotations

from typing import Literal

import msgspec

from trajectory_compiler.errors import InputError
from trajectory_compiler.model import short_hash
from trajectory_compiler.store.database import Database

HoldKind = Literal["session", "agent", "source"]
SELECT = "SELECT id, kind, subject, reason, actor, created_at, released_at FROM holds"
SHORT = 12


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """A hold on one session, on all sessions in which an agent acts, or on a whole source. `released_at` ended it."""

    id: str
    kind: HoldKind
    subject: str
    reason: str
    actor: str
    created_at: str
    released_at: str | None = None


def add(database: Database, hold: Hold) -> Hold:
    """Write a hold inside the caller's transaction and return it with its id."""
    row = database.row("SELECT count(*) FROM holds")
    identity = short_hash("hold", str(row[0] if row else 0), hold.kind, hold.subject, hold.created_at)
    values = (identity, hold.kind, hold.subject, hold.reason, hold.actor, hold.created_at)
    database.execute(
        "INSERT INTO holds (id, kind, subject, reason, actor, created_at, released_at) VALUES (?, ?, ?, ?, ?, ?, NULL)", values
    )
    return msgspec.structs.replace(hold, id=identity)


def all_holds(database: Database) -> tuple[Hold, ...]:
    """Return all holds, released ones too, oldest first."""
    names = Hold.__struct_fields__
    rows = database.rows(f"{SELECT} ORDER BY created_at, id")
    return tuple(msgspec.convert(dict(zip(names, row, strict=True)), Hold) for row in rows)


def release(database: Database, prefix: str, now: str) -> Hold:
    """End the hold whose id begins with `prefix`, inside the caller's transaction.

    Raises: InputError: no hold that is in force begins so, or several do.
    """
    found = [hold for hold in all_holds(database) if hold.released_at is None and hold.id.startswith(prefix)]
    if len(found) != 1 or not prefix:
        seen = "several holds begin so" if len(found) > 1 else "no hold in force begins so"
        raise InputError(f"release hold '{prefix}'", seen, "List them with: trajc hold list")
    database.execute("UPDATE holds SET released_at = ? WHERE id = ?", (now, found[0].id))
    return msgspec.structs.replace(found[0], released_at=now)
