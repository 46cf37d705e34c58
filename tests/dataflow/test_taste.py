"""What a naive enumeration gets wrong, each as a case: see the design's list."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from tests.building import session
from trajectory_compiler.config import DataflowOptions
from trajectory_compiler.dataflow.candidate import Candidate
from trajectory_compiler.dataflow.enumerate import enumerate_candidates
from trajectory_compiler.dataflow.fields import is_worth_asking, names_a_thing
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Trajectory
from trajectory_compiler.values import Leaf


def candidates(trajectory: Trajectory, *families: str) -> list[Candidate]:
    """Return what the families propose for a session in which every value is rare."""
    index = SessionIndex(trajectory, lambda _: 1, 100)
    return enumerate_candidates(index, DataflowOptions(families=families))


def answers(found: Iterable[Candidate]) -> set[str]:
    """Return the answers of candidates."""
    return {candidate.trace.answer for candidate in found}


def lookups(*, echo: bool = False, recited: bool = False) -> Trajectory:
    """Return a session in which a profile gives order ids and each order is looked up."""
    cities = ["Leeds", "York", "Bath", "Hull"]
    calls: list[tuple[Any, ...]] = [
        ("get_profile", {"user": "ann"}, {"orders": ["ord-81", "ord-82", "ord-83", "ord-84"], "plan": "basic"})
    ]
    calls += [("respond", {"content": "One moment."}, "fine")]
    for number, city in enumerate(cities):
        order = f"ord-8{number + 1}"
        calls.append(("get_order", {"order_id": order}, {"city": city, "request_id": f"9f8e7d6c5b4a{number}", "ok": True}))
    if echo:
        calls[0] = ("get_profile", {"user": "ann", **calls[0][2]}, calls[0][2])
    if recited:
        calls.append(("respond", {"content": "They go to Leeds, York, Bath and Hull."}, "thanks"))
    return session(*calls)


def test_a_value_is_followed_from_its_producer_to_its_use() -> None:
    """The composition family asks for the city of the k-th order of the profile."""
    found = candidates(lookups(), "composition")
    assert {"York", "Bath", "Hull"} <= answers(found)
    assert all(candidate.support[0] == 0 for candidate in found)


def test_nonces_and_truth_values_are_no_answers() -> None:
    """A request id differs on every call and feeds nothing; a truth value can be guessed."""
    assert not any("9f8e" in answer or answer == "true" for answer in answers(candidates(lookups())))
    assert not is_worth_asking("createdAt", "2026-03-01T09:00:00Z", "2026-03-01T09:00:00Z")


def test_an_echo_defines_nothing() -> None:
    """A response that repeats its own arguments did not produce them."""
    assert not candidates(lookups(echo=True), "composition")


def test_an_answer_that_is_recited_elsewhere_is_not_asked() -> None:
    """What the agent told the user is one turn's knowledge."""
    assert not candidates(lookups(recited=True), "composition")


def test_settings_name_no_thing() -> None:
    """A limit, a mode or a truth value is no entity of the world; an order number is."""
    assert not names_a_thing(Leaf("/arguments/limit", "limit", "5", 5))
    assert not names_a_thing(Leaf("/arguments/verbose", "verbose", "true", True))
    assert not names_a_thing(Leaf("/arguments/output_mode", "output_mode", "content", "content"))
    assert names_a_thing(Leaf("/arguments/order_id", "order_id", "ord-81", "ord-81"))


def test_aliases_are_asked_once() -> None:
    """Two fields that hold one value on a turn give one question."""
    calls = [("read_file", {"path": f"notes/{n}.txt"}, {"lines": 10 + n * 7, "total_lines": 10 + n * 7}) for n in range(5)]
    found = candidates(session(*calls), "comparison")
    assert found
    assert {candidate.key for candidate in found} == {"lines"}


def test_neighbours_are_no_pair() -> None:
    """Two supporting turns that stand next to each other need no long context."""
    trajectory = lookups()
    assert all(max(b - a for a, b in zip(c.support, c.support[1:], strict=False)) > 1 for c in candidates(trajectory))


def test_a_retry_asks_what_changed() -> None:
    """The precondition family asks for the argument that differed between the failed and the successful attempt."""
    trajectory = session(
        ("pay_invoice", {"invoice_id": "inv-7", "method": "card-1"}, "Error: declined", {"ok": False, "effect": True}),
        ("get_methods", {"user": "ann"}, {"methods": ["bank-1", "bank-2"]}),
        ("respond", {"content": "Use the bank?"}, "yes"),
        ("pay_invoice", {"invoice_id": "inv-7", "method": "bank-2"}, {"paid": 120}, {"effect": True}),
    )
    found = candidates(trajectory, "precondition")
    assert answers(found) == {"card-1 -> bank-2"}


def test_the_walk_is_opt_in() -> None:
    """No walk is proposed unless the options ask for it."""
    assert not candidates(lookups(), *()) or all(c.family != "walk" for c in candidates(lookups()))
    assert any(c.family == "walk" for c in candidates(lookups(), "walk"))
