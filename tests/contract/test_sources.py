"""What every source promises, whatever its format: the same log in, the same rows out."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.sources.logs import WRITERS, jsonl, record, small_log, write_postgres
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.errors import MappingError
from trajectory_compiler.model import Row
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import Source, open_source

KINDS = (*WRITERS, "postgres")


class Writer:
    """Writes a log in one format and gives its location."""

    def __init__(self, kind: str, folder: Path, address: str | None) -> None:
        self.kind, self._folder, self._address = kind, folder, address

    def open(self, records: list[dict[str, object]], **options: object) -> Source:
        """Write records and open them as a source."""
        if self._address is not None:
            write_postgres(self._address, records)
            return open_source(self._address, SourceOptions(**options))  # type: ignore[arg-type]
        path = self._folder / f"audit.{self.kind}"
        WRITERS[self.kind](path, records)
        return open_source(str(path), SourceOptions(**options))  # type: ignore[arg-type]


@pytest.fixture(params=KINDS)
def writer(request: pytest.FixtureRequest, tmp_path: Path) -> Writer:
    """Return a writer of each format in turn."""
    kind = request.param
    address = request.getfixturevalue("postgres_address") if kind == "postgres" else None
    return Writer(kind, tmp_path, address)


@pytest.fixture
def expected(tmp_path: Path) -> list[Row]:
    """Return the rows of the small log as plain JSON Lines give them."""
    path = tmp_path / "expected.jsonl"
    path.write_bytes(jsonl(small_log()))
    return list(open_source(str(path), SourceOptions()).rows())


def test_same_rows(writer: Writer, expected: list[Row]) -> None:
    """Every format gives the rows that JSON Lines give: values, kinds, outcomes, stamps, what is extra."""
    source = writer.open(small_log())
    assert sorted(source.rows(), key=lambda row: row.id) == expected
    assert source.findings() == ()


def test_the_rows_say_what_the_log_says(expected: list[Row]) -> None:
    """The common expectation is itself right, row by row."""
    assert [(row.id, row.kind, row.success) for row in expected] == [
        ("s-1-000", "tool", True),
        ("s-1-001", "exchange", True),
        ("s-1-002", "thinking", True),
        ("s-1-003", "tool", False),
        ("s-1-004", "tool", False),
        ("s-2-000", "tool", True),
        ("s-2-001", "tool", None),
        ("s-2-002", "tool", False),
    ]
    assert expected[0].response == {"state": "open", "owner": "owner-0", "tags": ["a", "b"], "size": 1.5}
    assert expected[0].created_at == "2026-03-01T09:00:00.250Z"
    assert (expected[0].cost_usd, expected[0].duration_ms, expected[0].extra) == (0.25, 12.0, {"region": "north"})
    assert (expected[3].cost_usd, expected[3].duration_ms) == (None, None)


def test_reads_again(writer: Writer) -> None:
    """A second pass gives what the first gave, also after a pass that was broken off."""
    source = writer.open(small_log())
    first = list(source.rows())
    broken_off = source.rows()
    next(broken_off)
    assert list(source.rows()) == first


def test_name_and_mapping(writer: Writer) -> None:
    """A source is named after its file or table, and its mapping names the columns it uses, all of them surely."""
    source = writer.open(small_log())
    assert source.name == "audit"
    assert source.mapping.columns["session_id"] == "session_id"
    assert source.mapping.confidence["tool"] == 1.0
    assert source.mapping.extra == ("region",)
    assert source.mapping.kinds == {"respond": "exchange", "think": "thinking"}


def test_given_name(writer: Writer) -> None:
    """The user's own name for a source wins."""
    assert writer.open(small_log(), name="desk").name == "desk"


def test_override(writer: Writer) -> None:
    """A column that the user names serves the role, and the one that it replaces is extra."""
    source = writer.open(small_log(), columns={"agent": "region"})
    row = next(source.rows())
    assert row.agent == "north"
    assert row.extra == {"agent": "clerk"}


def test_missing_column(writer: Writer) -> None:
    """A column that does not exist ends in a sentence that lists those that do."""
    with pytest.raises(MappingError, match=r"no column 'sesion', but id, session_id, .*region\. Name one of these\."):
        writer.open(small_log(), columns={"session_id": "sesion"})


def test_session_ids(writer: Writer) -> None:
    """The quick look at sessions sees the sessions of the rows, in their order."""
    source = writer.open(small_log())
    assert list(source.session_ids()) == [row.session_id for row in source.rows()]


def test_sessions_whatever_the_order(writer: Writer) -> None:
    """Rows in any order give the same sessions; a source that says it is ordered gives them sorted."""
    records = [record(f"s-{session}", place) for session in range(4) for place in range(7)]
    random.Random(5).shuffle(records)
    source = writer.open(records)
    found = {t.session_id: [row.id for row in t.rows] for t in open_sessions(source, SessionOptions())}
    assert found == {f"s-{session}": [f"s-{session}-{place:03d}" for place in range(7)] for session in range(4)}
    if source.ordered:
        assert [row.id for row in source.rows()] == sorted(item["id"] for item in records)
