"""A compile run: the passes in order, what is up to date skipped, every session saved in a transaction of its own batch.

Stopping a run at any instant loses at most the batch that was being written; running again takes up what is missing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Literal, Protocol

import msgspec

from trajectory_compiler.config import COMPILER_VERSION, CompileOptions
from trajectory_compiler.model import Finding, RawTrajectory
from trajectory_compiler.pipeline.erased import ErasedSessions, RemainingSessions
from trajectory_compiler.pipeline.session import compile_key
from trajectory_compiler.pipeline.snapshot import load_snapshot, save_snapshot, take_snapshot
from trajectory_compiler.pipeline.work import Job, Outcome, compile_all, worker_count
from trajectory_compiler.redaction import load_policy, masked
from trajectory_compiler.redaction.identities import key_id
from trajectory_compiler.redaction.keyfile import derive, key_path, keyed_hash, load_key
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.findings import REASONS
from trajectory_compiler.statistics import Snapshot
from trajectory_compiler.store import BlockedSession, SessionResult, Store, StoredPolicy

BATCH_PAIRS = 400
BATCH_TURNS = 4_000


class Progress(Protocol):
    """Where a run says how far it is. `total` is None while it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report `done` sessions of `total` in a stage (`reading`, `compiling`)."""


class Trouble(msgspec.Struct, frozen=True, kw_only=True):
    """Why a session gave nothing: `blocked` by the boundary, or `failed`. `key` names its rows and how they were compiled."""

    state: Literal["blocked", "failed"]
    why: str
    key: str


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did, in counts. `skipped` sessions were up to date, `blocked` ones could not be redacted.

    `erased` ones are in the log and were erased from the store, so they were left out.

    `selected` names all sessions that the run chose, by the keyed digests of their rows: later stages read these alone.
    `turns` counts those of the compiled sessions. `troubles` says what became of blocked and failed sessions, by their names in
    the store.
    """

    run_id: str
    source: str
    sessions: int
    compiled: int
    skipped: int
    blocked: int
    rows: int
    proved: int
    dropped: int
    erased: int = 0
    failed: int = 0
    turns: int = 0
    selected: frozenset[str] = frozenset()
    troubles: dict[str, Trouble] = {}

    def counts(self) -> dict[str, str | int]:
        """Return what the command line shows of it."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if isinstance(value, str | int)}


class Chosen(Protocol):
    """The sessions of a run, read as they are needed, and what reading them dropped."""

    def __iter__(self) -> Iterator[RawTrajectory]:
        """Read them from the beginning."""

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions a run is about. `census` are those that statistics are taken over, where the store holds none.

    `retried` sessions (names in the store) are compiled though nothing changed; those whose key is in `passed_over` are not
    compiled again until something does. `keeps_going` makes a session that meets a defect a trouble instead of an end.
    """

    source: str
    sessions: Chosen
    census: Iterable[RawTrajectory]
    total: int | None = None
    retried: frozenset[str] = frozenset()
    passed_over: frozenset[str] = frozenset()
    keeps_going: bool = False


def silent(stage: str, done: int, total: int | None) -> None:
    """Report nothing."""


def compile_into(store: Store, location: str, options: CompileOptions, progress: Progress = silent) -> RunSummary:
    """Compile a log into a store.

    Raises: InputError: the log cannot be used. StoreLockedError: another run holds the store. StoreError: it cannot be written.
    """
    source = open_source(location, options.source)
    with store.lock(f"compile {source.name}"):
        sessions = open_sessions(source, options.sessions)
        with recorded_run(store, "compile", source.name, options) as record:
            task = Task(source=source.name, sessions=sessions, census=sessions)
            return compile_task(store, task, options, record, progress)


class RunRecord:
    """A run under way: its id, and the totals that are written when it ends well."""

    def __init__(self, run_id: str) -> None:
        self.run_id = run_id
        self.totals: dict[str, int] = {}


@contextmanager
def recorded_run(store: Store, kind: str, source: str, options: CompileOptions) -> Iterator[RunRecord]:
    """Write that a run begins, and how it ended. The caller holds the run lock."""
    record = RunRecord(store.begin_run(kind, source, msgspec.json.encode(options).decode(), COMPILER_VERSION))
    try:
        yield record
    except BaseException as error:
        stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
        store.finish_run(record.run_id, "interrupted" if stopped else "failed", {})
        raise
    store.finish_run(record.run_id, "done", record.totals)


def compile_task(store: Store, task: Task, options: CompileOptions, record: RunRecord, progress: Progress) -> RunSummary:
    """Compile the sessions of a task inside a recorded run, and note the totals there. Errors as in `compile_into`."""
    summary = _Run(store, task, options, record.run_id).go(progress)
    record.totals |= {name: value for name, value in summary.counts().items() if isinstance(value, int)}
    return summary


def _is_dropped(finding: Finding) -> bool:
    """Say whether a finding counts something left out, and not a row that was kept after a repair."""
    return finding.reason not in REASONS or REASONS[finding.reason].drops


class _Run:
    def __init__(self, store: Store, task: Task, options: CompileOptions, run_id: str) -> None:
        self.store = store
        self.task = task
        self.source = task.source
        self.options = options
        self.run_id = run_id
        self.policy = load_policy(options.policy, options.policy_reason)
        self.key = load_key(key_path(store.path), create=True)
        self.key_id = key_id(self.key)
        self.erased = ErasedSessions(store, task.source, self.key)
        self.sessions = RemainingSessions(task.sessions, self.erased)
        self.selected: set[str] = set()
        self.troubles: dict[str, Trouble] = {}
        self.compiled = self.skipped = self.blocked = self.rows = self.proved = self.dropped = self.failed = self.turns = 0

    def go(self, progress: Progress) -> RunSummary:
        policy = self.policy
        content = msgspec.json.encode(policy.without_examples(), order="deterministic")
        self.store.save_policy(StoredPolicy(hash=policy.hash, name=policy.name, reason=policy.reason, content=content))
        snapshot, total = self._snapshot(progress)
        key = compile_key(snapshot.digest(), policy.hash, self.options)
        workers = worker_count(self.options.workers, total if total is not None else snapshot.sessions)
        batch: list[SessionResult | BlockedSession] = []
        size = 0
        stale = self._stale(key, progress, total)
        job = Job(snapshot, self.options, policy, self.key, self.task.keeps_going)
        for outcome in compile_all(stale, job, workers):
            if self.erased.is_erased(outcome.session_id):  # its id is personal: only redacted is it known again
                self.erased.met += 1
                continue
            if outcome.failed:
                self.failed += 1
                self.troubles[outcome.session_id] = Trouble(
                    state="failed", why=outcome.failed, key=f"{outcome.raw_digest}/{key}"
                )
                continue
            batch.append(self._result(outcome, key))
            size += len(outcome.pairs) * (BATCH_TURNS // BATCH_PAIRS) + outcome.turns
            if size >= BATCH_TURNS:
                self.store.save_sessions(batch)
                batch, size = [], 0
        self.store.save_sessions(batch)
        # What reading noticed names rows and sessions by their raw ids, in which the rules may find something.
        found = [msgspec.structs.replace(f, detail=masked(f.detail, policy)) for f in self.sessions.findings()]
        self.store.save_findings(self.run_id, self.source, found)
        self.dropped += sum(finding.count for finding in found if _is_dropped(finding))
        return RunSummary(
            run_id=self.run_id,
            source=self.source,
            sessions=self.compiled + self.skipped + self.blocked + self.failed,
            compiled=self.compiled,
            skipped=self.skipped,
            blocked=self.blocked,
            rows=self.rows,
            proved=self.proved,
            dropped=self.dropped,
            erased=self.erased.met,
            failed=self.failed,
            turns=self.turns,
            troubles=self.troubles,
            selected=frozenset(self.selected),
        )

    def _snapshot(self, progress: Progress) -> tuple[Snapshot, int | None]:
        stored = None if self.options.new_snapshot else load_snapshot(self.store, self.source, self.key)
        if stored is not None and stored.sessions:  # statistics of nothing are none
            return stored, self.task.total
        census = (raw for raw in self.task.census if not self.erased.holds(raw))
        snapshot = take_snapshot(census, lambda done: progress("reading", done, None))
        save_snapshot(self.store, self.source, self.key, snapshot)
        return snapshot, self.task.total or snapshot.sessions

    def _stale(self, key: str, progress: Progress, total: int | None) -> Iterator[RawTrajectory]:
        """Yield the sessions that the store does not hold as they are now, compiled as they would be now."""
        kept = self.store.current_keys(self.source).items()
        current = {"/".join(keys) for name, keys in kept if name not in self.task.retried} | self.task.passed_over
        own = derive(self.key, "rows")
        for number, raw in enumerate(self.sessions, start=1):
            self.rows += len(raw.rows)
            # Keyed: who has the store and guesses a session's rows cannot test the guess.
            raw = msgspec.structs.replace(raw, digest=keyed_hash(own, raw.digest))
            self.selected.add(raw.digest)
            if f"{raw.digest}/{key}" in current:
                self.skipped += 1
            else:
                yield raw
            progress("compiling", number, total)

    def _result(self, outcome: Outcome, key: str) -> SessionResult | BlockedSession:
        self.dropped += sum(finding.count for finding in outcome.findings)
        if outcome.trajectory is None:
            self.blocked += 1
            why = next((finding.detail for finding in outcome.findings), "")
            self.troubles[outcome.session_id] = Trouble(state="blocked", why=why, key=f"{outcome.raw_digest}/{key}")
            return BlockedSession(
                run_id=self.run_id,
                source=self.source,
                session_id=outcome.session_id,
                raw_digest=outcome.raw_digest,
                compile_key=key,
                findings=outcome.findings,
            )
        self.compiled += 1
        self.turns += outcome.turns
        self.proved += len(outcome.pairs)
        return SessionResult(
            run_id=self.run_id,
            trajectory=outcome.trajectory,
            compile_key=key,
            pairs=outcome.pairs,
            findings=outcome.findings,
            identities=outcome.identities,
            key_id=self.key_id,
        )
