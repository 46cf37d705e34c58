"""A compile run: the passes in order, what is up to date skipped, every session saved in a transaction of its own batch.

Stopping a run at any instant loses at most the batch that was being written; running again takes up what is missing.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol

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
from trajectory_compiler.sessions import Sessions, open_sessions
from trajectory_compiler.sources import Source, open_source
from trajectory_compiler.sources.findings import REASONS
from trajectory_compiler.statistics import Snapshot
from trajectory_compiler.store import BlockedSession, SessionResult, Store, StoredPolicy

BATCH_PAIRS = 400
BATCH_TURNS = 4_000


class Progress(Protocol):
    """Where a run says how far it is. `total` is None while it is not known."""

    def __call__(self, stage: str, done: int, total: int | None) -> None:
        """Report `done` sessions of `total` in a stage (`reading`, `compiling`)."""


class RunSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a run did, in counts. `skipped` sessions were up to date, `blocked` ones could not be redacted.

    `erased` ones are in the log and were erased from the store, so they were left out.

    `selected` names all sessions that the run chose, by the keyed digests of their rows: later stages read these alone.
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
    selected: frozenset[str] = frozenset()

    def counts(self) -> dict[str, str | int]:
        """Return what the command line shows of it."""
        return {name: value for name, value in msgspec.structs.asdict(self).items() if isinstance(value, str | int)}


def silent(stage: str, done: int, total: int | None) -> None:
    """Report nothing."""


def compile_into(store: Store, location: str, options: CompileOptions, progress: Progress = silent) -> RunSummary:
    """Compile a log into a store.

    Raises: InputError: the log cannot be used. StoreLockedError: another run holds the store. StoreError: it cannot be written.
    """
    source = open_source(location, options.source)
    with store.lock(f"compile {source.name}"):
        sessions = open_sessions(source, options.sessions)
        run_id = store.begin_run("compile", source.name, msgspec.json.encode(options).decode(), COMPILER_VERSION)
        try:
            summary = _Run(store, source, sessions, options, run_id).go(progress)
        except BaseException as error:
            stopped = isinstance(error, KeyboardInterrupt | GeneratorExit)
            store.finish_run(run_id, "interrupted" if stopped else "failed", {})
            raise
        store.finish_run(run_id, "done", {name: value for name, value in summary.counts().items() if isinstance(value, int)})
        return summary


def _is_dropped(finding: Finding) -> bool:
    """Say whether a finding counts something left out, and not a row that was kept after a repair."""
    return finding.reason not in REASONS or REASONS[finding.reason].drops


class _Run:
    def __init__(self, store: Store, source: Source, sessions: Sessions, options: CompileOptions, run_id: str) -> None:
        self.store = store
        self.source = source
        self.options = options
        self.run_id = run_id
        self.policy = load_policy(options.policy, options.policy_reason)
        self.key = load_key(key_path(store.path), create=True)
        self.key_id = key_id(self.key)
        self.erased = ErasedSessions(store, source.name, self.key)
        self.sessions = RemainingSessions(sessions, self.erased)
        self.selected: set[str] = set()
        self.compiled = self.skipped = self.blocked = self.rows = self.proved = self.dropped = 0

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
        for outcome in compile_all(stale, Job(snapshot, self.options, policy, self.key), workers):
            if self.erased.is_erased(outcome.session_id):  # its id is personal: only redacted is it known again
                self.erased.met += 1
                continue
            batch.append(self._result(outcome, key))
            size += len(outcome.pairs) * (BATCH_TURNS // BATCH_PAIRS) + outcome.turns
            if size >= BATCH_TURNS:
                self.store.save_sessions(batch)
                batch, size = [], 0
        self.store.save_sessions(batch)
        # What reading noticed names rows and sessions by their raw ids, in which the rules may find something.
        found = [msgspec.structs.replace(f, detail=masked(f.detail, policy)) for f in self.sessions.findings()]
        self.store.save_findings(self.run_id, self.source.name, found)
        self.dropped += sum(finding.count for finding in found if _is_dropped(finding))
        return RunSummary(
            run_id=self.run_id,
            source=self.source.name,
            sessions=self.compiled + self.skipped + self.blocked,
            compiled=self.compiled,
            skipped=self.skipped,
            blocked=self.blocked,
            rows=self.rows,
            proved=self.proved,
            dropped=self.dropped,
            erased=self.erased.met,
            selected=frozenset(self.selected),
        )

    def _snapshot(self, progress: Progress) -> tuple[Snapshot, int | None]:
        stored = None if self.options.new_snapshot else load_snapshot(self.store, self.source.name, self.key)
        if stored is not None:
            return stored, None
        snapshot = take_snapshot(self.sessions, lambda done: progress("reading", done, None))
        save_snapshot(self.store, self.source.name, self.key, snapshot)
        return snapshot, snapshot.sessions

    def _stale(self, key: str, progress: Progress, total: int | None) -> Iterator[RawTrajectory]:
        """Yield the sessions that the store does not hold as they are now, compiled as they would be now."""
        current = set(self.store.current_keys(self.source.name).values())
        own = derive(self.key, "rows")
        for number, raw in enumerate(self.sessions, start=1):
            self.rows += len(raw.rows)
            # Keyed: who has the store and guesses a session's rows cannot test the guess.
            raw = msgspec.structs.replace(raw, digest=keyed_hash(own, raw.digest))
            self.selected.add(raw.digest)
            if (raw.digest, key) in current:
                self.skipped += 1
            else:
                yield raw
            progress("compiling", number, total)

    def _result(self, outcome: Outcome, key: str) -> SessionResult | BlockedSession:
        self.dropped += sum(finding.count for finding in outcome.findings)
        if outcome.trajectory is None:
            self.blocked += 1
            return BlockedSession(
                run_id=self.run_id,
                source=self.source.name,
                session_id=outcome.session_id,
                raw_digest=outcome.raw_digest,
                compile_key=key,
                findings=outcome.findings,
            )
        self.compiled += 1
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
