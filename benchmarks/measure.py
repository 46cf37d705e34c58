"""What one measurement is, and how it is made in a fresh process."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Literal

import msgspec

ROOT = Path(__file__).resolve().parents[1]


Policy = Literal["off", "standard"]
POLICIES: tuple[Policy, ...] = ("off", "standard")


class Log(msgspec.Struct, frozen=True, kw_only=True):
    """A log file to measure on."""

    name: str
    path: str
    rows: int
    bytes: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """What to measure. `workers` 0 means one process a core; `per_copy` counts pairs by the copy that their session is of.

    `max_pairs` limits the pairs of a session; None leaves the usual number.
    """

    kind: Literal["floor", "inspect", "compile", "profile", "texts", "digests"]
    log: Log
    policy: Policy = "off"
    workers: int = 1
    per_copy: bool = False
    max_pairs: int | None = None


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """What a job did and cost. CPU seconds include the workers'; `worker_peak_bytes` is the largest worker's memory."""

    job: Job
    counts: dict[str, int]
    wall_seconds: float
    cpu_seconds: float
    peak_bytes: int
    worker_peak_bytes: int

    @property
    def rows_per_second(self) -> float:
        """Rows per CPU second: comparable between a quiet and a busy machine."""
        return self.job.log.rows / self.cpu_seconds

    @property
    def memory_bytes(self) -> int:
        """An upper bound of the memory of all processes together: what they share is counted in each."""
        return self.peak_bytes + self.workers * self.worker_peak_bytes

    @property
    def workers(self) -> int:
        """How many worker processes the job had: none where it ran in one process."""
        if self.job.kind != "compile" or not self.worker_peak_bytes:
            return 0
        return self.job.workers or len(os.sched_getaffinity(0))

    @property
    def mb_per_second(self) -> float:
        """Megabytes (10^6 bytes) of log per CPU second."""
        return self.job.log.bytes / 1e6 / self.cpu_seconds


class ChildFailedError(Exception):
    """A measurement ended in an error; its text is the child's."""


class ChildStoppedError(Exception):
    """A measurement took longer than it may."""


def measured(job: Job, *, best_of: int = 1, limit_seconds: float | None = None) -> Measure:
    """Run a job in fresh processes and return the measure with the fewest CPU seconds.

    Raises: ChildFailedError: the job ended in an error. ChildStoppedError: it took longer than the limit.
    """
    return min((_run(job, limit_seconds) for _ in range(best_of)), key=lambda measure: measure.cpu_seconds)


def _run(job: Job, limit_seconds: float | None) -> Measure:
    """Run one child in a process group of its own, so that its workers end with it."""
    command = [sys.executable, "-m", "benchmarks.child", msgspec.json.encode(job).decode()]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True) as child:
        try:
            printed, complaint = child.communicate(timeout=limit_seconds)
        except BaseException as error:
            os.killpg(child.pid, signal.SIGKILL)
            if isinstance(error, subprocess.TimeoutExpired):
                raise ChildStoppedError from error
            raise
    if child.returncode:
        raise ChildFailedError(complaint.decode(errors="replace")[-2000:])
    return msgspec.json.decode(printed, type=Measure)
