"""Sessions that a database hands over undecoded: the same rows, the same counts, and a digest that tells what changed."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest

from tests.sources.logs import record, small_log, write_postgres, write_sqlite
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.undecoded import TextSource

ODD = [
    record("s-1", 0, response={"text": 'tab\tline\nquote" back\\slash \\N \u2028 \u0007', "n": 1e300}),
    record("s-1", 1, response="\\N", region="\t\\N\r\n\\"),
    record("s-2", 0, region="", session_id="tab\there"),
    record("s-3", 0, tool=None),
    record("s-4", 0, session_id=None),
    record("s-5", 0, response=[[]] * 300, arguments={"deep": [[[[]]]]}),
    record("s-6", 0, session_id=""),
]


@pytest.fixture(params=["sqlite", "postgres"])
def log(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return the location of a log with odd rows in each database that hands over text."""
    records = [*small_log(), *(item | {"id": f"odd-{number}"} for number, item in enumerate(ODD))]
    if request.param == "postgres":
        address: str = request.getfixturevalue("postgres_address")
        write_postgres(address, records)
        return address
    write_sqlite(tmp_path / "log.db", records)
    return str(tmp_path / "log.db")


def opened(location: str) -> TextSource:
    """Open a log that must be one of a database that gives text."""
    source = open_source(location, SourceOptions())
    assert isinstance(source, TextSource)
    return source


def test_texts_decode_to_the_rows(log: str) -> None:
    """Grouped first and decoded later, a log gives the rows, and the findings, of a pass that decodes as it reads."""
    source = opened(log)
    rows, findings = list(source.rows()), source.findings()
    assert list(source.decoded(source.session_texts())) == rows
    assert source.findings() == findings
    assert {finding.reason: finding.count for finding in findings} == {"no_tool": 1, "no_session_id": 2}


def test_each_session_comes_once_with_its_rows(log: str) -> None:
    """Every session that has a name comes in one piece; its rows are counted without decoding."""
    source = opened(log)
    assert {text.session_id: len(text.rows) for text in source.session_texts()} == {
        "s-1": 7,
        "s-2": 3,
        "s-3": 1,
        "s-5": 1,
        "tab\there": 1,
    }


def test_the_digest_tells_what_changed(log: str) -> None:
    """Reading again gives the digests again; a changed response changes the digest of its session and of no other."""
    before = {text.session_id: text.digest for text in opened(log).session_texts()}
    assert before == {text.session_id: text.digest for text in opened(log).session_texts()}
    change = "UPDATE audit SET response = '\"changed\"' WHERE id = 's-1-003'"
    if log.startswith("postgres"):
        psycopg = pytest.importorskip("psycopg")
        with psycopg.connect(log) as connection:
            connection.execute(change)
    else:
        with sqlite3.connect(log) as file:
            file.execute(change)
    after = {text.session_id: text.digest for text in opened(log).session_texts()}
    assert {session for session in before if before[session] != after[session]} == {"s-1"}
