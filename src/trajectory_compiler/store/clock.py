"""Time as a parameter: whatever needs the time is given a clock."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], str]


def utc_now() -> str:
    """Return the present second as ISO 8601 in UTC, such as `2026-11-24T10:00:00Z`: the form of every stamp in the store."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
