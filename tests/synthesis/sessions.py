"""Sessions for the tests of synthesis: values that meet far apart, and noise between them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from tests.building import session
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Trajectory


def count(text: str) -> int:
    """Guess the tokens of a text."""
    return -(-len(text) // 4)


def index_of(trajectory: Trajectory) -> SessionIndex:
    """Index a session of a log of ten, in which no value recurs."""
    return SessionIndex(trajectory, lambda _: 1, 10)


def noise(number: int) -> tuple[str, dict[str, Any], dict[str, Any]]:
    """Return a call that shares nothing with any other."""
    return ("get_metric", {"series": f"cpu-{number:05d}"}, {"mean": number % 97 + 0.5, "samples": number % 13})


def scattered(turns: int) -> Trajectory:
    """Return a session whose order is found in a mail at the start, read in the middle, and confirmed at the end."""
    calls: list[tuple[Any, ...]] = [noise(i) for i in range(turns)]
    calls[0] = ("respond", {"content": "What can I do for you?"}, "Get Lime Wharf ringing, please.")
    calls[3] = ("read_mail", {"mail_id": "M-9001"}, "Subject: Your order\nOrder reference: ORD-44017\nChannels: 12")
    calls[turns // 2] = ("get_order", {"order_reference": "ORD-44017"}, {"trunk_id": "TRK-307", "status": "in build"})
    calls[turns - 4] = ("run_shell", {"command": "sipctl show TRK-307"}, "state: unregistered\ncodec: G.722\nexit code: 0")
    return session(*(stamped(i, call) for i, call in enumerate(calls)))


def stamped(number: int, call: tuple[Any, ...]) -> tuple[Any, ...]:
    """Give a call a stamp of its own, at gaps of several lengths, as recorded stamps have them."""
    at = datetime(2026, 3, 1, 9, tzinfo=UTC) + timedelta(seconds=number * 12 + number * number % 11)
    return (*call, {"created_at": at.isoformat().replace("+00:00", "Z")})
