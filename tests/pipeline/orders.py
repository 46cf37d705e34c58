"""A log of small orders, and a loopback model's answers about it: what each window holds is put into one good pair."""

from __future__ import annotations

import json
import re
from pathlib import Path

STEPS = ("read_mail", "find_customer", "list_tickets", "get_order", "read_note", "track_parcel", "file_note", "close_ticket")
_TURN = re.compile(r"^#(\d{3}) ", re.MULTILINE)


def write_orders_log(path: Path, sessions: int) -> Path:
    """Write sessions of eight calls each: who wrote stands in the first, which carrier took the order in the sixth."""
    rows = []
    for number in range(sessions):
        order, buyer, carrier = (
            f"ORD-{number:04d}",
            f"buyer-{(number * 7 + 101) % 1000:03d}",
            f"carrier-{(number * 13 + 505) % 1000:03d}",
        )
        answers = (
            {"from": buyer, "about": order},
            {"segment": f"seg{number % 5}"},
            {"open": number % 4},
            {"item": f"lamp{number % 9}", "state": "packed"},
            {"text": "nothing new"},
            {"order": order, "carrier": carrier},
            {"saved": True},
            {"closed": True},
        )
        for place, (tool, answer) in enumerate(zip(STEPS, answers, strict=True)):
            rows.append(
                {
                    "id": f"{number}-{place}",
                    "session_id": f"order-session-{number:04d}",
                    "created_at": f"2026-11-{1 + number % 20:02d}T10:{place:02d}:{(place * 17 + number) % 60:02d}Z",
                    "agent": "clerk",
                    "tool": tool,
                    "arguments": {"step": f"s{number}-{place}"},
                    "response": answer,
                }
            )
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def pair_in(prompt: str) -> str:
    """Return the answer of a model to a prompt: one pair over the mail and the parcel, quoted letter for letter."""
    buyer, carrier = re.search(r"buyer-\d{3}", prompt), re.search(r"carrier-\d{3}", prompt)
    if buyer is None or carrier is None:
        return json.dumps({"pairs": []})
    supporting = [{"turn": _turn_at(prompt, place.start()), "quote": place.group()} for place in (buyer, carrier)]
    pair = {
        "supporting": supporting,
        "reasoning": "The mail names the buyer; the parcel of the order has a carrier.",
        "question": f"Which carrier took the order that {buyer.group()} wrote about?",
        "answer": carrier.group(),
        "answer_type": "identifier",
        "qa_type": "composition",
    }
    return json.dumps({"pairs": [pair]})


def _turn_at(prompt: str, place: int) -> int:
    return int([match for match in _TURN.finditer(prompt) if match.start() < place][-1].group(1))
