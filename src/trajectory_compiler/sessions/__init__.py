"""Rows to raw trajectories: group by session, order by stamp and id, choose by the options."""

from trajectory_compiler.sessions.effects import is_effect
from trajectory_compiler.sessions.grouping import Sessions, SessionTally, open_sessions

__all__ = ["SessionTally", "Sessions", "is_effect", "open_sessions"]
