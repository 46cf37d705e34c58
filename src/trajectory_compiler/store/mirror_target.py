"""The far side of a mirror: a schema on a PostgreSQL server that several stores write into, each its own items.

What stands there is written down there, in `mirrored`, by the transaction that writes it: `target` is the store that holds an
item. So no outage, kill or restored backup of the server can make a store believe in rows that are not there. Of an item that
two stores hold with different content the first stays, and the second is told: nothing is overwritten back and forth.

A chunk of items is staged by COPY into temporary tables and merged by a few statements, in one transaction. Nothing outlives
the transaction on the connection, so it may come from a pooler in transaction mode (Supabase, port 6543).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store import migrations
from trajectory_compiler.store.address import Address
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.mirror_items import Item, compared
from trajectory_compiler.store.mirror_tables import Kind, Part, kind_and_key, tables
from trajectory_compiler.store.opening import DEFAULT_STORE, MIRROR_MARK
from trajectory_compiler.store.postgres import connect_server
from trajectory_compiler.store.server_errors import concerns_a_row

HOLD = (
    "INSERT INTO mirrored (target, item, digest, updated_at) VALUES (?, ?, ?, ?) "
    "ON CONFLICT (target, item) DO UPDATE SET digest = excluded.digest, updated_at = excluded.updated_at"
)
KEYS = ("a", "b")  # columns of staged keys: names that no table has
MARK = "INSERT INTO meta (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"


class Sent(NamedTuple):
    """What became of some items: written (or shared with another store), held by another store, refused by the server."""

    written: list[str]
    held: list[str]
    refused: list[str]


class Target:
    """A mirror, opened by one store."""

    def __init__(self, address: Address, store_id: str, clock: Clock, *, create: bool = True) -> None:
        """Connect, and make or migrate the tables where `create` allows it.

        Raises: StoreError: the server or the schema cannot be used.
        """
        self.name = address.name
        self.database = connect_server(address, keep_search_path=False)
        self._store_id = store_id
        self._clock = clock
        try:
            self._prepare(address, create=create)
        except BaseException:
            self.database.close()
            raise

    def holds(self) -> dict[str, str]:
        """Return the items that this store holds there, with their digests."""
        query = "SELECT item, digest FROM mirrored WHERE target = ?"
        with self.database.view():
            return {row[0]: row[1] for row in self.database.rows(query, (self._store_id,))}

    def held_by_others(self) -> set[str]:
        """Return the items that other stores hold there. Call it inside a view."""
        return {row[0] for row in self.database.rows("SELECT item FROM mirrored WHERE target <> ?", (self._store_id,))}

    def send(self, kind: Kind, items: Sequence[Item]) -> Sent:
        """Write items of one kind in one transaction; where one of them is refused, each in its own.

        Raises: StoreError: the server is gone, full, or refuses this role.
        """
        try:
            return self._send(kind, items)
        except StoreError as error:
            if not concerns_a_row(error.__cause__):
                raise
        if len(items) == 1:
            return Sent([], [], [items[0].name])
        parts = [self.send(kind, [item]) for item in items]
        return Sent(*([name for part in parts for name in part[at]] for at in range(3)))

    def drop(self, kind: Kind, names: Sequence[str]) -> int:
        """Delete items that this store has no more; what another store holds as well stays for that one."""
        with self.database.transaction():
            others = {item for item, _ in self._others(names)}
            alone = [name for name in names if name not in others]
            empty = [Item(name, kind_and_key(name)[1], {part.table: [] for part in kind.parts}) for name in alone]
            self._merge(kind, empty)
            self._let_go(names)
        return len(names)

    def close(self) -> None:
        """Close the connection."""
        self.database.close()

    def _prepare(self, address: Address, *, create: bool) -> None:
        with self.database.view():
            version = migrations.version_of(self.database)
        if version is None and not create:
            raise StoreError(f"read '{self.name}'", "there is no mirror", "Make it with: trajc mirror URL")
        if version != migrations.SCHEMA_VERSION:
            self._make(address, fresh=version is None)
        with self.database.view():
            if self.database.row("SELECT 1 FROM meta WHERE key = ?", (MIRROR_MARK,)) is None:
                raise StoreError(
                    f"mirror into '{self.name}'",
                    "a store of its own lies in that schema",
                    "Name another one with --schema NAME.",
                )

    def _make(self, address: Address, *, fresh: bool) -> None:
        """Make the tables, or bring them up to date, on a connection of its own that keeps its settings."""
        database = connect_server(address)
        try:
            database.make_schema()
            migrations.bring_up_to_date(database, DEFAULT_STORE.with_name(address.schema), self._clock)
            if fresh:
                database.execute(MARK, (MIRROR_MARK, self._clock()))
        finally:
            database.close()

    def _send(self, kind: Kind, items: Sequence[Item]) -> Sent:
        digests = {item.name: compared(item).digest() for item in items}
        with self.database.transaction():
            others: dict[str, set[str]] = {}
            for name, digest in self._others(list(digests)):
                others.setdefault(name, set()).add(digest)
            clashing = [name for name, found in others.items() if found != {digests[name]}]
            self._merge(kind, [item for item in items if item.name not in others])
            kept = [name for name in digests if name not in clashing]
            now = self._clock()
            if kept:
                self.database.execute_many(HOLD, [(self._store_id, name, digests[name], now) for name in kept])
            self._let_go(clashing)
        return Sent(kept, clashing, [])

    def _others(self, names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
        query = "SELECT item, digest FROM mirrored WHERE target <> ? AND item = ANY(?)"
        return self.database.rows(query, (self._store_id, list(names)))

    def _let_go(self, names: Sequence[str]) -> None:
        self.database.execute("DELETE FROM mirrored WHERE target = ? AND item = ANY(?)", (self._store_id, list(names)))

    def _merge(self, kind: Kind, items: Sequence[Item]) -> None:
        """Make the rows of these items what they say: stage, upsert parents first, delete what is left over, children first."""
        if not items:
            return
        with self.database.refusals("write"):
            connection = self.database.connection
            connection.execute(_staging(kind))
            self._copy("stage_keys", KEYS[: len(kind.key)], (item.key for item in items))
            for part in kind.parts:
                rows = [row for item in items for row in item.rows[part.table]]
                if rows:
                    self._copy(f"stage_{part.table}", tables()[part.table].columns, rows)
            connection.execute(_merging(kind))

    def _copy(self, table: str, columns: Iterable[str], rows: Iterable[Sequence[object]]) -> None:
        with (
            self.database.connection.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy,
        ):
            for row in rows:
                copy.write_row(row)


@contextmanager
def opened(address: Address, store_id: str, clock: Clock, *, create: bool = True) -> Iterator[Target]:
    """Open a mirror for the time of a block."""
    target = Target(address, store_id, clock, create=create)
    try:
        yield target
    finally:
        target.close()


def _staging(kind: Kind) -> str:
    keys = ", ".join(f'{column} TEXT COLLATE "C"' for column in KEYS[: len(kind.key)])
    made = [f"CREATE TEMP TABLE stage_keys ({keys}) ON COMMIT DROP"]
    made += [f"CREATE TEMP TABLE stage_{part.table} (LIKE {part.table}) ON COMMIT DROP" for part in kind.parts]
    return "; ".join(made)


def _merging(kind: Kind) -> str:
    return "; ".join([*(_upsert(part) for part in kind.parts), *(_delete(kind, part) for part in reversed(kind.parts))])


def _upsert(part: Part) -> str:
    table = tables()[part.table]
    names = ", ".join(table.columns)
    others = [column for column in table.columns if column not in table.key]
    old, new = (", ".join(f"{place}.{column}" for column in others) for place in (table.name, "excluded"))
    return (
        f"INSERT INTO {table.name} ({names}) SELECT {names} FROM stage_{table.name} ON CONFLICT ({', '.join(table.key)}) "
        f"DO UPDATE SET {', '.join(f'{column} = excluded.{column}' for column in others)} "
        f"WHERE ({old}) IS DISTINCT FROM ({new})"  # an equal row is not written anew: no bloat, no work for replicas
    )


def _delete(kind: Kind, part: Part) -> str:
    table = tables()[part.table]
    keys = f"({', '.join(kind.key)}) IN (SELECT {', '.join(KEYS[: len(kind.key)])} FROM stage_keys)"
    same = " AND ".join(f"s.{column} = {table.name}.{column}" for column in table.key)
    unstaged = f"NOT EXISTS (SELECT 1 FROM stage_{table.name} s WHERE {same})"
    return f"DELETE FROM {table.name} WHERE {part.condition(keys, kind.key)} AND {unstaged}"
