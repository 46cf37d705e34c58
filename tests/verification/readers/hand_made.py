"""A session, a pair of it, and readers that say what a test tells them to."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec.structs import replace

from tests.building import session
from trajectory_compiler.model import Evidence, Pair, Proof, Trajectory
from trajectory_compiler.verification.readers import ReaderAnswer
from trajectory_compiler.verification.readers.views import View, Visible

ANSWER = "premium gold"
QUESTION = "Which plan did the order of the mail get?"


def orders(**stamps: str) -> Trajectory:
    """Return ten turns at uneven stamps: the mail names the order, the order's plan stands far behind, all else is noise."""
    calls: list[tuple[Any, ...]] = [("get_metric", {"n": i}, {"mean": f"m{i}x"}) for i in range(10)]
    calls[1] = ("read_mail", {"id": "M-1"}, {"order": "ORD-44"})
    calls[7] = ("get_order", {"order": "ORD-44"}, {"plan": ANSWER})
    return session(*((*c, {"created_at": f"2026-03-01T09:{i:02d}:{i * i % 60:02d}Z"} | stamps) for i, c in enumerate(calls)))


def quote(turn: int, path: str, text: str) -> Evidence:
    """Return a quoted value."""
    return Evidence(turn=turn, path=path, quote=text)


def pair(**more: Any) -> Pair:
    """Return a pair in prose that needs turns 1 and 7 of `orders`."""
    made = Pair(
        id="p-1",
        source="test",
        session_id="s-1",
        trajectory_digest="d-s-1",
        qa_type="composition",
        program=None,
        question=QUESTION,
        answer=ANSWER,
        answer_type="text",
        evidence=(quote(1, "/response/order", "ORD-44"), quote(7, "/response/plan", ANSWER)),
        supporting_turns=(1, 7),
        row_ids=("r1", "r7"),
        hops=2,
        width=1,
        span_turns=6,
        proof=Proof(gates={}),
        origin="model:test",
    )
    return replace(made, **more)


class HandMade:
    """A reader that answers a view with what a function says: a text, None for "the log does not say", an error to raise."""

    def __init__(self, says: Callable[[View], str | Exception | None]) -> None:
        self.name = "hand-made"
        self.seen: list[View] = []
        self._says = says

    async def read(self, pair: Pair, visible: Visible, view: View) -> ReaderAnswer:
        """Answer, and remember the view."""
        del pair, visible
        self.seen.append(view)
        said = self._says(view)
        if isinstance(said, Exception):
            raise said
        return ReaderAnswer("", known=said is not None, answer=said or "")


def sound(view: View) -> str | None:
    """Answer exactly where both supporting turns are shown."""
    return ANSWER if {1, 7} <= set(view.turns) else None
