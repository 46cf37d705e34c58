"""Sealing: hash the rows that are new, append them to the tree, sign its root, put the checkpoint where it is out of reach.

Numbered rows are read above the last sealed id; a ledger of ours from the transactions that were open at the last seal; rows
with other ids as a whole, and those already sealed are passed over. A row that turns up below what is sealed is left alone, to
be reported by `verify`, unless `late` asks to take such rows in.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path

import msgspec
from msgspec import structs

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import RefusedError, SealError
from trajectory_compiler.ledger.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint
from trajectory_compiler.ledger.merkle import Growth, root_at
from trajectory_compiler.ledger.note import Signer, new_signer, read_signer, write_signer
from trajectory_compiler.ledger.publish import publish, published, shown
from trajectory_compiler.ledger.rows import Pass, Scope, SealRow, Shape, Table, instant_of
from trajectory_compiler.ledger.seal_store import AgainError, Sealed, SealStore, make_folder
from trajectory_compiler.ledger.table import open_sealed_table, open_table
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.lock import run_lock

Random = Callable[[int], bytes]
_UNFIT = re.compile(r"[^\w./-]+")


class SealOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where seals and the key are kept, where checkpoints go, and how rows that come late are met.

    `wait_seconds`: how long to wait for transactions that are writing. `lag_seconds`: how far a row may be stamped before the
    last sealed one and still count as new, where ids have no order. `late` seals what was left behind, too.
    """

    seals: Path
    key: Path
    places: tuple[str, ...] = ()
    origin: str | None = None
    wait_seconds: float = 10.0
    lag_seconds: float = 60.0
    late: bool = False
    source: SourceOptions = SourceOptions()


class SealReport(msgspec.Struct, frozen=True, kw_only=True):
    """What a seal did. `left` counts rows below the sealed ones that were left alone, `again` sealed ids with other content."""

    origin: str
    sealed: int
    size: int
    root: str
    left: int
    again: int
    is_complete: bool
    hides_rows: bool
    places: tuple[str, ...]
    public_key: str
    new_key: str | None = None


def seal(location: str, options: SealOptions, clock: Clock, random_bytes: Random) -> SealReport:
    """Seal the new rows of a log.

    Raises: SourceError, MappingError: the log cannot be read. SealError: a row has no id of its own, the key or the seals
    cannot be used, or a published checkpoint does not belong to these seals. StoreLockedError: another seal is running.
    """
    make_folder(options.seals)
    with run_lock(options.seals, "seal", clock()), SealStore.create(options.seals) as store:
        is_first = store.last is None
        table = open_table(location, options.source) if is_first else open_sealed_table(location, store, options.source)
        _refuse_another_log(store, table)
        origin = store.get("origin") or options.origin or f"trajc/{_UNFIT.sub('-', table.name)}-{random_bytes(4).hex()}"
        signer, new_key = _key(options, origin, random_bytes, is_first=is_first)
        growth = _grown(store, signer)
        _refuse_foreign(store, options.places, signer, origin)
        with store.transaction():
            store.set("origin", origin)
            store.set("table", table.name)
            sealing = _Sealing(store, table, growth, options)
            checkpoint = sealing.run(origin, signer, clock())
        places = _publish(store, options.places, origin)
    return SealReport(
        origin=origin,
        sealed=sealing.sealed,
        size=growth.size,
        root=checkpoint.root.hex(),
        left=sealing.left,
        again=sealing.again,
        is_complete=sealing.is_complete,
        hides_rows=table.hides_rows(),
        places=places,
        public_key=str(signer.verifier),
        new_key=None if new_key is None else str(new_key),
    )


def checkpoint_name(origin: str) -> str:
    """Return the name of a checkpoint's file in a folder or bucket."""
    return _UNFIT.sub("-", origin).replace("/", "-").strip(".-") + ".checkpoint"


class _Sealing:
    """One pass over the table, batch by batch, inside one transaction of the store."""

    def __init__(self, store: SealStore, table: Table, growth: Growth, options: SealOptions) -> None:
        self._store, self._table, self._growth, self._options = store, table, growth, options
        self.sealed = self.left = self.again = 0
        self.is_complete = True
        highest = store.get("highest")
        self._highest = None if highest is None else int(highest)
        self._horizon = store.get("horizon")

    def run(self, origin: str, signer: Signer, now: str) -> Checkpoint:
        """Seal what is new and sign. Nothing new keeps the last checkpoint."""
        store, last = self._store, self._store.last
        shape = self._shape()
        with self._table.read([shape], self._scope(shape, last)) as reading:
            self._take(reading, shape)
        if last is not None and not self.sealed:
            return open_checkpoint(last.note, signer.verifier)
        extensions = (f"sealed_at {now}", *((f"snapshot {reading.snapshot}",) if reading.snapshot else ()))
        checkpoint = Checkpoint(origin, self._growth.size, self._growth.root(), extensions)
        number, begin = (last.number + 1, last.size) if last else (0, 0)
        store.add_seal(Sealed(number, begin, checkpoint.size, self._options.late, checkpoint.signed(signer)))
        for key, value in (("horizon", self._horizon), ("highest", self._highest)):
            if value is not None:
                store.set(key, str(value))
        return checkpoint

    def _shape(self) -> Shape:
        shape, shapes = self._table.shape(), self._store.shapes
        if shapes and structs.replace(shape, content=shapes[0].content, types=shapes[0].types) != shapes[0]:
            seen = "these seals are of a table with another id, stamp or kind"
            raise SealError(f"seal '{self._table.name}'", seen, "Name other seals with --seals, one file a log.")
        return shape

    def _scope(self, shape: Shape, last: Sealed | None) -> Scope:
        wait = self._options.wait_seconds
        if self._options.late:
            return Scope(settle_seconds=wait)
        if shape.payload and shape.form == "postgres-1":
            snapshot = last and checkpoint_said(last.note, "snapshot")
            return Scope(since=int(snapshot.partition(":")[0]) if snapshot else 0, settle_seconds=wait)
        return Scope(above=self._highest, settle_seconds=wait)

    def _take(self, reading: Pass, shape: Shape) -> None:
        self.is_complete = reading.is_complete
        number = self._store.shape_number(shape)
        is_whole = self._growth.size > 0 and (self._options.late or not shape.is_numbered)
        border = None if self._options.late else self._border()
        for batch in reading.batches:
            rows = self._unknown(batch, border, shape) if is_whole else batch
            self._remember(self._append(rows, number), shape)

    def _unknown(self, batch: Sequence[SealRow], border: str | None, shape: Shape) -> list[SealRow]:
        """Return the rows that are not sealed yet, and are not left behind."""
        known = self._store.find([row.id for row in batch])
        found = [row for row in batch if row.id not in known]
        if border is None:
            return found
        new = [row for row in found if (instant_of(shape.form, row.stamp) or "~") > border]
        self.left += len(found) - len(new)
        return new

    def _append(self, rows: Sequence[SealRow], number: int) -> Sequence[SealRow]:
        begin = self._growth.size
        try:
            leaves = self._store.append(begin, rows, number)
        except AgainError:
            self._store.drop_from(begin)
            known = self._store.find([row.id for row in rows])
            self.again += sum(
                (e := known.get(r.id)) is not None and (e.stamp, e.content) != (r.stamp, r.contents[0]) for r in rows
            )
            rows = [row for row in rows if row.id not in known]
            self._refuse_doubles(rows)
            leaves = self._store.append(begin, rows, number)
        self._store.add_nodes(list(self._growth.extend(leaves)))
        self.sealed += len(rows)
        return rows

    def _remember(self, rows: Sequence[SealRow], shape: Shape) -> None:
        """Keep how far the seal reaches: the highest number, or the latest stamp where ids are no numbers."""
        if shape.is_numbered:
            numbers = [row.id for row in rows if isinstance(row.id, int)]
            self._highest = max([*numbers, *([] if self._highest is None else [self._highest])], default=None)
        else:
            stamps = [stamp for row in rows if (stamp := instant_of(shape.form, row.stamp)) is not None]
            self._horizon = max([*stamps, *([self._horizon] if self._horizon else [])], default=None)

    def _border(self) -> str | None:
        """Return the instant up to which an unsealed row is left behind."""
        if self._horizon is None:
            return None
        moment = datetime.fromisoformat(self._horizon[:19]) - timedelta(seconds=self._options.lag_seconds)
        return moment.isoformat()

    def _refuse_doubles(self, rows: Sequence[SealRow]) -> None:
        counted = Counter(row.id for row in rows)
        for row_id, count in counted.items():
            if count > 1:
                seen = f"the id {row_id} stands there {count} times"
                raise SealError(f"seal '{self._table.name}'", seen, "Name a column that is unique with --column id=NAME.")


def checkpoint_said(note: str, word: str) -> str | None:
    """Return what a checkpoint of our own store says after a word; it is not checked."""
    return parse_checkpoint(note.rpartition("\n\n")[0] + "\n").said(word)


def _refuse_another_log(store: SealStore, table: Table) -> None:
    """Refuse a log in which neither the first, the middle nor the last sealed row stands as it was sealed."""
    size = store.size
    sample = [entry for place in {0, size // 2, size - 1} for entry in store.entries(place, place + 1)]
    for entry in sample:
        found = table.row(entry.id, store.shapes[entry.shape])
        if found is not None and (found.row.stamp, found.row.contents[0]) == (entry.stamp, entry.content):
            return
    if sample:
        seen = f"none of {len(sample)} rows that were looked up stands there as it was sealed"
        action = "For another log name other seals with --seals; for this one run: trajc ledger verify"
        raise SealError(f"go on sealing '{table.name}' into '{store.path}'", seen, action)


def _key(options: SealOptions, name: str, random_bytes: Random, *, is_first: bool) -> tuple[Signer, Path | None]:
    """Read the key, or make it with the first seal; the second value is the public key's file if it is new."""
    if options.key.exists():
        return read_signer(options.key), None
    if not is_first:
        raise SealError(
            f"read the key '{options.key}'", "it is gone, and these seals were signed with it", "Name it with --key."
        )
    signer = new_signer(name, random_bytes)
    return signer, write_signer(options.key, signer)


def _grown(store: SealStore, signer: Signer) -> Growth:
    """Return the tree so far, if its right edge is that of the last checkpoint."""
    last = store.last
    if last is None:
        return Growth()
    checkpoint = open_checkpoint(last.note, signer.verifier)
    growth = Growth.at(store.size, store)
    if (growth.size, growth.root()) != (checkpoint.size, checkpoint.root):
        seen = "the seals do not make the root that was signed last: they were changed"
        raise SealError(
            f"go on sealing into '{store.path}'", seen, "Run `trajc ledger verify` against a checkpoint of your own."
        )
    return growth


def _refuse_foreign(store: SealStore, places: Sequence[str], signer: Signer, origin: str) -> None:
    """Refuse to replace a checkpoint that these seals do not continue: it may be the only evidence against them."""
    for place in places:
        note = published(place, checkpoint_name(origin))
        if note is None:
            continue
        goal = f"replace the checkpoint at '{shown(place)}'"
        try:
            old = open_checkpoint(note, signer.verifier)
        except RefusedError as error:
            raise SealError(goal, "what lies there was not signed with this key", "Name another place.") from error
        if old.origin != origin:
            raise SealError(goal, f"it is of another log, '{old.origin}'", "Name another place.")
        if old.size > store.size or root_at(old.size, store) != old.root:
            seen = f"these seals do not continue its {old.size} rows"
            raise SealError(goal, seen, "Keep that checkpoint, and verify the log against it.")


def _publish(store: SealStore, places: Sequence[str], origin: str) -> tuple[str, ...]:
    last = store.last
    return tuple(publish(place, last.note, checkpoint_name(origin)) for place in places) if last else ()
