"""Where the tests of the store put their stores; `tests/contract/test_stores.py` runs them on a server instead."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.store.samples import clock
from trajectory_compiler.store import Store

Places = Callable[[], str]


@pytest.fixture(scope="session")
def places(tmp_path_factory: pytest.TempPathFactory) -> Places:
    """Return a function that names a new place for a store each time."""
    folder, numbers = tmp_path_factory.mktemp("stores"), itertools.count()
    return lambda: str(Path(folder) / str(next(numbers)) / "store.db")


@pytest.fixture
def place(places: Places) -> str:
    """Return a place for one store."""
    return places()


@pytest.fixture
def store(place: str) -> Iterator[Store]:
    """Give an empty store."""
    with Store.open(place, clock=clock) as opened:
        yield opened
