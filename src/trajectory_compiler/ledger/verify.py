"""Verifying: what was done to a sealed table, row by row, against a checkpoint that the caller holds.

1. The checkpoint is opened with the caller's public key, and the root is recomputed from every entry of the seal store. From
   here on the entries up to the checkpoint's size are as good as the checkpoint, those after it as good as the store's last.
2. The table is read once, in any order. Each row is looked up by its id, and what differs is named.
3. Entries that no row answered to are deleted, cut off (nothing sealed stands above them) or re-inserted (their content stands
   under another id).

Memory: a bit a sealed row, and the rows that have something to report, of which `LISTED` of a kind are kept.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Literal, NamedTuple

import msgspec

from trajectory_compiler.errors import RefusedError, SealError
from trajectory_compiler.ledger.checkpoint import Checkpoint, open_checkpoint
from trajectory_compiler.ledger.merkle import Growth
from trajectory_compiler.ledger.note import Verifier
from trajectory_compiler.ledger.purge import PurgeRecords
from trajectory_compiler.ledger.rows import Form, RowId, Scope, SealRow, Table, instant_of, marks_digest
from trajectory_compiler.ledger.seal_store import Entry, SealStore

LISTED = 1_000
_REMEMBERED = 200_000
_CHUNK = 4_096
Kind = Literal["edited", "back-dated", "re-dated", "deleted", "cut-off", "re-inserted"]
ApartKind = Literal["back-inserted", "late", "doubled"]


class Tampering(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was done to a sealed row. `detail` says more where more is known."""

    kind: Kind
    id: RowId
    position: int
    detail: str = ""


class Unsealed(msgspec.Struct, frozen=True, kw_only=True):
    """A row that is not sealed although it stands at or below what is.

    `back-inserted`: nothing explains it. `late`: its transaction was open when the seal was made, and the next seal takes it.
    `doubled`: another row with the id of a sealed one.
    """

    kind: ApartKind
    id: RowId
    stamp: str


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed row whose payload was removed by a recorded order; everything else of it is as sealed."""

    id: RowId
    position: int
    record: str
    is_signed: bool


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `verify` found. `counts` are exact; the lists stop at `LISTED` of a kind. `problems` concern seals or columns."""

    origin: str
    size: int
    sealed: int
    intact: int
    new: int
    counts: dict[str, int]
    tampered: tuple[Tampering, ...] = ()
    unsealed: tuple[Unsealed, ...] = ()
    purged: tuple[Purged, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def is_sound(self) -> bool:
        """Nothing was changed, and nothing stands where it should not."""
        return not (self.tampered or self.problems or any(row.kind != "late" for row in self.unsealed))


class Judged(NamedTuple):
    """What the seal store is worth: how many entries hold, what does not, and the checkpoint that reaches furthest."""

    problems: tuple[str, ...]
    latest: Checkpoint


def verify(table: Table, store: SealStore, notes: Sequence[str], verifier: Verifier) -> VerifyReport:
    """Compare a table with its seals, and the seals with the checkpoints that the caller holds, one or more.

    Raises: RefusedError: a checkpoint was not signed with this key, or is of another log. SourceError: the table cannot be
    read. SealError: nothing is sealed yet.
    """
    if not store.shapes:
        raise SealError(f"verify '{table.name}'", "nothing is sealed yet", "Run: trajc ledger seal LOG")
    held = sorted((open_checkpoint(note, verifier) for note in notes), key=lambda checkpoint: checkpoint.size)
    for checkpoint in held:
        if checkpoint.origin != store.get("origin"):
            seen = f"it is of the log '{checkpoint.origin}', the seals are of '{store.get('origin')}'"
            raise RefusedError("verify against a checkpoint", seen, "Name the seals of that log with --seals.")
    judged = judge_store(store, held, verifier)
    comparison = _Comparison(table, store, judged.latest, PurgeRecords(table, store, verifier))
    comparison.read()
    comparison.find_missing()
    return comparison.report(held[-1], judged)


def judge_store(store: SealStore, held: Sequence[Checkpoint], verifier: Verifier) -> Judged:
    """Recompute every root that is known from the entries of the store. Cost: one pass over the entries."""
    problems = []
    known = list(held)
    last = store.last
    if last is not None:
        try:
            known.append(open_checkpoint(last.note, verifier))
        except RefusedError:
            problems.append("the last checkpoint in the seals was not signed with this key")
    known.sort(key=lambda checkpoint: checkpoint.size)
    size = store.count
    if size != store.size:
        problems.append(f"the seals hold {size:,} rows up to place {store.size:,}: seals were taken out or put in")
    roots = _roots(store, {checkpoint.size for checkpoint in known if checkpoint.size <= size})
    for checkpoint in dict.fromkeys(known):
        if checkpoint.size > size:
            problems.append(f"the seals hold {size:,} rows, a checkpoint covers {checkpoint.size:,}: seals were cut off")
        elif roots[checkpoint.size] != checkpoint.root:
            problems.append(
                f"the seals of the first {checkpoint.size:,} rows do not make the checkpoint's root: seals were changed"
            )
    if known[-1].size < size:
        problems.append(f"the seals hold {size:,} rows, the last checkpoint covers {known[-1].size:,}")
    return Judged(tuple(dict.fromkeys(problems)), known[-1])


def _roots(store: SealStore, sizes: set[int]) -> dict[int, bytes]:
    growth, roots = Growth(), {}
    for size in sorted(sizes):
        while growth.size < size:
            leaves = store.hashes(0, growth.size, min(size, growth.size + _CHUNK))
            if not leaves:
                break  # a position is missing: the root will not match
            for _ in growth.extend(leaves):
                pass
        roots[size] = growth.root()
    return roots


class _Comparison:
    """One pass over the table against the entries, and what it found."""

    def __init__(self, table: Table, store: SealStore, latest: Checkpoint, purges: PurgeRecords) -> None:
        self._table, self._store = table, store
        self._size = store.count
        self._form: Form = store.shapes[0].form
        self._snapshot = latest.said("snapshot")
        self._seen = bytearray(self._size // 8 + 1)
        self._highest, self._horizon = _reach(store, self._form)
        self._purges = purges
        self._counts: Counter[str] = Counter()
        self._tampered: list[Tampering] = []
        self._unsealed: list[Unsealed] = []
        self._purged: list[Purged] = []
        self._changed: dict[bytes, Tampering] = {}
        self._strangers: dict[bytes, tuple[RowId, bool]] = {}
        self._intact = self._new = 0

    def read(self) -> None:
        """Look every row of the table up."""
        with self._table.read(self._store.shapes, Scope()) as reading:
            for batch in reading.batches:
                known = self._store.find([row.id for row in batch])
                for row in batch:
                    entry = known.get(row.id)
                    if entry is None or not 0 <= entry.position < self._size:
                        self._judge_stranger(row)
                    elif self._is_seen(entry.position):
                        self._judge_stranger(row, doubled=True)
                    else:
                        self._judge(row, entry)

    def _is_seen(self, position: int) -> bool:
        return bool(self._seen[position >> 3] & 1 << (position & 7))

    def _judge(self, row: SealRow, entry: Entry) -> None:
        self._seen[entry.position >> 3] |= 1 << (entry.position & 7)
        content = row.contents[entry.shape] if 0 <= entry.shape < len(row.contents) else b""
        marks = marks_digest(row.marks)
        if (content, row.stamp, marks) == (entry.content, entry.stamp, entry.marks):
            if row.purge_id is None:
                self._intact += 1
            else:
                self._judge_purge(row, entry)
        elif content != entry.content:
            also = "" if row.stamp == entry.stamp else "and stamped otherwise"
            self._add(Tampering(kind="edited", id=entry.id, position=entry.position, detail=also), content)
        elif row.stamp != entry.stamp:
            self._add(self._dated(row, entry))
        else:
            detail = "in what the database set: " + ", ".join(self._store.shapes[0].marks)
            self._add(Tampering(kind="edited", id=entry.id, position=entry.position, detail=detail))

    def _judge_purge(self, row: SealRow, entry: Entry) -> None:
        record = self._purges.of(row)
        if record is None:
            detail = f"its payload is gone, and there is no record {row.purge_id} that names it"
            self._add(Tampering(kind="edited", id=entry.id, position=entry.position, detail=detail))
            return
        self._counts["purged"] += 1
        if self._counts["purged"] <= LISTED:
            found = Purged(id=entry.id, position=entry.position, record=record.id, is_signed=record.is_signed)
            self._purged.append(found)

    def _dated(self, row: SealRow, entry: Entry) -> Tampering:
        now, then = (instant_of(self._form, stamp) for stamp in (row.stamp, entry.stamp))
        is_earlier = now is None or (then is not None and now < then)
        detail = f"from {_shown(self._form, entry.stamp)} to {_shown(self._form, row.stamp)}"
        kind: Kind = "back-dated" if is_earlier else "re-dated"
        return Tampering(kind=kind, id=entry.id, position=entry.position, detail=detail)

    def _add(self, found: Tampering, content: bytes | None = None) -> None:
        self._counts[found.kind] += 1
        if self._counts[found.kind] <= LISTED:
            self._tampered.append(found)
            if content is not None:
                self._changed[content] = found

    def _judge_stranger(self, row: SealRow, *, doubled: bool = False) -> None:
        """Meet a row that no seal covers: new above what is sealed, apart below it."""
        kind = "doubled" if doubled else self._apart(row)
        if len(self._strangers) < _REMEMBERED:
            for content in row.contents:
                self._strangers[content] = (row.id, kind is not None)
        if kind is None:
            self._new += 1
            return
        self._counts[kind] += 1
        if self._counts[kind] <= LISTED:
            self._unsealed.append(Unsealed(kind=kind, id=row.id, stamp=_shown(self._form, row.stamp)))

    def _apart(self, row: SealRow) -> ApartKind | None:
        transaction = int(row.marks.split(b"\t")[0]) if self._snapshot and row.marks else None
        if transaction is not None and self._snapshot is not None:
            oldest, next_one = (int(text) for text in self._snapshot.split(":")[:2])
            if transaction < oldest:
                return "back-inserted"  # it would have been sealed
            if not self._is_below(row):
                return None
            return "late" if transaction < next_one else "back-inserted"
        return "back-inserted" if self._is_below(row) else None

    def _is_below(self, row: SealRow) -> bool:
        if isinstance(row.id, int) and self._highest is not None:
            return row.id <= self._highest
        moment = instant_of(self._form, row.stamp)
        return moment is not None and self._horizon is not None and moment <= self._horizon

    def find_missing(self) -> None:
        """Name the entries that no row answered to."""
        if self._intact + sum(self._counts[kind] for kind in ("edited", "back-dated", "re-dated", "purged")) == self._size:
            return
        top = max(
            (self._key(entry) for entry in self._store.entries(0, self._size) if self._is_seen(entry.position)), default=None
        )
        for entry in self._store.entries(0, self._size):
            if self._is_seen(entry.position):
                continue
            stranger = self._strangers.get(entry.content)
            if stranger is not None:
                self._add_again(entry, *stranger)
            else:
                kind: Kind = "cut-off" if top is None or self._key(entry) > top else "deleted"
                self._add(Tampering(kind=kind, id=entry.id, position=entry.position))

    def _add_again(self, entry: Entry, row_id: RowId, is_apart: bool) -> None:  # noqa: FBT001
        self._add(Tampering(kind="re-inserted", id=entry.id, position=entry.position, detail=f"as row {row_id}"))
        if is_apart:
            kept = [row for row in self._unsealed if row.id != row_id]
            for row in self._unsealed:
                if row.id == row_id:
                    self._counts[row.kind] -= 1
            self._unsealed = kept
        else:
            self._new -= 1

    def _key(self, entry: Entry) -> tuple[int, str, int]:
        """Return what orders sealed rows: the number, or the stamp, or the place in the seals."""
        if isinstance(entry.id, int) and self._highest is not None:
            return (entry.id, "", 0)
        return (0, instant_of(self._form, entry.stamp) or "", entry.position)

    def report(self, held: Checkpoint, judged: Judged) -> VerifyReport:
        """Put together what was found; contents that changed places are named."""
        gone = self._missing_columns()
        return VerifyReport(
            origin=held.origin,
            size=held.size,
            sealed=self._size,
            intact=self._intact,
            new=self._new,
            counts={kind: count for kind, count in sorted(self._counts.items()) if count},
            tampered=tuple(sorted(self._with_origins(), key=lambda found: found.position)),
            unsealed=tuple(self._unsealed),
            purged=tuple(self._purged),
            problems=(*judged.problems, *gone),
            notes=tuple(self._notes(held)),
        )

    def _with_origins(self) -> list[Tampering]:
        """Say of an edited row whose sealed content it holds now. Cost: a pass over the entries where rows were edited."""
        if not self._changed:
            return self._tampered
        details = {
            self._changed[entry.content].id: f"it holds what was sealed as row {entry.id}"
            for entry in self._store.entries(0, self._size)
            if entry.content in self._changed
        }
        return [
            msgspec.structs.replace(found, detail=details[found.id])
            if found.kind == "edited" and found.id in details
            else found
            for found in self._tampered
        ]

    def _missing_columns(self) -> list[str]:
        now = set(self._table.columns())
        sealed = dict.fromkeys(name for shape in self._store.shapes for name in (*shape.content, *shape.marks, *shape.payload))
        return [f"the column '{name}', which seals cover, is gone" for name in sealed if name not in now]

    def _notes(self, held: Checkpoint) -> list[str]:
        sealed = {name for shape in self._store.shapes for name in (shape.id, shape.stamp, *shape.content)}
        own = {*self._store.shapes[0].marks, *self._store.shapes[0].payload, "purge_id", "purged_payload_hash"}
        added = [name for name in self._table.columns() if name not in sealed and name not in own]
        late = sum(end - begin for begin, end in self._store.late)
        notes = []
        if self._table.hides_rows():
            notes.append("row-level security applies to this user: sealed rows that it hides look deleted")
        if held.size < self._size:
            notes.append(
                f"{self._size - held.size:,} rows were sealed after the checkpoint and rest on the seals' own last one"
            )
        if added:
            notes.append(f"columns that no seal covers yet: {', '.join(added)}")
        if late:
            notes.append(f"{late:,} rows were sealed late")
        return notes


def _reach(store: SealStore, form: Form) -> tuple[int | None, str | None]:
    """Return how far the entries reach: the highest number, or the latest stamp where ids are no numbers."""
    if store.shapes[0].is_numbered:
        highest = store.rows("SELECT max(id) FROM entries WHERE typeof(id) = 'integer'")[0][0]
        return (None if highest is None else int(highest)), None
    stamps = (instant_of(form, entry.stamp) for entry in store.entries(0, store.count))
    return None, max((stamp for stamp in stamps if stamp is not None), default=None)


def _shown(form: Form, stamp: bytes) -> str:
    return instant_of(form, stamp) or "no time"
