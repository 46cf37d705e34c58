"""What the store knows of a pair beside its text."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.erasing import fill
from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.errors import StoreError
from trajectory_compiler.models.ledger import CallRecord
from trajectory_compiler.models.protocol import CallPlace, ModelName, Usage
from trajectory_compiler.store import PairQuery, Store


def test_reviews_and_data_set_versions_are_part_of_it(tmp_path: Path) -> None:
    """Who decided what, and in which version at which place the pair stands."""
    fill(tmp_path / "store.db", 3)
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        one, *others = (store.lineage(found) for found in store.pairs(PairQuery(session="session-001")))
        both = [one, *others]
        assert sorted(len(found.reviews) for found in both) == [0, 1]
        assert sorted(len(found.data_sets) for found in both) == [0, 1]
        (item,) = next(found.data_sets for found in both if found.data_sets)
        assert (item.name, item.version, item.place) == ("set", 1, 1)
        assert {found.is_latest for found in both} == {True}


def test_a_call_for_the_pair_counts_whatever_its_stage(tmp_path: Path) -> None:
    """Calls that name the pair are its own; those of the session count only in the stage that wrote it."""
    made = pair(session())
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        run = saved(store, made, trajectory=session())
        for stage, owner, cost in (("reading", made.id, 5), ("synthesis", None, 70), ("paraphrase", None, 3)):
            place = CallPlace(stage=stage, prompt_version="p", source="log", session_id="s-1", pair_id=owner)
            record = CallRecord(
                model=ModelName("mine", "qwen"),
                place=place,
                request_digest=stage,
                status="ok",
                response=b"{}",
                usage=Usage(cost_pico_usd=cost),
                from_cache=False,
                duration_ms=1.0,
            )
            store.call_ledger(run).save(record)
        found = store.lineage(made)
        assert {(call.stage, call.of_pair) for call in found.calls} == {("reading", True), ("paraphrase", False)}
        assert found.cost_pico_usd == 8


def test_an_older_form_of_the_session_says_so(tmp_path: Path) -> None:
    """A pair of rows that have changed since is traced to the form that it was proved on."""
    old, new = session(), session(turns=9)
    made = pair(old)
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        saved(store, made, trajectory=old)
        saved(store, pair(new, 1), trajectory=new)
        assert store.lineage(made).is_latest is False
        with pytest.raises(StoreError, match="no longer holds its session"):
            store.lineage(pair(session("s-9")))
