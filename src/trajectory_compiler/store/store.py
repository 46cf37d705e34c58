"""The store: everything that was compiled, in one file that only its owner reads, or in a schema of a PostgreSQL server.

    with Store.open(".trajc/store.db") as store, store.lock("compile"):
        run = store.begin_run("compile", "log", "{}", COMPILER_VERSION)
        store.save_session(SessionResult(run_id=run, trajectory=trajectory, compile_key=key, pairs=pairs))
        store.finish_run(run, "done", {"sessions": 1})

Every write is one transaction: a run that is killed leaves whole sessions and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from types import TracebackType

from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.model import Finding, Pair, State, Trajectory
from trajectory_compiler.store import calls as model_calls
from trajectory_compiler.store import journal, reading, reviewing, saving, subjects, verifying
from trajectory_compiler.store.calls import CostLine, CostsBy, RunLedger, StoredCall
from trajectory_compiler.store.cleaning import clean
from trajectory_compiler.store.clock import Clock, utc_now
from trajectory_compiler.store.daily import Daily
from trajectory_compiler.store.erasing import drop_old_snapshots
from trajectory_compiler.store.erasure import Erasure
from trajectory_compiler.store.figures import Figures
from trajectory_compiler.store.lineage import Lineage, lineage
from trajectory_compiler.store.mirror import MirrorReport, Progress, mirror
from trajectory_compiler.store.mirror_check import MirrorCheck, check
from trajectory_compiler.store.opening import DEFAULT_STORE, Opened, open_database
from trajectory_compiler.store.records import (
    Action,
    BlockedSession,
    Drop,
    KnownIn,
    PairFacts,
    PairQuery,
    Review,
    Run,
    RunStatus,
    SessionResult,
    StageResult,
    StoredPolicy,
    StoredSession,
    Totals,
)
from trajectory_compiler.store.verifying import ReadingResult, StoredCalibration, StoredReading

__all__ = ["DEFAULT_STORE", "Store"]


class Store:
    """An open store. Make one with `Store.open`; close it, or use it as a context manager."""

    def __init__(self, opened: Opened, clock: Clock, *, read_only: bool) -> None:
        self._database = opened.database
        self._clock = clock
        self.path = opened.beside  # the file; of a store on a server, the local path beside which its key lies
        self.location = opened.location  # what opens it again, with any password
        self.name = opened.database.name
        self.read_only = read_only

    @classmethod
    def open(cls, path: Path | str, *, create: bool = True, read_only: bool = False, clock: Clock = utc_now) -> Store:
        """Open the store at `path`, creating it (file 0600, new folders 0700 with a `.gitignore`) or migrating it first.

        `path` may be postgresql://USER@HOST/DATABASE?schema=NAME. The key is kept here all the same: `.trajc/store-ID.key`.
        A folder that exists already is left as it is: the `.gitignore` goes only into folders that belong to the store.
        Raises: StoreError: the place cannot be used. StoreVersionError: a newer program wrote the store.
        """
        opened = open_database(path, clock, create=create, read_only=read_only)
        return cls(opened, clock, read_only=read_only)

    def __enter__(self) -> Store:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close the file. A closed store cannot be used again."""
        self._database.close()

    def view(self) -> AbstractContextManager[None]:
        """Read one unchanging state inside the block, whatever other runs write meanwhile; nothing may be written inside."""
        return self._database.view()

    def damage(self) -> tuple[str, ...]:
        """Return what the engine's own check finds wrong with the file: nothing in a sound store."""
        return self._database.damage()

    @property
    def erasure(self) -> Erasure:
        """Return the store as an erasure sees it: access requests, erasing, tombstones, legal holds."""
        return Erasure(self._database, self.path, self._clock)

    def mirror_into(self, options: MirrorOptions, progress: Progress | None = None) -> MirrorReport:
        """Make a mirror on a server what this store is now: send what differs, delete what is gone. Items stay whole.

        Raises: StoreError: the server cannot be reached, is lost or refuses; run again to go on. StoreLockedError: it runs.
        """
        return mirror(self._database, self.path, self._clock, options, progress or _silent)

    def compare_with(self, options: MirrorOptions, progress: Progress | None = None) -> MirrorCheck:
        """Read this store and its mirror and compare them by digest, table by table. Raises StoreError as above."""
        return check(self._database, self._clock, options, progress or _silent)

    # Runs

    @contextmanager
    def lock(self, purpose: str) -> Iterator[None]:
        """Hold the run lock while something is compiled. Raises StoreLockedError (exit 4) where another run holds it.

        Whoever holds it knows that no other run is alive, so runs that never ended are marked as interrupted, and an erasure
        that was cut is finished.
        """
        with self._database.lock(purpose, self._clock()):
            with self._database.transaction():
                journal.mark_interrupted(self._database)
            clean(self._database, self.path)
            yield

    def begin_run(self, kind: str, source: str, options: str, compiler_version: str) -> str:
        """Write that a run begins and return its id. `options` is JSON."""
        with self._database.transaction():
            return journal.begin_run(self._database, kind, source, options, compiler_version, self._clock())

    def finish_run(self, run_id: str, status: RunStatus, totals: dict[str, int]) -> None:
        """Write how a run ended and what it did."""
        with self._database.transaction():
            journal.finish_run(self._database, run_id, status, totals, self._clock())

    def runs(self) -> tuple[Run, ...]:
        """Return all runs, oldest first; one that was killed shows as `interrupted`."""
        return journal.runs(self._database, alive=self._database.is_locked())

    def record_action(self, action: Action) -> None:
        """Write who did what with the store's content."""
        with self._database.transaction():
            journal.record_action(self._database, action)

    def actions(self) -> tuple[Action, ...]:
        """Return who did what, oldest first."""
        return journal.actions(self._database)

    # Sessions in

    def is_current(self, source: str, session_id: str, raw_digest: str, compile_key: str) -> bool:
        """Return whether the session was compiled (or blocked) from exactly these rows under exactly this key."""
        row = self._database.row(
            "SELECT raw_digest, compile_key FROM sessions WHERE source = ? AND session_id = ?", (source, session_id)
        )
        return row == (raw_digest, compile_key)

    def current_keys(self, source: str) -> dict[str, tuple[str, str]]:
        """Return (raw digest, compile key) of every session of a source by session id: `is_current` for a whole run."""
        rows = self._database.rows("SELECT session_id, raw_digest, compile_key FROM sessions WHERE source = ?", (source,))
        shared: dict[str, str] = {}  # nearly all sessions have one compile key: keep one string for all of them
        return {row[0]: (row[1], shared.setdefault(row[2], row[2])) for row in rows}

    def save_session(self, result: SessionResult) -> None:
        """Write one compiled session in one transaction, in place of what the store held of it."""
        self.save_sessions((result,))

    def save_sessions(self, results: Iterable[SessionResult | BlockedSession]) -> None:
        """Write several sessions in one transaction: all of them or none.

        A pair that a session no longer gives becomes `superseded`; reviews are kept and carry over to the same text.
        """
        now = self._clock()
        with self._database.transaction():
            for result in results:
                if isinstance(result, BlockedSession):
                    saving.save_blocked(self._database, result, now)
                else:
                    saving.save_session(self._database, result, now)

    def save_stage(self, result: StageResult) -> None:
        """Write what a later stage made of a stored session, in one transaction, in place of what it had made before."""
        with self._database.transaction():
            saving.save_stage(self._database, result, self._clock())

    def save_findings(self, run_id: str, source: str, findings: Sequence[Finding]) -> None:
        """Write what a run left out before compiling: unreadable rows, sessions too short. Replaces the last run's list."""
        with self._database.transaction():
            saving.save_run_findings(self._database, run_id, source, findings, self._clock())

    def save_snapshot(self, source: str, digest: str, data: bytes) -> None:
        """Write the statistics snapshot of a source and make it the current one.

        Older ones are kept, but not where a session was erased since: they count it.
        """
        with self._database.transaction():
            self._database.execute("UPDATE snapshots SET is_current = 0 WHERE source = ?", (source,))
            self._database.execute(
                "INSERT INTO snapshots (source, digest, data, is_current, created_at) VALUES (?, ?, ?, 1, ?) "
                "ON CONFLICT (source, digest) DO UPDATE SET is_current = 1",
                (source, digest, data, self._clock()),
            )
            drop_old_snapshots(self._database, source)

    def save_policy(self, policy: StoredPolicy) -> None:
        """Write by which rules sessions are redacted, under the hash that their trajectories name."""
        with self._database.transaction():
            subjects.save_policy(self._database, policy, self._clock())

    # Reading

    def policy(self, policy_hash: str) -> StoredPolicy | None:
        """Return the policy with this hash, or None: older stores did not keep them."""
        return subjects.policy(self._database, policy_hash)

    def known_in(self, hashes: Collection[str]) -> tuple[KnownIn, ...]:
        """Return the sessions in which one of some identities (`redaction.identities.hashes_of`) was found."""
        return subjects.known_in(self._database, hashes)

    def sessions_under_other_keys(self, key_id: str) -> int:
        """Return how many sessions hold hashes of another key, in which no subject can be found."""
        return subjects.under_other_keys(self._database, key_id)

    def snapshot(self, source: str) -> tuple[str, bytes] | None:
        """Return digest and data of the current statistics snapshot of a source, or None where there is none."""
        row = self._database.row("SELECT digest, data FROM snapshots WHERE source = ? AND is_current = 1", (source,))
        return None if row is None else (row[0], bytes(row[1]))

    def pairs(self, query: PairQuery | None = None) -> Iterator[Pair]:
        """Yield the pairs that a query asks for; without one, every pair that may be shown as a result."""
        return reading.pairs(self._database, query or PairQuery())

    def pair(self, prefix: str) -> Pair:
        """Return the pair whose id begins with `prefix`. Raises InputError where none does, or several do."""
        return reading.pair(self._database, prefix)

    def sessions(self, source: str) -> tuple[StoredSession, ...]:
        """Return the compiled sessions of a source by id: blocked and erased ones are left out."""
        return reading.sessions(self._database, source)

    def stage_keys(self, source: str, origin: str) -> dict[str, tuple[str, str]]:
        """Return (trajectory digest, key) of every session that a later stage is done with, by session id."""
        return reading.stage_keys(self._database, source, origin)

    def trajectory(self, digest: str) -> Trajectory:
        """Return the redacted session with this digest. Raises StoreError where the store holds none."""
        return reading.trajectory(self._database, digest)

    def trajectory_of(self, pair: Pair) -> Trajectory:
        """Return the redacted session that a pair was proved on."""
        return reading.trajectory_of(self._database, pair)

    def lineage(self, pair: Pair) -> Lineage:
        """Return where a pair comes from and where it went. Raises StoreError where its session is gone."""
        return lineage(self._database, pair)

    def facts(self, query: PairQuery | None = None) -> Iterator[PairFacts]:
        """Yield the figures of the matching pairs, without their text: what statistics are made of."""
        return reading.facts(self._database, query or PairQuery())

    def drops(self, *, source: str | None = None, run_id: str | None = None) -> tuple[Drop, ...]:
        """Return what was dropped by stage and reason, the most frequent first; of one source or run where named."""
        return reading.drops(self._database, source, run_id)

    def findings(self, *, source: str | None = None, session: str | None = None) -> Iterator[Finding]:
        """Yield single findings with their places, of one source or session where named."""
        return reading.findings(self._database, source, session)

    def totals(self) -> Totals:
        """Count sessions, turns, pairs by state and reviews."""
        return reading.totals(self._database)

    def daily(self) -> Daily:
        """Return what incremental runs remember: watermarks, waiting sessions, what is held of each session."""
        return Daily(self._database, self._clock)

    def figures(self) -> Figures:
        """Return the counts that reports are made of."""
        return Figures(self._database)

    # Model calls

    def call_ledger(self, run_id: str) -> RunLedger:
        """Return the ledger and response cache (`models.ledger.CallLedger`) in which a run's model calls are written."""
        return RunLedger(self._database, run_id, self._clock)

    def calls(self) -> Iterator[StoredCall]:
        """Yield all model calls, paid or answered from the store, oldest first."""
        return model_calls.calls(self._database)

    def costs(self, by: CostsBy) -> tuple[CostLine, ...]:
        """Return what model calls cost, by run, day, model, stage or pair; every way of adding up gives the same sum."""
        return model_calls.costs(self._database, by)

    # Readers

    def save_reading(self, result: ReadingResult) -> None:
        """Write what a reader found for one pair; a person's decision about the pair outranks it."""
        with self._database.transaction():
            verifying.save_reading(self._database, result, self._clock())

    def readings(self, checker: str | None = None) -> Iterator[StoredReading]:
        """Yield what readers found, of one (`reader:MODEL`) where it is named, by pair."""
        return verifying.readings(self._database, checker)

    def save_calibration(self, run_id: str, found: StoredCalibration) -> None:
        """Write how well a reader told sound pairs from planted faults; earlier calibrations are kept."""
        with self._database.transaction():
            verifying.save_calibration(self._database, run_id, found)

    def calibrations(self) -> tuple[StoredCalibration, ...]:
        """Return all calibrations, oldest first."""
        return verifying.calibrations(self._database)

    # Reviews

    def add_review(self, review: Review) -> State:
        """Store a person's decision and return the state of the pair after it.

        Raises: InputError: there is no such pair, or the review accepts one past an exact gate.
        """
        with self._database.transaction():
            return reviewing.add_review(self._database, reading.pair(self._database, review.pair_id), review)

    def save_edit(self, edited: Pair, review: Review) -> None:
        """Store a pair's new question, in the state that it is given, and who wrote it."""
        with self._database.transaction():
            reviewing.save_edit(self._database, edited, review)

    def reviews(self, pair_id: str) -> tuple[Review, ...]:
        """Return all reviews of a pair, oldest first."""
        return reviewing.reviews(self._database, pair_id)


def _silent(_stage: str, _done: int, _total: int | None) -> None:
    """Show no progress."""
