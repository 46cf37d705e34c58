"""Whole questions: what small sessions are asked, in words. A change of wording is seen here before anybody reads it."""

from __future__ import annotations

from typing import Any

from tests.building import session
from tests.dataflow.test_taste import candidates
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.select import Plan, select
from trajectory_compiler.dataflow.wording import word
from trajectory_compiler.model import Trajectory

EFFECT = {"effect": True}


def questions(trajectory: Trajectory, *families: str) -> dict[str, str]:
    """Return question (without the form of its answer) to answer."""
    return {word(c).rsplit("? ", 1)[0] + "?": c.trace.answer for c in candidates(trajectory, *families)}


def desk() -> Trajectory:
    """Return a session of a sales desk: invoices name customers, customers have accounts, a search lists cars."""
    cars = [{"car_id": f"car-{n}", "rates": {"day": 40 + 7 * n}, "seats": n + 2} for n in range(1, 6)]
    calls: list[tuple[Any, ...]] = [("find_cars", {"city": "Leeds"}, {"cars": cars})]
    for n, (town, plan) in enumerate((("Leeds", "gold"), ("York", "blue"), ("Bath", "plain"), ("Hull", "night"))):
        calls += [
            ("get_invoice", {"invoice_id": f"inv-{n}0"}, {"customer_number": f"C-4{n}1", "amount": 100 + 11 * n}),
            ("note", {"about": f"thing {n}"}, {"kept": "yes"}),
            ("get_customer", {"customer_number": f"C-4{n}1"}, {"city": town, "account_id": f"acc-9{n}"}),
            ("note", {"about": f"other thing {n}"}, {"kept": "yes"}),
            ("get_account", {"account_id": f"acc-9{n}"}, {"plan": plan}),
        ]
    calls.append(("book_car", {"car_id": "car-4", "days": 3}, {"booking": "b-77"}, EFFECT))
    return session(*calls)


def test_a_chain_of_look_ups_is_told_by_what_each_was_made_for() -> None:
    """The bridges are not said; whose value is asked for is."""
    asked = questions(desk(), "composition")
    assert asked["What was the city of the customer named in the invoice `inv-20`?"] == "Bath"
    assert asked["What was the plan of the account of the customer named in the invoice `inv-10`?"] == "blue"


def test_the_record_of_what_an_effect_chose_is_asked_for() -> None:
    """The booking names the car, the search holds its price among those of the others."""
    asked = questions(desk(), "composition")
    found = {question: answer for question, answer in asked.items() if question.startswith("The agent booked a car. ")}
    assert set(found.values()) == {"68", "6"}
    assert all(
        ". For the car named in that call, " in question and "came back when it looked for cars" in question
        for question in found
    )


def test_a_record_in_the_response_itself_is_not_looked_up_by_what_the_call_was_given() -> None:
    """A response that holds the id that it was asked for tells nothing new about it."""
    calls = [("get_car", {"car_id": f"car-{n}"}, {"car": {"car_id": f"car-{n}", "seats": n + 2}}) for n in range(5)]
    assert not any(c.program.answer for c in candidates(session(*calls), "composition"))


def audit() -> Trajectory:
    """Return a session that creates and removes things, some without success."""
    calls: list[tuple[Any, ...]] = []
    for n in range(9):
        state, code = "pending" if n in (2, 6) else "ready", "Throttled" if n < 5 else "Denied"
        failed = {"ok": n % 2 == 0, "effect": True}
        calls.append(
            ("create_bucket", {"bucket_name": f"bucket-{n}"}, {"error_code": code} if n % 2 else {"state": state}, failed)
        )
        calls.append(("put_note", {"about": f"thing {n}"}, {"kept": "yes"}))
    return session(*calls)


def test_tallies_are_worded_as_an_auditor_would() -> None:
    """Attempts, failures and outcomes."""
    asked = questions(audit(), "aggregation")
    assert asked["How many of the agent's attempts to create a bucket came back as an error?"] == "4"
    assert any(q.endswith("did the agent successfully create a bucket?") and a == "5" for q, a in asked.items())
    assert asked["How many of the agent's calls to create a bucket came back with the state `ready`?"] == "3"


def test_one_place_is_asked_about_a_few_times_at_most() -> None:
    """Many anchors that lead to one place give few questions: each further one teaches little new."""
    calls: list[tuple[Any, ...]] = [("run_check", {"suite": f"s-{n}"}, {"slowest": f"test_{n}"}) for n in range(3)]
    calls += [("close_ticket", {"ticket_id": f"tick-{n}"}, {"done": "yes"}, EFFECT) for n in range(40)]
    calls += [("run_check", {"suite": f"t-{n}"}, {"slowest": f"probe_{n}"}) for n in range(3)]
    trajectory = session(*calls)
    index = SessionIndex(trajectory, lambda _: 1, 100)
    chosen = select(index, candidates(trajectory, "temporal"), Plan(12, "seed"), lambda candidate: candidate)
    places = [source for candidate in chosen for source in candidate.trace.sources]
    assert len(chosen) >= 4
    assert max(places.count(place) for place in places) <= 3
