"""The stage that pairs each session's task with its final answer, over the sessions that a compile run selected.

It reads redacted sessions out of the store one at a time and writes each back in a transaction of its own, so that a run that
is stopped loses at most the session at hand; what is done under the same options and statistics is not done again.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from trajectory_compiler.config import COMPILER_VERSION, CompileOptions
from trajectory_compiler.model import short_hash
from trajectory_compiler.pipeline.run import Progress, RunSummary, silent
from trajectory_compiler.pipeline.selected import SelectedSessions
from trajectory_compiler.pipeline.session import split_of
from trajectory_compiler.store import StageResult, Store, StoredSession
from trajectory_compiler.synthesis.acc import ACC_VERSION, ORIGIN, STAGE, check_fields, compile_acc
from trajectory_compiler.synthesis.options import AccOptions


class AccRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage did. `skipped` sessions were done before; `dropped` counts the others without a pair, by reason."""

    run_id: str
    sessions: int
    done: int
    skipped: int
    pairs: int
    dropped: dict[str, int]


class AccStage:
    """The paper's own compilation of what a compile run selected.

    Raises: OptionError: the options name no field. StoreError: the store holds no statistics of the log.
    """

    def __init__(self, store: Store, compiled: RunSummary, compile_options: CompileOptions, options: AccOptions) -> None:
        check_fields(options)
        self._store = store
        self._source = compiled.source
        self._compile, self._options = compile_options, options
        self._selected = SelectedSessions(store, compiled)
        self._key = self._named()

    def _named(self) -> str:
        """Return the name of everything but the session that the pairs depend on."""
        asked = msgspec.json.encode((self._options, self._compile.split_pattern)).decode()
        return short_hash("stage", STAGE, asked, self._selected.snapshot_digest, COMPILER_VERSION, ACC_VERSION)

    def go(self, progress: Progress = silent) -> AccRun:
        """Pair up every waiting session and save what it gives. A session that gives no pair is done, too, with its reason."""
        with self._store.lock(f"pair up {self._source}"):
            options = msgspec.json.encode(self._options).decode()
            run_id = self._store.begin_run(STAGE, self._source, options, COMPILER_VERSION)
            counts: Counter[str] = Counter()
            dropped: Counter[str] = Counter()
            waiting = self._selected.waiting(ORIGIN, self._key)
            try:
                for number, session in enumerate(waiting, start=1):
                    self._session(run_id, session, counts, dropped)
                    progress("pairing", number, len(waiting))
            except BaseException as error:
                stopped = isinstance(error, KeyboardInterrupt)
                self._store.finish_run(run_id, "interrupted" if stopped else "failed", dict(counts))
                raise
            self._store.finish_run(run_id, "done", dict(counts))
        return AccRun(
            run_id=run_id,
            sessions=len(self._selected.sessions),
            done=len(waiting),
            skipped=len(self._selected.sessions) - len(waiting),
            pairs=counts["pairs"],
            dropped=dict(dropped.most_common()),
        )

    def _session(self, run_id: str, session: StoredSession, counts: Counter[str], dropped: Counter[str]) -> None:
        trajectory = self._store.trajectory(session.digest)
        made = compile_acc(self._selected.index(trajectory), self._options, split_of(trajectory.session_id, self._compile))
        self._store.save_stage(
            StageResult(
                run_id=run_id,
                trajectory=trajectory,
                stage=STAGE,
                origin=ORIGIN,
                key=self._key,
                pairs=made.pairs,
                findings=made.findings,
            )
        )
        counts.update(done=1, pairs=len(made.pairs))
        dropped.update(finding.reason for finding in made.findings)
