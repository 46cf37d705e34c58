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
from collections.abc import Generator, Iterable, Iterator
from functools import partial
from multiprocessing.pool import AsyncResult
from typing import NamedTuple

import msgspec

from trajectory_compiler.config import CompileOptions
from trajectory_compiler.errors import BoundaryError, InputError, StoreError
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
PATIENCE_SECONDS = 1.0  # between two looks at whether a process that is waited for is still there


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
    session of 2,000 turns does not hold up the rest. Where a process is killed (by the system, for its memory), what was under
    way is compiled again, each session in a process of its own, so that only the one that is too large fails.
    Raises: InputError: a session's process was killed, and the job does not keep going.
    """
    if workers <= 1:
        for raw in sessions:
            yield compile_raw(raw, job)
        return
    feed, lost = iter(sessions), True
    while lost:
        unfinished = yield from _compile_with(feed, job, workers)
        lost = bool(unfinished)
        for under_way in unfinished:
            yield under_way.result.get() if under_way.result.ready() else _compile_alone(under_way.packed, job)


class _UnderWay(NamedTuple):
    result: AsyncResult[Outcome]
    packed: bytes


def _compile_with(feed: Iterator[RawTrajectory], job: Job, workers: int) -> Generator[Outcome, None, list[_UnderWay]]:
    """Yield outcomes in order until the feed ends, or a process does: then return what was under way."""
    with multiprocessing.get_context("fork").Pool(workers, _begin, (job,)) as pool:
        crew = _alive()
        waiting: deque[_UnderWay] = deque()
        ahead = 0
        for raw in feed:
            packed = pickle.dumps(raw, protocol=5)
            waiting.append(_UnderWay(pool.apply_async(_work, (packed,)), packed))
            ahead += len(packed)
            while waiting and (waiting[0].result.ready() or (ahead > MAX_BYTES_AHEAD and len(waiting) > 2 * workers)):
                if not _came(waiting[0].result, crew):
                    return list(waiting)
                first = waiting.popleft()
                ahead -= len(first.packed)
                yield first.result.get()
        while waiting:
            if not _came(waiting[0].result, crew):
                return list(waiting)
            yield waiting.popleft().result.get()
    return []


def _came(result: AsyncResult[Outcome], crew: frozenset[int | None]) -> bool:
    """Wait for a result; return whether it came. A pool waits for ever for what a killed process had in hand."""
    while not result.ready():
        result.wait(PATIENCE_SECONDS)
        if not result.ready() and not crew <= _alive():
            result.wait(PATIENCE_SECONDS)  # it may be on its way from another process
            return result.ready()
    return True


def _alive() -> frozenset[int | None]:
    return frozenset(process.pid for process in multiprocessing.active_children())


def _compile_alone(packed: bytes, job: Job) -> Outcome:
    with multiprocessing.get_context("fork").Pool(1, _begin, (job,)) as pool:
        crew, result = _alive(), pool.apply_async(_work, (packed,))
        if _came(result, crew):
            return result.get()
    raw: RawTrajectory = pickle.loads(packed)  # noqa: S301  # made by this process
    name = safe_identifier(raw.session_id, job.policy, job.key)
    if not job.keeps_going:
        seen = f"the system killed its process, most likely for its memory ({len(raw.rows):,} rows)"
        raise InputError(f"compile session '{name}'", seen, "Give this machine more memory, or use fewer --workers.")
    failed = "the system killed its process, most likely for its memory"
    return Outcome(session_id=name, raw_digest=raw.digest, turns=len(raw.rows), trajectory=None, failed=failed)


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
