"""Logs behind PostgREST: the rows that the database gives, page by page, and a key that nobody sees."""

from __future__ import annotations

import traceback
from collections.abc import Iterator

import pytest

from tests.sources.logs import record, small_log, write_postgres
from tests.sources.rest_loopback import KEY, Loopback, serving
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import Source, open_source
from trajectory_compiler.sources.mapped import MappedSource
from trajectory_compiler.sources.postgrest import open_postgrest

GIVEN = {"SUPABASE_KEY": KEY}


@pytest.fixture
def rest(postgres_address: str) -> Iterator[Loopback]:
    """Return a running server over an empty database."""
    with serving(postgres_address) as loopback:
        yield loopback


def opened(rest: Loopback, waits: list[float] | None = None) -> MappedSource:
    """Open the table `audit`; waits between tries are noted, not slept."""
    return open_postgrest(f"{rest.address}/audit", SourceOptions(), GIVEN, (waits if waits is not None else []).append)


def test_gives_the_rows_of_the_database(rest: Loopback) -> None:
    """REST gives the rows that a connection to the same table gives, values, order, name and all."""
    write_postgres(rest.database, small_log())
    direct: Source = open_source(rest.database, SourceOptions())
    source = opened(rest)
    assert list(source.rows()) == list(direct.rows())
    assert list(source.session_ids()) == list(direct.session_ids())
    assert (source.name, source.format, source.findings()) == ("audit", "PostgREST", ())


@pytest.mark.parametrize("max_rows", [1000, 7])
def test_pages_miss_nothing(rest: Loopback, max_rows: int) -> None:
    """Rows with equal or missing stamps and names full of marks come once each, also in smaller pages than asked for."""
    names = ['a,b"(c)\\', "a.b", "Ä ö", "plain", "PLAIN", "x" * 300]
    total = 2300 if max_rows == 1000 else 150
    rows = [
        record(
            names[n % len(names)],
            0,
            id=f"{n:05d},.)",
            created_at=None if n % 7 == 0 else f"2026-03-01T09:00:{n % 50:02d}.000123Z",
        )
        for n in range(total)
    ]
    write_postgres(rest.database, rows)
    rest.max_rows = max_rows
    direct = open_source(rest.database, SourceOptions())
    found = {t.session_id: t.digest for t in open_sessions(opened(rest), SessionOptions(min_turns=1))}
    assert found == {t.session_id: t.digest for t in open_sessions(direct, SessionOptions(min_turns=1))}
    assert len(list(opened(rest).rows())) == total
    asked = [dict(query) for query in rest.asked]
    assert any("or" in query for query in asked)
    assert all("offset" not in query for query in asked)


def test_rows_that_no_page_can_hold_are_counted(rest: Loopback) -> None:
    """Rows without a session or an id are left out and counted."""
    write_postgres(rest.database, [*small_log(), record("x", 0, session_id=None), record("y", 0, id=None)])
    source = opened(rest)
    assert len(list(source.rows())) == 8
    assert {finding.reason: finding.count for finding in source.findings()} == {"no_session_id": 1, "no_row_id": 1}


def test_a_busy_server_is_asked_again(rest: Loopback) -> None:
    """429 and 5xx are tried again, as long after as the server asks or ever longer; then the answer comes."""
    write_postgres(rest.database, small_log())
    waits: list[float] = []
    source = opened(rest, waits)
    rest.script = [429, 503, 500]
    assert len(list(source.rows())) == 8
    assert waits == [3.0, 2.0, 4.0]
    rest.script = [503] * 7
    with pytest.raises(SourceError, match="status 503"):
        list(source.rows())


@pytest.mark.parametrize(
    ("table", "script", "said"),
    [
        ("audit", [401], "refuses the key"),
        ("nowhere", [], "no such table"),
        ("audit", [302], "status 302"),
        ("audit", [400], "status 400"),
    ],
)
def test_refusals_are_sentences_without_the_key(rest: Loopback, table: str, script: list[int], said: str) -> None:
    """A refused key, a missing table, a redirect: one sentence, no part of the key in it or in the traceback."""
    write_postgres(rest.database, small_log())
    rest.script = script
    with pytest.raises(SourceError, match=said) as caught:
        open_postgrest(f"{rest.address}/{table}", SourceOptions(), GIVEN)
    assert KEY not in "".join(traceback.format_exception(caught.value, chain=True))


@pytest.mark.parametrize(
    ("address", "said"),
    [
        (f"https://me:{KEY}@host/rest/v1/audit", "more than a place"),
        (f"https://host/rest/v1/audit?apikey={KEY}", "more than a place"),
        ("http://host.example/rest/v1/audit", "unencrypted"),
        ("https://host/rest/v1", "names no table"),
    ],
)
def test_addresses_that_would_show_the_key(address: str, said: str) -> None:
    """A key in the address, or one that would travel in the clear, is refused before anything is sent."""
    with pytest.raises(SourceError, match=said) as caught:
        open_postgrest(address, SourceOptions(), GIVEN)
    assert KEY not in str(caught.value)


def test_without_an_id_column(rest: Loopback) -> None:
    """A table whose rows have no id is refused: pages could repeat or miss rows."""
    write_postgres(rest.database, small_log())
    with pytest.raises(SourceError, match="no column is known to hold a row id"):
        open_postgrest(f"{rest.address}/audit", SourceOptions(columns={"id": ""}), GIVEN)
