"""A redacted copy back into a log: every pseudonym that a vault may give back becomes what it stands for.

The result equals the original's parsed values, except secrets, what could not be scanned, what the policy did not let the vault
keep, and rows of sessions that were left out.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import msgspec

from trajectory_compiler.errors import InputError
from trajectory_compiler.model import Json
from trajectory_compiler.redaction.restoring import Restorer
from trajectory_compiler.redaction.vault import Pages

_OWN = ("id", "agent", "tool", "created_at", "arguments", "response")
_PLAIN = ("cost_usd", "duration_ms", "success")


class Restored(msgspec.Struct, frozen=True, kw_only=True):
    """What was put back and what stayed, by type; `unknown_rows` belong to sessions that the vault does not hold."""

    rows: int
    unknown_rows: int
    restored: dict[str, int]
    left: dict[str, int]


def restore_log(lines: Iterable[bytes], pages: Pages, types: frozenset[str], write: Callable[[bytes], object]) -> Restored:
    """Write the restored rows of a copy. `types` names what is put back; empty means everything that the vault holds.

    Raises: InputError: a line is no row of a copy, or the vault does not open.
    """
    restorers: dict[str, tuple[Restorer, list[int]]] = {}
    rows = unknown = 0
    for number, line in enumerate(lines, start=1):
        row = _row(line, number)
        session = row["session_id"]
        rows += 1
        if session not in restorers:
            page = pages.page(session)
            if page is None:
                unknown += 1
                write(line if line.endswith(b"\n") else line + b"\n")
                continue
            restorers[session] = (Restorer(page, lambda kind: not types or kind in types), [0])
        restorer, at = restorers[session]
        write(msgspec.json.encode(_restored(row, restorer, at[0])) + b"\n")
        at[0] += 1
    put_back, left = Counter[str](), Counter[str]()
    for restorer, _ in restorers.values():
        put_back.update(restorer.restored)
        left.update(restorer.left)
    return Restored(rows=rows, unknown_rows=unknown, restored=dict(sorted(put_back.items())), left=dict(sorted(left.items())))


def _row(line: bytes, number: int) -> dict[str, Json]:
    goal = f"restore line {number}"
    try:
        row = msgspec.json.decode(line)
    except msgspec.DecodeError:
        raise InputError(goal, "it is not JSON", "Name the file that `trajc redact run` wrote.") from None
    if not isinstance(row, dict) or not isinstance(row.get("session_id"), str):
        raise InputError(goal, "it is no row of a redacted copy", "Name the file that `trajc redact run` wrote.")
    return row


def _restored(row: dict[str, Json], restorer: Restorer, number: int) -> dict[str, Json]:
    further = {name: value for name, value in row.items() if name not in (*_OWN, *_PLAIN, "session_id")}
    made: dict[str, Json] = {}
    for name, value in row.items():
        if name == "session_id":
            made[name] = restorer.field(0, name, value)
        elif name in _OWN:
            made[name] = restorer.field(number, name, value)
        elif name in _PLAIN:
            made[name] = value
    made.update(restorer.field(number, "extra", further))
    return made
