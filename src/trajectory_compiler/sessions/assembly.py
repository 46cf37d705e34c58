"""The rows of one session, in any order, to one `RawTrajectory`."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable

import msgspec

from trajectory_compiler.model import RawTrajectory, Row
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.stamps import instant

_encode = msgspec.json.Encoder().encode


def assemble(source: str, rows: list[Row], drops: Drops) -> RawTrajectory:
    """Drop repeated rows, order the rest, name the content by its digest. `rows` are in the order of the log."""
    session_id = rows[0].session_id
    ordered = order_rows(drop_repeated(rows, drops), drops)
    return RawTrajectory(source=source, session_id=session_id, rows=tuple(ordered), digest=digest(ordered))


def drop_repeated(rows: list[Row], drops: Drops) -> list[Row]:
    """Keep the first row of each id; later ones are counted, equal ones apart from those that differ."""
    if len({row.id for row in rows}) == len(rows):
        return rows
    first: dict[str, Row] = {}
    for row in rows:
        kept = first.setdefault(row.id, row)
        if kept is not row:
            drops.add("duplicate_row" if kept == row else "conflicting_id", f"row '{row.id}' of session '{row.session_id}'")
    return list(first.values())


def order_rows(rows: list[Row], drops: Drops) -> list[Row]:
    """Order by instant, then id; ids that are all whole numbers compare as numbers.

    Rows without stamps keep the order of the log; if only some have one, all rows keep it, and the session is noted.
    """
    stamped = sum(row.created_at is not None for row in rows)
    if stamped < len(rows):
        if stamped:
            drops.add("stamps_missing_in_part", f"session '{rows[0].session_id}'")
        return rows
    stamps = [row.created_at or "" for row in rows]
    when: Callable[[str], str] = str if len(set(map(len, stamps))) == 1 else instant
    if all(row.id.isascii() and row.id.isdigit() for row in rows):
        return sorted(rows, key=lambda row: (when(row.created_at or ""), int(row.id), row.id))
    return sorted(rows, key=lambda row: (when(row.created_at or ""), row.id))


def digest(rows: Iterable[Row]) -> str:
    """Return 128 bits of BLAKE2b over the rows as JSON: the same rows give the same digest on any machine."""
    hasher = hashlib.blake2b(digest_size=16)
    for row in rows:
        hasher.update(_encode(row))
    return hasher.hexdigest()
