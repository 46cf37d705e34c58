"""Both sides of a mirror read and compared, row by row through digests: the proof that it says what the store says."""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec

from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.errors import StoreError
from trajectory_compiler.store.address import parse_address
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.mirror import Progress, store_id
from trajectory_compiler.store.mirror_items import Chunk, chunked, compared, keys_of, read
from trajectory_compiler.store.mirror_tables import KINDS, Key, item_name, tables
from trajectory_compiler.store.mirror_target import Target, opened


class TableCheck(msgspec.Struct, frozen=True, kw_only=True):
    """One table on both sides: rows, a digest over all of them, and how many items differ in it."""

    table: str
    rows_here: int
    rows_there: int
    digest_here: str
    digest_there: str
    differing: int

    @property
    def equal(self) -> bool:
        """Whether the table says the same on both sides."""
        return self.digest_here == self.digest_there and not self.differing


class MirrorCheck(msgspec.Struct, frozen=True, kw_only=True):
    """The comparison of a store with its mirror.

    `differing` names the items that are not equal, `held` those that another store holds there with other content, `foreign`
    those that stand there and belong to no store.
    """

    target: str
    tables: tuple[TableCheck, ...]
    differing: tuple[str, ...]
    held: tuple[str, ...]
    foreign: tuple[str, ...]

    @property
    def equal(self) -> bool:
        """Whether all of the store stands in the mirror, and nothing that no store has written."""
        return all(table.equal for table in self.tables) and not (self.differing or self.held or self.foreign)


class _Sums:
    """The running sums of one table."""

    def __init__(self) -> None:
        self.rows = [0, 0]
        self.digests = [hashlib.sha256(), hashlib.sha256()]
        self.differing = 0

    def add(self, side: int, rows: list[Any], digest: str) -> None:
        self.rows[side] += len(rows)
        if rows:
            self.digests[side].update(digest.encode())


class _Sides(NamedTuple):
    """The store, and a mirror as this store sees it: the items that it holds there, and those that others do."""

    here: Database
    there: Database
    own: dict[str, str]
    others: set[str]


class _Comparison:
    def __init__(self, sides: _Sides, progress: Progress) -> None:
        self._sides = sides
        self._progress = progress
        self._done = 0
        self.sums = {name: _Sums() for kind in KINDS for name in (part.table for part in kind.parts)}
        self.differing: list[str] = []
        self.held: list[str] = []
        self.foreign: list[str] = []

    def go(self) -> None:
        """Compare every item that is here, or there in this store's name."""
        for kind in KINDS:
            here, there = keys_of(self._sides.here, kind), keys_of(self._sides.there, kind)
            names = {key: item_name(kind, key) for key in here | there}
            own, others = self._sides.own, self._sides.others
            self.foreign += [names[key] for key in there if names[key] not in own and names[key] not in others]
            self.held += [names[key] for key in here if names[key] in others and names[key] not in own]
            both = {key: max(here.get(key, 0), there.get(key, 0)) for key in sorted(here | there)}
            mine = {key: weight for key, weight in both.items() if self._is_mine(names[key], here, key)}
            for chunk in chunked(kind, mine):
                self._compare(chunk)
                self._done += len(chunk.keys)
                self._progress("comparing", self._done, None)

    def _is_mine(self, name: str, here: dict[Key, int], key: Key) -> bool:
        return name in self._sides.own or (key in here and name not in self._sides.others)

    def _compare(self, chunk: Chunk) -> None:
        pairs = zip(read(self._sides.here, chunk), read(self._sides.there, chunk), strict=True)
        for here, there in ((compared(one), compared(other)) for one, other in pairs):
            equal = True
            for table in here.rows:
                digests = here.digest_in(table), there.digest_in(table)
                for side, item in enumerate((here, there)):
                    self.sums[table].add(side, item.rows[table], digests[side])
                if digests[0] != digests[1]:
                    self.sums[table].differing += 1
                    equal = False
            if not equal or self._sides.own.get(here.name) != here.digest():
                self.differing.append(here.name)


def check(database: Database, clock: Clock, options: MirrorOptions, progress: Progress) -> MirrorCheck:
    """Compare a store with its mirror. Raises StoreError where the server cannot be reached. Cost: both sides are read once."""
    address = parse_address(options.url, options.schema)
    try:
        with opened(address, store_id(database), clock, create=False) as target, database.view():
            comparison = _compared(database, target, progress)
    except StoreError as error:
        raise type(error)(f"compare with the mirror '{address.name}'", error.seen, error.action) from error
    lines = [
        TableCheck(
            table=name,
            rows_here=sums.rows[0],
            rows_there=sums.rows[1],
            digest_here=sums.digests[0].hexdigest()[:32],
            digest_there=sums.digests[1].hexdigest()[:32],
            differing=sums.differing,
        )
        for name, sums in comparison.sums.items()
    ]
    return MirrorCheck(
        target=address.name,
        tables=tuple(sorted(lines, key=lambda line: list(tables()).index(line.table))),
        differing=tuple(comparison.differing),
        held=tuple(comparison.held),
        foreign=tuple(comparison.foreign),
    )


def _compared(database: Database, target: Target, progress: Progress) -> _Comparison:
    own = target.holds()
    with target.database.view():
        comparison = _Comparison(_Sides(database, target.database, own, target.held_by_others()), progress)
        comparison.go()
    return comparison
