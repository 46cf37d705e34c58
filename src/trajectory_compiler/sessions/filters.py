"""Which sessions qualify. A session that does not is counted under the first reason that holds."""

from __future__ import annotations

from collections.abc import Sequence

from trajectory_compiler.config import SessionOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.model import Row
from trajectory_compiler.sources.stamps import instant, utc_stamp


class Filters:
    """The options of `SessionOptions`, checked once.

    min_turns   turns of any kind, messages and thoughts included, after repeated rows are dropped
    agent       the session holds a row of exactly this agent
    tool        the session holds a call of exactly this tool
    since       the session's last stamp is at or after this; a session without stamps is left out
    """

    def __init__(self, options: SessionOptions) -> None:
        if options.min_turns < 1:
            raise OptionError("choose sessions", f"--min-turns is {options.min_turns}", "Give a number of 1 or more.")
        if options.limit is not None and options.limit < 0:
            raise OptionError("choose sessions", f"--limit is {options.limit}", "Give a number of 0 or more.")
        self._options = options
        self._since: str | None = None
        if options.since is not None:
            stamp = utc_stamp(options.since)
            if stamp is None:
                raise OptionError(
                    "choose sessions",
                    f"--since '{options.since}' is no date",
                    "Write it as 2026-01-31 or 2026-01-31T08:00:00Z.",
                )
            self._since = instant(stamp.text)

    def reason_against(self, rows: Sequence[Row]) -> str | None:
        """Return why a session is left out (`findings.REASONS`), or None if it qualifies."""
        options = self._options
        if len(rows) < options.min_turns:
            return "too_few_turns"
        if options.agent is not None and all(row.agent != options.agent for row in rows):
            return "other_agent"
        if options.tool is not None and all(row.tool != options.tool for row in rows):
            return "tool_absent"
        if self._since is not None:
            last = max((instant(row.created_at) for row in rows if row.created_at is not None), default="")
            if last < self._since:
                return "older_than_since"
        return None
