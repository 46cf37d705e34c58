"""Erasure on a store that lives on a PostgreSQL server: the rows that go on a file go there."""

# a fixture is imported to be found here

from __future__ import annotations

import pytest

from tests.contract.test_stores import places
from tests.erasing import KEY, fill
from tests.store.conftest import Places
from tests.store.samples import clock
from trajectory_compiler.pipeline.find import find_subject
from trajectory_compiler.pipeline.forget import Order, carry_out, plan_erasure
from trajectory_compiler.store import Store

__all__ = ["places"]
SESSIONS = 5


@pytest.mark.parametrize(
    ("order", "gone"),
    [
        (Order(kind="session", sessions=("session-001",)), 1),
        (Order(kind="agent", agent="agent-1"), 1),
        (Order(kind="subject", subjects=("who1@example.com",)), 2),
        (Order(kind="before", before="2026-11-25"), 5),
    ],
    ids=["session", "agent", "subject", "before"],
)
def test_what_is_chosen_goes_from_a_server(places: Places, order: Order, gone: int) -> None:
    """Every kind of order erases its sessions there, keeps the sums of costs and leaves the rest sound."""
    place = places()
    fill(place, SESSIONS, ((0, 1),))
    with Store.open(place, clock=clock) as store:
        spent = store.costs("stage")
        plan = plan_erasure(store, KEY, order)
        done = carry_out(store, KEY, plan)
        assert done.counts["sessions"] == len(plan.sessions) == gone
        assert store.costs("stage") == spent
        assert store.damage() == ()
        assert len(store.erasure.known()) == SESSIONS - gone
        assert not store.erasure.is_pending()
        if order.kind == "subject":
            assert find_subject(store, KEY, order.subjects).sessions == ()
