"""PostgreSQL's errors as sentences. The server's own text may quote a row or an address, so it is never repeated."""

from __future__ import annotations

from types import TracebackType
from typing import Any

from trajectory_compiler.errors import StoreError

LOST = ("the connection to the server was lost", "Run the same command again: it goes on from there.")
_STATES = {
    "28": ("the server refuses this user or password", "Check both; ~/.pgpass or PGPASSWORD may hold the password."),
    "3D": ("the server has no such database", "Check the address."),
    "3F": ("the server has no such schema", "Check the address, or let an owner of the database make it first."),
    "42501": (
        "this role may not do that on the server",
        "Let an owner of the database run what `trajc mirror --print-role` prints, or name another user.",
    ),
    "42P01": ("a table is missing there", "Let an owner of the database run this command once."),
    "25006": ("the database is read-only", "Name the primary server."),
    "53100": ("the server's disk is full", "Free some space there and run again: finished sessions are kept."),
    "53300": ("the server has no free connection", "Run again later, or raise its limit."),
    "55P03": ("another process has been writing to it for more than 30 seconds", "Wait until it ends, then run again."),
    "57014": ("the server ended the statement: it took too long", "Raise statement_timeout in the address's options."),
    "57": LOST,
    "08": LOST,
    "22": ("a value does not fit its column (a NUL character, or a number that is too large)", "Leave that session out."),
    "23": ("a row refers to something that is not there, or is there twice", "Compile the session again."),
    "54": ("one session is larger than the server can hold in a row", "Leave that session out."),
}
_WORDS = (
    ("password authentication failed", *_STATES["28"]),
    ("no password supplied", "the server wants a password", "Put it into ~/.pgpass, PGPASSWORD or the address."),
    ("refused", "nothing answers at that host and port", "Check both, and that the server runs."),
    ("No such file", "nothing answers at that socket", "Check that the server runs."),
    ("resolve host", "the host is unknown", "Check the address."),
    ("translate host name", "the host is unknown", "Check the address."),
    ("timeout expired", "the server does not answer in time", "Check the host, the port and the firewall."),
    ("does not exist", "the server has no such database or user", "Check both."),
    ("starting up", "the server is only just starting", "Run again in a moment."),
    ("shutting down", *LOST),
    ("NUL", *_STATES["22"]),
)


def sentence(error: Exception, goal: str) -> StoreError:
    """Say in one sentence what an error of the driver means."""
    if isinstance(error, UnicodeEncodeError):
        return StoreError(goal, "a text has no UTF-8 form", "Leave that session out, or correct the log.")
    state = str(getattr(error, "sqlstate", None) or "")
    found = _STATES.get(state) or _STATES.get(state[:2])
    if found is None and not state:
        said = str(error)
        found = next(((seen, action) for sign, seen, action in _WORDS if sign in said), LOST)
    return StoreError(
        goal, *(found or (f"the server reports SQLSTATE {state}", "Check the server and the rights of this user."))
    )


def concerns_a_row(error: BaseException | None) -> bool:
    """Say whether the server refused a value or a row, so that other rows may well pass; else the whole work has to stop."""
    state = str(getattr(error, "sqlstate", None) or "")
    if state:
        return state[:2] in ("22", "23", "54")
    return isinstance(error, (UnicodeEncodeError, OverflowError)) or type(error).__name__ == "DataError"


class Refusals:
    """A block whose driver errors leave as StoreError; the driver's own error stays its cause."""

    def __init__(self, driver: Any, goal: str) -> None:
        self._caught = (driver.Error, UnicodeEncodeError, OverflowError)
        self._goal = goal

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if isinstance(error, self._caught) and isinstance(error, Exception):
            raise sentence(error, self._goal) from error
