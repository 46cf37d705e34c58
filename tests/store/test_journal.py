"""The store remembers its runs and who did what."""

from __future__ import annotations

import pytest

from tests.store.conftest import Places
from tests.store.samples import clock
from trajectory_compiler.errors import StoreError
from trajectory_compiler.store import Action, Store


def test_runs_have_ids_of_their_own(places: Places) -> None:
    """Equal runs of one second, and equal runs of two stores, have different ids."""
    ids = []
    for _ in range(2):
        with Store.open(places(), clock=clock) as store:
            ids += [store.begin_run("compile", "log", "{}", "1") for _ in range(2)]
    assert len(set(ids)) == 4


def test_only_begun_runs_end(place: str) -> None:
    """Finishing a run that was never begun is refused."""
    with Store.open(place, clock=clock) as store, pytest.raises(StoreError, match="the store does not hold it"):
        store.finish_run("nothing", "done", {})


def test_actions_come_back(place: str) -> None:
    """Who exported what is read back as it was written."""
    export = Action(kind="export", actor="ann", target="out.jsonl", detail={"pairs": "3"}, created_at=clock())
    with Store.open(place, clock=clock) as store:
        store.record_action(export)
        store.record_action(export)
        assert store.actions() == (export, export)
