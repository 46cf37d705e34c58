"""From the recording thread to the disk to the database: two background threads of one process.

    record() --queue--> keeper --spool (synced)--> shipper --> database
                          `----- disk full: memory ---^

The *keeper* writes what was recorded to the spool, all that gathered during the last write at once. A row is acknowledged when
the spool is synced. The *shipper* sends what is acknowledged, in order, and repeats a batch until its outcome is known; the key
of each row makes the repetition harmless. While the disk takes nothing, rows wait in memory and are acknowledged by the
database; beyond `memory_bytes` the newest are dropped, counted and reported.

Measured on the way here: writing to the file in the recording thread costs only 0.5 microseconds at the median, but gives up
the interpreter's lock, and getting it back takes 5 milliseconds where another thread computes. A queue costs 0.1, always.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Any

import msgspec

from trajectory_compiler.ledger.counts import Counts
from trajectory_compiler.ledger.notices import Notices
from trajectory_compiler.ledger.spool import FRAME_BYTES, FRAME_ROWS, Orphan, Place, Spool, keep_refused, orphans
from trajectory_compiler.ledger.writer import AwayError, RefusedError, UnreadyError, Writer

LINGER_SECONDS = 0.001  # lets a burst gather before the disk is asked to sync
RETRY_SECONDS = 0.5
FIRST_PAUSE_SECONDS = 0.05
LONGEST_PAUSE_SECONDS = 2.0
ORPHANS_EVERY_SECONDS = 30.0
_FOREVER = 10.0**6  # seconds; a wait without any limit could not be interrupted on some systems


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Where the rows of this process are.

    `acknowledged` rows are synced in the spool or committed; `committed` ones are in the database. `refused` rows lie in the
    spool's folder `refused`: the database would not take them. `dropped` rows are lost, for want of disk and memory.
    `replayed` rows came from processes that had ended, `lost_before` were recorded there but never acknowledged. `doubles` were
    in the database already. `failed` rows were never made: no thread could be started, say.
    """

    recorded: int
    acknowledged: int
    committed: int
    refused: int = 0
    dropped: int = 0
    doubles: int = 0
    replayed: int = 0
    lost_before: int = 0
    failed: int = 0

    @property
    def unacknowledged(self) -> int:
        """Rows that a kill of the process might lose now, or that were dropped."""
        return self.recorded - self.acknowledged

    @property
    def uncommitted(self) -> int:
        """Rows that are not in the database yet; refused and dropped ones never will be."""
        return self.recorded - self.committed - self.refused - self.dropped


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What a delivery needs to know. `name` names the process's spool; `gap` records how many rows a dead process lost."""

    root: Path
    name: str
    writer: Writer
    notices: Notices
    gap: Callable[[str, int, int], None]
    memory_bytes: int


class _Marker:
    """A place in the queue: everything recorded before it."""

    number: int | None = None


class Delivery:
    """The threads and the numbers of one process. `count` and `put` are what a recording thread calls, in this order."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._queue: SimpleQueue[bytes | _Marker] = SimpleQueue()
        self._changed = threading.Condition(threading.RLock())  # a signal handler may come on top of itself
        self._pending: deque[bytes] = deque()
        self._head_is_held = False
        self._numbers: dict[str, int] = dict.fromkeys(("taken", "acknowledged", "committed", "refused", "dropped"), 0)
        self._numbers |= dict.fromkeys(("doubles", "replayed", "lost_before"), 0)
        self._memory = 0
        self._stopping = False
        self._spool: Spool | None = None
        self._shipped = Place(0, 0)
        self._orphan: Orphan | None = None
        self._orphans_looked_for = float("-inf")
        self._retry_disk_at = 0.0
        self._counts = Counts.in_memory()
        self._disk_is_out = not self._opened_spool()
        self.count = self._counts.counter()
        self.put: Callable[[bytes], None] = self._queue.put
        self._threads = [
            threading.Thread(target=self._keep_forever, name="trajc-keeper", daemon=True),
            threading.Thread(target=self._ship_forever, name="trajc-shipper", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    # --- for whoever asks -------------------------------------------------------------------------------------------------

    def status(self) -> Status:
        """Return the numbers of this instant."""
        with self._changed:
            numbers = {name: number for name, number in self._numbers.items() if name != "taken"}
            return Status(recorded=self._counts.get("recorded"), **numbers)

    def flush(self, seconds: float | None, *, committed: bool) -> Status:
        """Wait until everything recorded so far is acknowledged (or committed), or until the time is over."""
        marker = _Marker()
        self._queue.put(marker)
        done = ("committed", "refused", "dropped") if committed else ("acknowledged", "dropped")
        with self._changed:
            self._changed.wait_for(
                lambda: marker.number is not None and sum(self._numbers[name] for name in done) >= marker.number,
                _FOREVER if seconds is None else seconds,
            )
        return self.status()

    def drain(self, seconds: float) -> Status:
        """Wait until all is in the database or the time is over; where the database is away, only until all is acknowledged."""
        until = time.monotonic() + seconds
        status = self.flush(seconds, committed=False)
        while status.uncommitted and not self._plan.notices.told("database") and time.monotonic() < until:
            status = self.flush(min(FIRST_PAUSE_SECONDS, until - time.monotonic()), committed=True)
        return status

    def leftovers(self) -> list[bytes]:
        """Return what is in memory after the end: what another thread recorded meanwhile, and what no disk took."""
        rows = list(self._pending)
        with suppress(Empty):
            while True:
                item = self._queue.get_nowait()
                if isinstance(item, bytes):
                    rows.append(item)
        return rows

    def close(self, seconds: float) -> Status:
        """Flush, send what there is time for, and end. What is not in the database stays in the spool for the next process."""
        status = self.drain(seconds)
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        self._queue.put(_Marker())
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(RETRY_SECONDS)
        ended = not any(thread.is_alive() for thread in self._threads)
        if self._spool is not None:
            numbers = self._numbers
            sent = numbers["acknowledged"] == numbers["committed"] + numbers["refused"]
            self._spool.close(remove=ended and sent)
        if ended:
            self._plan.writer.close()
        if status.uncommitted:
            self._plan.notices.tell("left", f"{status.uncommitted} rows are not in the database yet ({self._where()})")
        return status

    def forget(self) -> Any:
        """Let go of everything in a forked child; the parent goes on with it. Return what must not be collected."""
        if self._spool is not None:
            self._spool.forget()
        if self._orphan is not None:
            self._orphan.forget()
        return self._plan.writer.forget(), self

    def _where(self) -> str:
        acknowledged = self.status().unacknowledged == 0
        return f"they wait in {self._plan.root}" if acknowledged else "some of them are in memory only"

    # --- the keeper -------------------------------------------------------------------------------------------------------

    def _keep_forever(self) -> None:
        while not self._stopping:
            rows = self._gathered()
            with self._changed:
                self._pending.extend(rows)
            self._keep_pending()

    def _gathered(self) -> list[bytes]:
        """Wait for rows and return all that are there, less those for which there is no room."""
        items: list[bytes | _Marker] = []
        with suppress(Empty):
            items.append(self._queue.get(timeout=RETRY_SECONDS if self._pending else None))
            time.sleep(LINGER_SECONDS)
            while len(items) < 10 * FRAME_ROWS:
                items.append(self._queue.get_nowait())
        rows: list[bytes] = []
        with self._changed:
            for item in items:
                if isinstance(item, _Marker):
                    item.number = self._numbers["taken"]
                    self._changed.notify_all()
                    continue
                self._numbers["taken"] += 1
                if self._disk_is_out and self._memory + len(item) > self._plan.memory_bytes:
                    self._numbers["dropped"] += 1
                    continue
                self._memory += len(item)
                rows.append(item)
            dropped = self._numbers["dropped"]
        if dropped:
            self._counts.set("dropped", dropped)
            self._plan.notices.tell("dropped", "disk and memory are full: rows are being lost (status().dropped counts them)")
        return rows

    def _keep_pending(self) -> None:
        """Write what waits to the spool, unless the shipper is just sending its head past the spool."""
        with self._changed:
            if self._head_is_held or not self._pending:
                return
            rows, self._pending, self._head_is_held = list(self._pending), deque(), True
        kept = self._kept(rows)
        with self._changed:
            self._head_is_held = False
            self._pending.extendleft(reversed(rows[kept:]))
            self._acknowledge(rows[:kept])

    def _kept(self, rows: Sequence[bytes]) -> int:
        if not self._opened_spool():
            return 0
        assert self._spool is not None
        before = self._spool.counts.get("kept")
        try:
            self._spool.append(rows)
            self._disk_is_out = False
            self._plan.notices.over("disk")
        except OSError as error:
            self._disk_fails(error)
        return self._spool.counts.get("kept") - before

    def _opened_spool(self) -> bool:
        """Make the spool where there is none; say whether there is one. Tries again only now and then."""
        if self._spool is not None:
            return True
        if time.monotonic() < self._retry_disk_at:
            return False
        try:
            self._spool = Spool.create(self._plan.root, self._plan.name)
        except OSError as error:
            self._retry_disk_at = time.monotonic() + RETRY_SECONDS
            self._disk_fails(error)
            return False
        for name in ("recorded", "direct", "dropped"):
            self._spool.counts.set(name, self._counts.get(name))
        self._counts = self._spool.counts
        self.count = self._counts.counter()
        return True

    def _disk_fails(self, error: OSError) -> None:
        self._disk_is_out = True
        reason = error.strerror or type(error).__name__
        self._plan.notices.tell("disk", f"the spool {self._plan.root} takes no rows ({reason}); they wait in memory")

    def _acknowledge(self, rows: Sequence[bytes]) -> None:
        self._numbers["acknowledged"] += len(rows)
        self._memory -= sum(map(len, rows))
        self._changed.notify_all()

    # --- the shipper ------------------------------------------------------------------------------------------------------

    def _ship_forever(self) -> None:
        while not self._stopping:
            self._ship_orphans()
            frame = self._spool.frame_at(self._shipped) if self._spool is not None else None
            if frame is not None:
                refused = self._delivered(frame.rows)
                if refused is not None:
                    self._shipped = frame.after
                    self._note_committed(len(frame.rows), refused)
                    if self._spool is not None:
                        self._spool.release(self._shipped)
            elif self._spool is not None and self._shipped < self._spool.end:
                self._skip_damage(self._spool)
            elif not self._ship_past_the_spool():
                with self._changed:
                    self._changed.wait(RETRY_SECONDS if self._disk_is_out else ORPHANS_EVERY_SECONDS)

    def _ship_past_the_spool(self) -> bool:
        """Send rows that the disk would not take, from memory; say whether there was anything to send."""
        with self._changed:
            if not self._disk_is_out or self._head_is_held or not self._pending:
                return False
            rows: list[bytes] = []
            size = 0
            while self._pending and len(rows) < FRAME_ROWS and size < FRAME_BYTES:
                rows.append(self._pending.popleft())
                size += len(rows[-1])
            self._head_is_held = True
        refused = self._delivered(rows, tries=1)
        with self._changed:
            self._head_is_held = False
            if refused is None:
                self._pending.extendleft(reversed(rows))
                self._changed.wait(RETRY_SECONDS)
                return True
            self._acknowledge(rows)
        self._counts.set("direct", self._counts.get("direct") + len(rows))
        self._note_committed(len(rows), refused)
        return True

    def _ship_orphans(self) -> None:
        """Send what processes that have ended left behind, oldest first, and say what they lost."""
        if time.monotonic() - self._orphans_looked_for < ORPHANS_EVERY_SECONDS:
            return
        self._orphans_looked_for = time.monotonic()
        for orphan in orphans(self._plan.root):
            self._orphan = orphan
            whole = all(self._delivered(frame.rows) is not None for frame in orphan.frames())
            if whole:
                with self._changed:
                    self._numbers["replayed"] += orphan.rows
                    self._numbers["lost_before"] += orphan.lost
                if orphan.lost:
                    self._plan.notices.tell(orphan.folder.name, f"{orphan.folder.name} ended with {orphan.lost} rows lost")
                    self._plan.gap(orphan.folder.name, orphan.recorded, orphan.lost)
            self._orphan = None
            orphan.close(remove=whole)

    def _skip_damage(self, spool: Spool) -> None:
        """Go on behind a part of the spool that somebody removed or changed under our hands."""
        self._plan.notices.tell("damage", f"a part of the spool {spool.folder} cannot be read back: its rows are lost")
        self._shipped = spool.end
        with self._changed:
            missing = self._numbers["acknowledged"] - self._numbers["committed"] - self._numbers["refused"]
            self._numbers["dropped"] += missing
            self._changed.notify_all()

    def _delivered(self, rows: Sequence[bytes], tries: int = 0) -> int | None:
        """Send rows until their outcome is known; return how many were refused.

        None: this process ends first, or the tries are used up (0: no limit).
        """
        pause = FIRST_PAUSE_SECONDS
        tried = 0
        while not self._stopping:
            try:
                new = self._plan.writer.send(rows)
            except RefusedError as error:
                return self._delivered_one_by_one(rows, error)
            except (AwayError, UnreadyError) as error:
                self._plan.notices.tell("database", f"{error}; rows wait in the spool {self._plan.root}")
                tried += 1
                if tried == tries:
                    return None
                with self._changed:
                    self._changed.wait_for(lambda: self._stopping, pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                continue
            self._plan.notices.over("database")
            with self._changed:
                self._numbers["doubles"] += len(rows) - new
            return 0
        return None

    def _delivered_one_by_one(self, rows: Sequence[bytes], error: RefusedError) -> int | None:
        """Find the rows that the database refuses by halving; each goes into a file of its own."""
        if len(rows) > 1:
            middle = len(rows) // 2
            first = self._delivered(rows[:middle])
            second = self._delivered(rows[middle:]) if first is not None else None
            return None if first is None or second is None else first + second
        key = msgspec.json.decode(rows[0])["idempotency_key"]
        try:
            path = keep_refused(self._plan.root, key, rows[0])
            self._plan.notices.tell("refused", f"the database refuses a row ({error}); it is kept in {path}")
        except OSError:
            self._plan.notices.tell("refused", f"the database refuses a row ({error}), and the disk has no room to keep it")
        return 1

    def _note_committed(self, rows: int, refused: int) -> None:
        with self._changed:
            self._numbers["committed"] += rows - refused
            self._numbers["refused"] += refused
            self._changed.notify_all()
