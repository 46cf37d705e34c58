"""The recorded logs as the pipeline sees them: redacted trajectories, the statistics of the log, candidates."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path

from trajectory_compiler.config import DataflowOptions, SessionOptions, SourceOptions
from trajectory_compiler.dataflow.candidate import Candidate
from trajectory_compiler.dataflow.enumerate import enumerate_candidates
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Trajectory
from trajectory_compiler.pipeline.snapshot import take_snapshot
from trajectory_compiler.redaction import Boundary, load_policy, redact
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sessions.effects import is_effect
from trajectory_compiler.sources import open_source
from trajectory_compiler.statistics import Snapshot

RECORDED = ("tau_airline", "coding_agent", "cloudtrail")


@lru_cache(maxsize=4)
def redacted(log: Path) -> tuple[tuple[Trajectory, ...], Snapshot]:
    """Read, group and redact a log by the standard policy."""
    sessions = open_sessions(open_source(str(log), SourceOptions()), SessionOptions())
    snapshot = take_snapshot(sessions, lambda _: None)
    boundary = Boundary(lambda row: row.kind == "tool" and is_effect(row.tool, {}), snapshot.document_frequency)
    policy = load_policy("standard")
    return tuple(redact(raw, policy, boundary) for raw in sessions), snapshot


def candidates(log: Path) -> Iterator[tuple[SessionIndex, Candidate]]:
    """Yield every candidate of every session of a log, walks included."""
    trajectories, snapshot = redacted(log)
    for trajectory in trajectories:
        index = SessionIndex(trajectory, snapshot.document_frequency, snapshot.sessions)
        for candidate in enumerate_candidates(index, DataflowOptions(walk=True)):
            yield index, candidate
