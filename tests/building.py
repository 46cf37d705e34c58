"""Small sessions for tests, written as lists of calls."""

from __future__ import annotations

from typing import Any

from trajectory_compiler.model import Trajectory, Turn, TurnKind


def turn(index: int, tool: str, arguments: Any, response: Any, **more: Any) -> Turn:
    """Return one redacted turn; stamps are ten seconds apart unless given."""
    kind: TurnKind = more.pop("kind", "exchange" if tool == "respond" else "tool")
    minutes, seconds = divmod(index * 10, 60)
    fields: dict[str, Any] = {
        "created_at": f"2026-03-01T09:{minutes:02d}:{seconds:02d}Z",
        "agent": "clerk",
        "ok": True,
        "effect": False,
        **more,
    }
    return Turn(index=index, row_id=f"r{index}", tool=tool, kind=kind, arguments=arguments, response=response, **fields)


def session(*calls: tuple[Any, ...], session_id: str = "s-1") -> Trajectory:
    """Return a trajectory of (tool, arguments, response) or (tool, arguments, response, {field: value}) calls."""
    turns = tuple(turn(i, call[0], call[1], call[2], **(call[3] if len(call) > 3 else {})) for i, call in enumerate(calls))
    return Trajectory(
        source="test",
        session_id=session_id,
        turns=turns,
        digest=f"d-{session_id}",
        raw_digest=f"r-{session_id}",
        policy_hash="off",
    )
