"""The part of a run that is spread over processes: raw session in, packed result out, in the order of the log.

Workers get a session at a time and send bytes back; the parent alone writes to the store. What is under way is bounded in
bytes, so that memory does not grow with the log.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import traceback
from collections import deque
from collections.abc import Iterable, Iterator
from functools import partial
from multiprocessing.pool import AsyncResult

import msgspec

from trajectory_compiler.config import CompileOptions
from trajectory_compiler.errors import BoundaryError, StoreError
from trajectory_compiler.model import Finding, Pair, RawTrajectory, Row
from trajectory_compiler.pipeline.deadline import deadline
from trajectory_compiler.pipeline.session import Corpus, compile_trajectory
from trajectory_compiler.redaction import Boundary, Policy, redact_and_name, safe_identifier
from trajectory_compiler.redaction.identities import IdentityHash, hash_identities
from trajectory_compiler.sessions.effects import is_effect
from trajectory_compiler.statistics import Snapshot
from trajectory_compiler.store import PackedTrajectory, pack

SMALL_LOG = 24
MAX_BYTES_AHEAD = 48 << 20


class Job(msgspec.Struct, frozen=True):
    """What every worker needs: the statistics, the options, the policy that they name, and the store's key, if there is one.

    With `keeps_going` a session that meets a defect of this program is an outcome, too; without it the error ends the run.
    """

    snapshot: Snapshot
    options: CompileOptions
    policy: Policy
    key: bytes | None = None
    keeps_going: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """One session's result. `trajectory` is None where the boundary blocked it, or where it `failed`: that says how.

    `identities` are there only with a key.
    """

    session_id: str
    raw_digest: str
    turns: int
    trajectory: PackedTrajectory | None
    pairs: tuple[Pair, ...] = ()
    findings: tuple[Finding, ...] = ()
    identities: tuple[IdentityHash, ...] = ()
    failed: str = ""


def compile_raw(raw: RawTrajectory, job: Job) -> Outcome:
    """Redact and compile one session. A blocked session becomes a finding; any other error ends the run or fails it.

    Which of the two the job says (`keeps_going`).
    """
    if not job.keeps_going:
        return _compiled(raw, job)
    try:
        return _compiled(raw, job)
    except StoreError:  # the session cannot be written in any form; its text names it, so only the kind of error is kept
        reason = "its content cannot be written as JSON"
    except Exception as error:  # noqa: BLE001  # a defect that one session meets must not end a nightly run
        reason = _defect(error)
    name = safe_identifier(raw.session_id, job.policy, job.key)
    return Outcome(session_id=name, raw_digest=raw.digest, turns=len(raw.rows), trajectory=None, failed=reason)


def _defect(error: Exception) -> str:
    """Say what went wrong and where, and nothing that the error quotes: it may be the log."""
    last = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} in {last.filename.rpartition(os.sep)[2]}, line {last.lineno}"


def _compiled(raw: RawTrajectory, job: Job) -> Outcome:
    overrides = job.options.effects
    boundary = Boundary(partial(_is_effect, overrides), job.snapshot.document_frequency, job.key)
    try:
        with deadline(job.policy.limits.max_session_seconds):
            redaction = redact_and_name(raw, job.policy, boundary)
    except BoundaryError as error:
        name = safe_identifier(raw.session_id, job.policy, job.key)
        blocked = Finding(stage="redaction", reason="blocked", session_id=name, detail=error.seen)
        return Outcome(session_id=name, raw_digest=raw.digest, turns=len(raw.rows), trajectory=None, findings=(blocked,))
    trajectory = redaction.trajectory
    corpus = Corpus(job.snapshot.document_frequency, job.snapshot.sessions)
    compiled = compile_trajectory(trajectory, corpus, job.options)
    return Outcome(
        session_id=trajectory.session_id,
        raw_digest=raw.digest,
        turns=len(trajectory.turns),
        trajectory=pack(trajectory),
        pairs=compiled.pairs,
        findings=compiled.findings,
        identities=hash_identities(redaction.named, job.key) if job.key else (),
    )


def _is_effect(overrides: dict[str, bool], row: Row) -> bool:
    return row.kind == "tool" and is_effect(row.tool, overrides)


def compile_all(sessions: Iterable[RawTrajectory], job: Job, workers: int) -> Iterator[Outcome]:
    """Yield the outcome of every session in order, over `workers` processes (1: in this one).

    While a long session is compiled the others go on behind it, up to a fixed number of bytes: memory is bounded, and one
    session of 2,000 turns does not hold up the rest.
    """
    if workers <= 1:
        for raw in sessions:
            yield compile_raw(raw, job)
        return
    with multiprocessing.get_context("fork").Pool(workers, _begin, (job,)) as pool:
        waiting: deque[tuple[AsyncResult[Outcome], int]] = deque()
        ahead = 0
        for raw in sessions:
            packed = pickle.dumps(raw, protocol=5)
            waiting.append((pool.apply_async(_work, (packed,)), len(packed)))
            ahead += len(packed)
            while waiting and (waiting[0][0].ready() or (ahead > MAX_BYTES_AHEAD and len(waiting) > 2 * workers)):
                result, size = waiting.popleft()
                ahead -= size
                yield result.get()
        while waiting:
            yield waiting.popleft()[0].get()


def worker_count(wanted: int, sessions: int) -> int:
    """Return how many processes to use: as asked, else one a core, and one alone for a small log."""
    if wanted:
        return wanted
    return (
        1
        if sessions <= SMALL_LOG
        else len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count() or 1
    )


_job: list[Job] = []


def _begin(job: Job) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _job[:] = [job]


def _work(packed: bytes) -> Outcome:
    raw: RawTrajectory = pickle.loads(packed)  # noqa: S301  # made by the parent process a moment ago
    return compile_raw(raw, _job[0])
