"""Batches into real databases: once each, whole or not at all, and what the database says sorted into three kinds."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.written import Written
from trajectory_compiler.errors import OptionError
from trajectory_compiler.ledger.entry import Call, line_of
from trajectory_compiler.ledger.schema import WRITER_COLUMNS
from trajectory_compiler.ledger.writer import AwayError, RefusedError, UnreadyError, open_writer


def row(number: int, **given: Any) -> bytes:
    """Return the line of a small row."""
    fields = {"session_id": "s", "agent": "a", "tool": "t", "arguments": {"n": number}, "response": "r", "now": 1.0}
    return line_of(Call(**{"idempotency_key": f"k-{number}", **fields, **given}))


def test_every_column_arrives(written: Written) -> None:
    """What a row says stands in the column of that name, in either database; odd characters and large numbers survive."""
    response = {"text": "é € \U0001f600 \\ \" ' \n", "n": 2**70, "x": 0.1, "deep": [[{"a": None}]]}
    full: dict[str, Any] = {
        "response": response,
        "status": "timeout",
        "error": "too late",
        "cost_usd": 0.000000125,
        "duration_ms": 12.5,
        "parent_id": "k-0",
        "called_at": 1_772_442_000.25,
        "extra": {"a": "b"},
    }
    writer = open_writer(written.address)
    assert writer.send([row(0), row(1, **full)]) == 2
    writer.close()
    first, second = written.rows()
    assert [first[name] for name in ("status", "error", "cost_usd", "parent_id", "extra")] == [None] * 5
    assert second["arguments"] == {"n": 1}
    assert json.dumps(second["response"]) == json.dumps(response)
    assert {name: second[name] for name in full if name not in ("called_at", "response")} | {
        "cost_usd": float(second["cost_usd"]),
        "duration_ms": float(second["duration_ms"]),
    } == {name: value for name, value in full.items() if name not in ("called_at", "response")}
    assert str(second["called_at"])[:22].replace(" ", "T") == "2026-03-02T09:00:00.25"
    assert not second["truncated"]
    assert set(WRITER_COLUMNS) <= second.keys()


def test_a_batch_sent_again_is_there_once(written: Written) -> None:
    """Rows whose keys are there are left out and said to be; the others of the batch are written."""
    writer = open_writer(written.address)
    assert writer.send([row(n) for n in range(10)]) == 10
    assert writer.send([row(n) for n in range(5, 15)]) == 5
    assert written.column("idempotency_key") == [f"k-{n}" for n in range(15)]


def test_a_refused_row_refuses_its_batch(written: Written) -> None:
    """Where one row breaks a rule of the table, none of the batch is written, and the next batch is."""
    writer = open_writer(written.address)
    bad = row(1).replace(b'"tool":"t"', b'"tool":""')
    with pytest.raises(RefusedError):
        writer.send([row(0), bad, row(2)])
    assert written.rows() == []
    assert writer.send([row(0), row(2)]) == 2


def test_a_missing_table_is_a_persons_business(written: Written) -> None:
    """On a server, a table that is not there needs `init`; in a file it is made."""
    writer = open_writer(written.address, "another_log")
    if written.address.startswith("postgres"):
        with pytest.raises(UnreadyError, match="another_log"):
            writer.send([row(0)])
    else:
        assert writer.send([row(0)]) == 1


@pytest.mark.parametrize("address", ["postgresql://agent:secret@127.0.0.1:1/db", "/nowhere/at/all/ledger.db"])
def test_a_database_that_is_not_there_is_away(address: str) -> None:
    """Nobody at that address, or no such folder: the same batch may succeed later, and no password is shown."""
    if address.startswith("postgres"):
        pytest.importorskip("psycopg")
    with pytest.raises(AwayError) as caught:
        open_writer(address).send([row(0)])
    assert "secret" not in str(caught.value)


def test_addresses_that_cannot_be_meant() -> None:
    """A kind of address that is none, and a table name that needs quotes, are refused before anything is recorded."""
    with pytest.raises(OptionError, match="no ledger of the kind 'mysql'"):
        open_writer("mysql://host/db")
    with pytest.raises(OptionError, match="name a ledger"):
        open_writer("ledger.db", 'x"; DROP TABLE y')


def test_a_writers_ledger_has_no_password_in_its_name(tmp_path: Path) -> None:
    """The name under which rows are spooled is the same for every login, and another for another table or file."""
    pytest.importorskip("psycopg")
    names = {open_writer(f"postgresql://{user}@db.example/ops").ledger for user in ("one:secret", "two")}
    assert len(names) == 1
    assert "secret" not in names.pop()
    assert open_writer(str(tmp_path / "a.db")).ledger != open_writer(str(tmp_path / "b.db")).ledger
    assert open_writer("a.db").ledger != open_writer("a.db", "other").ledger
