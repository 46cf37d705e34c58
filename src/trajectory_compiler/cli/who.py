"""Who runs the command: the name that reviews and actions are stored under."""

from __future__ import annotations

import getpass


def actor() -> str:
    """Return the login name, or `unknown` where the system has none (a container with a bare user number)."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"
