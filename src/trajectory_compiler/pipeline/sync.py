"""An incremental run: what came since the last one, what waits since then, and nothing else.

    touched by new rows  ─┐
    open at the last run ─┼─> read whole ─> quiet? ─yes─> changed? ─yes─> compile, save ─> move the watermark
    failed before        ─┘                   └─no─> waits           └─no─> skip

One shot and idempotent. The watermark and the list of waiting sessions are written last, together: a run that is killed at any
instant leaves them as they were, and what it had saved is found up to date by the next.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial

import msgspec

from trajectory_compiler.config import CompileOptions, SyncOptions
from trajectory_compiler.model import short_hash
from trajectory_compiler.pipeline.comparing import Comparer, Comparison
from trajectory_compiler.pipeline.erased import ErasedSessions
from trajectory_compiler.pipeline.run import Progress, RunRecord, RunSummary, Task, compile_task, recorded_run, silent
from trajectory_compiler.pipeline.session import compile_key
from trajectory_compiler.pipeline.settling import Naming, Settling, day_or_stamp
from trajectory_compiler.pipeline.snapshot import snapshot_digest
from trajectory_compiler.redaction import Policy, load_policy, safe_identifier
from trajectory_compiler.redaction.keyfile import derive, key_path, keyed_hash, load_key
from trajectory_compiler.sessions import Sessions, open_sessions
from trajectory_compiler.sources.touched import Basis, Look, Position, Watched
from trajectory_compiler.sources.watching import open_watched
from trajectory_compiler.store import Run, Store
from trajectory_compiler.store.daily import Waiting, Watermark


class SyncSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What an incremental run did. `basis` says how new rows were found (`sources.touched`).

    `touched` counts sessions with new rows (null: the log is read as a whole), `looked_at` those that were read. `open`,
    `failing` and `given_up` wait for a later run, `beyond` go on after the window's end. Where all were `compared` with
    the store, `differing` untouched ones were not as they should be and `vanished` ones are gone from the log; `disturbed` says
    that this was found necessary. `moved` says whether the next run starts from here.
    """

    run: RunSummary
    basis: Basis
    touched: int | None
    looked_at: int
    open: int
    failing: int
    given_up: int
    beyond: int
    compared: int
    differing: int
    vanished: int
    disturbed: bool
    moved: bool

    def counts(self) -> dict[str, object]:
        """Return what the command line shows of it as JSON."""
        own = {name: value for name, value in msgspec.structs.asdict(self).items() if name != "run"}
        return dict(self.run.counts()) | own

    def totals(self) -> dict[str, int]:
        """Return the counts that the store keeps of a run."""
        return {name: value for name, value in self.counts().items() if isinstance(value, int) and not isinstance(value, bool)}


class Preview(msgspec.Struct, frozen=True, kw_only=True):
    """What a run would do now. `compiled` sessions are new or changed, `unchanged` ones would be skipped."""

    source: str
    basis: Basis
    touched: int | None
    compiled: int
    unchanged: int
    open: int
    beyond: int
    takes_statistics: bool


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions of the log a run reads (None: all), and what it keeps of the look that found them."""

    sessions: frozenset[str] | None
    look: Look
    touched: int | None = None
    comparison: Comparison | None = None


def sync_into(
    store: Store, location: str, options: CompileOptions, sync: SyncOptions, now: str, progress: Progress = silent
) -> SyncSummary:
    """Bring a store up to date with a log. `now` is ISO 8601 in UTC.

    Raises: InputError: the log or an option cannot be used. StoreLockedError: another run holds the store. StoreError.
    """
    watched = open_watched(location, options.source)
    with store.lock(f"sync {watched.source.name}"), recorded_run(store, "sync", watched.source.name, options) as record:
        return Sync(store, watched, options, sync, now).go(record, progress)


def preview(store: Store, location: str, options: CompileOptions, sync: SyncOptions, now: str) -> Preview:
    """Say what a run would do now, and write nothing. Errors as in `sync_into`, but for the lock: none is needed."""
    return Sync(store, open_watched(location, options.source), options, sync, now).preview()


class Sync:
    """One incremental run over a log that is open already. Whoever lets it write holds the run lock."""

    def __init__(self, store: Store, watched: Watched, options: CompileOptions, sync: SyncOptions, now: str) -> None:
        self.store = store
        self.daily = store.daily()
        self.watched = watched
        self.source = watched.source.name
        self.since = None if sync.since is None else day_or_stamp("--since", sync.since)
        chosen = msgspec.structs.replace(options.sessions, since=self.since or options.sessions.since, limit=None)
        self.options = msgspec.structs.replace(options, sessions=chosen)
        self.sync = sync
        self.now = now
        self.policy: Policy = load_policy(options.policy, options.policy_reason)
        self.secret = load_key(key_path(store.path), create=True)
        erased = ErasedSessions(store, self.source, self.secret)
        self.naming = Naming(self._name, partial(keyed_hash, derive(self.secret, "sessions")), erased.is_erased)
        self.before = {waiting.session_id: waiting for waiting in self.daily.waiting(self.source)}

    def go(self, record: RunRecord, progress: Progress) -> SyncSummary:
        """Plan, compile what is finished, and write what waits."""
        plan = self.plan(progress)
        settling, census = self._sessions(plan)
        task = Task(
            source=self.source,
            sessions=settling,
            census=census,
            total=None if plan.sessions is None else len(plan.sessions),
            retried=frozenset(name for name, waiting in self.before.items() if waiting.state == "failed"),
            passed_over=frozenset(waiting.key for waiting in self.before.values() if waiting.state == "given_up"),
            keeps_going=True,
        )
        summary = compile_task(self.store, task, self.options, record, progress)
        waiting = self._waiting_after(plan, settling, summary)
        position = msgspec.json.encode(plan.look.position).decode()
        mark = Watermark(source=self.source, key=self._keys(new_snapshot=False)[0], position=position)
        moves = self.sync.until is None
        self.daily.settle(self.source, record.run_id, mark if moves else None, waiting)
        done = _summed(self.watched.basis, plan, settling, summary, waiting, moved=moves)
        record.totals |= done.totals()
        return done

    def preview(self) -> Preview:
        """Read what a run would read, and compile nothing."""
        plan = self.plan(silent)
        settling, _ = self._sessions(plan)
        _, key = self._keys(new_snapshot=self.options.new_snapshot)
        current = {"/".join(keys) for keys in self.store.current_keys(self.source).values()}
        own = derive(self.secret, "rows")
        changed = unchanged = 0
        for raw in settling:
            known = f"{keyed_hash(own, raw.digest)}/{key}" in current
            changed, unchanged = changed + (not known), unchanged + known
        return Preview(
            source=self.source,
            basis=self.watched.basis,
            touched=plan.touched,
            compiled=changed,
            unchanged=unchanged,
            open=len(settling.open),
            beyond=len(settling.beyond),
            takes_statistics=not key,
        )

    def plan(self, progress: Progress) -> Plan:
        """Find which sessions must be read."""
        known = None if self._is_window() else self._position()
        look = self.watched.look(known, self.now, self.sync.lag_seconds)
        if known is None or look.sessions is None:
            sessions = self.watched.sessions_since(self.since) if known is None and self.since is not None else None
            return Plan(sessions=sessions, look=look, touched=None if sessions is None else len(sessions))
        chosen, touched, comparison = look.sessions | self._waiting_before(), len(look.sessions), None
        if look.disturbed or self.sync.reconcile:
            comparer = Comparer(self.daily, self.source, self._name, self.options.sessions.min_turns)
            comparison = comparer.compare(self.watched, progress)
            if comparison is None:
                return Plan(sessions=None, look=look, touched=touched)
            chosen |= comparison.differing
        return Plan(sessions=chosen, look=look, touched=touched, comparison=comparison)

    def _is_window(self) -> bool:
        """Say whether the run is over a window, whatever was read before."""
        return self.since is not None and self.sync.until is not None

    def _position(self) -> Position | None:
        """Return where the last run ended, or None: there was none, or other options or statistics change every session."""
        mark = self.daily.watermark(self.source)
        key, _ = self._keys(new_snapshot=self.options.new_snapshot)
        if mark is None or not key or mark.key != key or self._was_compiled_otherwise(mark.updated_at):
            return None
        return msgspec.json.decode(mark.position, type=Position)

    def _was_compiled_otherwise(self, since: str) -> bool:
        """Say whether a run with other options wrote to the store since a stamp: by hand, or one that never ended."""
        own = _deciding(self.options)
        runs = [run for run in self.store.runs() if run.source == self.source and run.kind in ("compile", "sync")]
        return any(run.started_at >= since and _deciding(_options_of(run)) != own for run in runs)

    def _keys(self, *, new_snapshot: bool) -> tuple[str, str]:
        """Return what a position holds under, and the compile key; both empty while there are no statistics to go by."""
        snapshot = None if new_snapshot else snapshot_digest(self.store, self.source, self.secret)
        if snapshot is None:
            return "", ""
        key = compile_key(snapshot, self.policy.hash, self.options)
        columns = sorted(self.watched.source.mapping.columns.items())
        read = msgspec.json.encode([self.options.sessions, columns, self.options.source.table, self.options.source.query])
        return short_hash("position", self.watched.basis, read.decode(), key), key

    def _sessions(self, plan: Plan) -> tuple[Settling, Sessions]:
        """Return the finished ones of the planned sessions, and all sessions for the statistics; both are read when needed."""
        census = open_sessions(self.watched.source, self.options.sessions)
        some = census
        if plan.sessions is not None:
            some = open_sessions(self.watched.rows_of(plan.sessions), self.options.sessions)
        return Settling(some, self.now, self.sync, self.naming, self.before), census

    def _name(self, session_id: str) -> str:
        return safe_identifier(session_id, self.policy, self.secret)

    def _waiting_before(self) -> frozenset[str]:
        """Return the waiting sessions by their names in the log."""
        due = [waiting for waiting in self.before.values() if waiting.state != "given_up"]
        hidden = {waiting.found_by for waiting in due if waiting.found_by}
        plain = frozenset(waiting.session_id for waiting in due if not waiting.found_by)
        if not hidden:
            return plain
        everything = set(self.watched.source.session_ids())
        return plain | {session for session in everything if self.naming.found_by(session) in hidden}

    def _waiting_after(self, plan: Plan, settling: Settling, summary: RunSummary) -> list[Waiting]:
        """Return what waits for a later run: what did before and was not looked at, what failed, what is open."""
        planned = None if plan.sessions is None or not self.before else set(map(self._name, plan.sessions))
        beyond = set(map(self._name, settling.beyond)) if self.before else set()
        _, key = self._keys(new_snapshot=False)
        waiting: dict[str, Waiting] = {}
        for name, known in self.before.items():
            rows, _, own = known.key.partition("/")
            passed_over = known.state == "given_up" and own == key and rows in summary.selected
            if passed_over or name in beyond or (plan.sessions is not None and planned is not None and name not in planned):
                waiting[name] = known
        hidden = {name: raw for raw in settling.passed if (name := self._name(raw)) != raw} if summary.troubles else {}
        for name, trouble in summary.troubles.items():
            known_before = self.before.get(name)
            same = known_before is not None and known_before.key == trouble.key
            attempts = 1 + (known_before.attempts if known_before is not None and same else 0)
            waiting[name] = Waiting(
                session_id=name,
                state="given_up" if attempts >= self.sync.tries else "failed",
                attempts=attempts,
                why=f"{trouble.state}: {trouble.why}",
                found_by=self.naming.found_by(hidden[name]) if name in hidden else "",
                key=trouble.key,
            )
        return list((waiting | settling.open).values())


def _deciding(options: CompileOptions) -> tuple[object, ...]:
    """Return the options that decide which pairs a session gives, apart from its statistics."""
    return options.dataflow, options.policy, options.effects, options.split_pattern


def _options_of(run: Run) -> CompileOptions:
    return msgspec.json.decode(run.options, type=CompileOptions)


def _summed(
    basis: Basis, plan: Plan, settling: Settling, run: RunSummary, waiting: Sequence[Waiting], *, moved: bool
) -> SyncSummary:
    states = Counter(one.state for one in waiting)
    found = plan.comparison
    return SyncSummary(
        run=run,
        basis=basis,
        touched=plan.touched,
        looked_at=run.sessions + len(settling.open) + len(settling.beyond),
        open=states["open"],
        failing=states["failed"],
        given_up=states["given_up"],
        beyond=len(settling.beyond),
        compared=0 if found is None else found.compared,
        differing=0 if found is None else len(found.differing - (plan.look.sessions or frozenset())),
        vanished=0 if found is None else found.vanished,
        disturbed=plan.look.disturbed,
        moved=moved,
    )
