"""Small raw sessions for the tests of the boundary."""

from __future__ import annotations

from trajectory_compiler.model import Json, RawTrajectory, Row, Trajectory
from trajectory_compiler.redaction import Boundary, load_policy, redact

BOUNDARY = Boundary(effect=lambda row: row.tool.startswith("send"), frequency=lambda value: 3 if "amy" in value else 0)


def session(*calls: tuple[Json, Json], session_id: str = "s-1", agent: str = "clerk", tool: str = "send_mail") -> RawTrajectory:
    """Return a raw session: one row per (arguments, response)."""
    rows = tuple(
        Row(
            id=f"r-{number}",
            session_id=session_id,
            created_at=f"2026-05-04T10:00:{number % 60:02d}Z",
            agent=agent,
            tool=tool,
            arguments=arguments,
            response=response,
        )
        for number, (arguments, response) in enumerate(calls)
    )
    return RawTrajectory(source="log", session_id=session_id, rows=rows, digest="raw")


def standard(*calls: tuple[Json, Json], session_id: str = "s-1") -> Trajectory:
    """Return the session redacted by the standard policy."""
    return redact(session(*calls, session_id=session_id), load_policy("standard"), BOUNDARY)


def as_raw(trajectory: Trajectory) -> RawTrajectory:
    """Return a redacted session as if it were a log of its own."""
    rows = tuple(
        Row(
            id=turn.row_id,
            session_id=trajectory.session_id,
            created_at=turn.created_at,
            agent=turn.agent,
            tool=turn.tool,
            arguments=turn.arguments,
            response=turn.response,
            success=turn.ok,
            kind=turn.kind,
        )
        for turn in trajectory.turns
    )
    return RawTrajectory(source=trajectory.source, session_id=trajectory.session_id, rows=rows, digest="raw")
