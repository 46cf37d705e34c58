"""Reading items and their digests, from a file or a server alike: what is compared and what is sent.

A digest is taken over the rows themselves, so it says the same of a row in SQLite and in PostgreSQL, and no stamp, counter or
trigger has to be trusted to notice a change. That costs one pass over the store for every run of the mirror.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from trajectory_compiler.store.database import Database
from trajectory_compiler.store.mirror_tables import NOT_COMPARED, Key, Kind, Part, Row, item_name, tables

ITEMS_A_CHUNK = 100
WEIGHT_A_CHUNK = 20_000  # turns: some megabytes compressed, so that memory holds a few long sessions at most
_encode = msgspec.msgpack.Encoder().encode


class Item(NamedTuple):
    """One item: its rows by table, in the order of its kind's parts."""

    name: str
    key: Key
    rows: dict[str, list[Row]]

    def digest(self) -> str:
        """Return what the rows say, as 128 bits in hex; the order in which they were read does not matter."""
        return digest_of(self.rows[table] for table in self.rows)

    def digest_in(self, table: str) -> str:
        """Return the digest of the rows of one table alone."""
        return digest_of([self.rows[table]])


class Chunk(NamedTuple):
    """Some keys of one kind that share all but their last column, so that one condition selects them on any engine."""

    kind: Kind
    keys: tuple[Key, ...]


def digest_of(lists: Iterable[list[Row]]) -> str:
    """Return one digest of several lists of rows, each sorted already."""
    digest = hashlib.sha256()
    for rows in lists:
        digest.update(_encode(rows))
    return digest.hexdigest()[:32]


def keys_of(database: Database, kind: Kind) -> dict[Key, int]:
    """Return the keys of all items of a kind with their weights, sorted: by code points, not by any engine's locale."""
    found = {tuple(row[:-1]): int(row[-1]) for row in database.rows(kind.keys)}
    return dict(sorted(found.items()))


def chunked(kind: Kind, keys: dict[Key, int]) -> Iterator[Chunk]:
    """Cut sorted keys into chunks of bounded weight."""
    batch: list[Key] = []
    weight = 0
    for key, own in keys.items():
        full = len(batch) >= ITEMS_A_CHUNK or weight + own > WEIGHT_A_CHUNK
        if batch and (full or key[:-1] != batch[0][:-1]):
            yield Chunk(kind, tuple(batch))
            batch, weight = [], 0
        batch.append(key)
        weight += own
    if batch:
        yield Chunk(kind, tuple(batch))


def read(database: Database, chunk: Chunk) -> list[Item]:
    """Read the items of a chunk. A key that has no row gives an item without rows."""
    kind = chunk.kind
    rows: dict[Key, dict[str, list[Row]]] = {key: {part.table: [] for part in kind.parts} for key in chunk.keys}
    owners: dict[object, Key] = {}
    for part in kind.parts:
        key_at, pair_at = _positions(part)
        for row in _rows(database, chunk, part):
            key = owners[row[pair_at]] if part.by_pair else tuple(str(row[at]) for at in key_at)
            if part.table == "pairs":
                owners[row[pair_at]] = key
            rows[key][part.table].append(row)
    for found in rows.values():
        for table, listed in found.items():
            listed.sort(key=_sorting(table))
    return [Item(item_name(kind, key), key, found) for key, found in rows.items()]


def compared(item: Item) -> Item:
    """Return an item without the columns that are not compared."""
    skipped = {table: tables()[table].columns.index(column) for table, column in NOT_COMPARED if table in item.rows}
    if not skipped:
        return item
    cut = {
        table: [row[: skipped[table]] + row[skipped[table] + 1 :] for row in rows] if table in skipped else rows
        for table, rows in item.rows.items()
    }
    return item._replace(rows=cut)


def _rows(database: Database, chunk: Chunk, part: Part) -> Iterator[Row]:
    kind = chunk.kind
    first = "".join(f"{column} = ? AND " for column in kind.key[:-1])
    keys = f"{first}{kind.key[-1]} IN ({', '.join('?' * len(chunk.keys))})"
    where = part.condition(keys, kind.key)
    values: list[object] = [*chunk.keys[0][:-1], *(key[-1] for key in chunk.keys)]
    for row in database.rows(f"SELECT {', '.join(tables()[part.table].columns)} FROM {part.table} WHERE {where}", values):
        yield tuple(bytes(value) if isinstance(value, memoryview) else value for value in row)


def _positions(part: Part) -> tuple[tuple[int, ...], int]:
    """Return where a part's rows hold the item's key, and where the id of their pair."""
    columns = tables()[part.table].columns
    at = tuple(columns.index(column) for column in part.columns)
    return at, columns.index("id") if part.table == "pairs" else at[0]


def _sorting(table: str) -> Any:
    at: Sequence[int] = [tables()[table].columns.index(column) for column in tables()[table].key]
    return lambda row: tuple(row[place] for place in at)
