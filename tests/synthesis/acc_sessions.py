"""Sessions with a task and a final answer: a part is found in an order, its place and stock under the part."""

from __future__ import annotations

from typing import Any

from tests.building import session
from trajectory_compiler.model import Trajectory

TASK = "Where is the part that order ORD-{0} waits for, and how many are left?"
ANSWER = "In Limehouse-{0}: 1,936 are left."
Call = tuple[Any, ...]


def calls(number: int) -> list[Call]:
    """Return the turns: the task, two calls that are needed, two that are not, and the answer."""
    return [
        ("message", {}, TASK.format(number), {"kind": "exchange"}),
        ("search_orders", {"query": f"ORD-{number}"}, {"orders": [{"order_id": f"ORD-{number}", "part": f"PRT-{number}7"}]}),
        ("get_ticket", {"ticket": f"TCK-{number}1"}, {"ticket": f"TCK-{number}1", "owner": f"<PERSON_{number % 3 + 1}>"}),
        ("get_part", {"part": f"PRT-{number}7"}, {"part": f"PRT-{number}7", "place": f"Limehouse-{number}", "left": 1936}),
        ("get_metric", {"series": f"cpu-{number:05d}"}, {"mean": number % 97 + 0.5}),
        ("message", {"content": ANSWER.format(number)}, None, {"kind": "exchange", "ok": None}),
    ]


def warehouse(number: int, *more: Call, at: int = 5) -> Trajectory:
    """Return such a session, with more calls put in before turn `at`."""
    own = calls(number)
    return session(*own[:at], *more, *own[at:], session_id=f"s-{number}")
