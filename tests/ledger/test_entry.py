"""A row as one line: the limit, the notes, names and amounts that the ledger would refuse."""

from __future__ import annotations

import hashlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajectory_compiler.ledger.entry import NOTES, Call, line_of, quick_line


def line(limit: int | None = None, **given: Any) -> dict[str, Any]:
    """Return the line of a small row, parsed, with some of its fields as given."""
    fields: dict[str, Any] = {
        "session_id": "s",
        "agent": "a",
        "tool": "t",
        "arguments": {},
        "response": None,
        "idempotency_key": "k",
    }
    found: dict[str, Any] = json.loads(line_of(Call(**(fields | {"now": 0.5} | given)), limit))
    return found


def test_a_small_row() -> None:
    """A row holds what was said and nothing else."""
    assert line(arguments={"q": "x"}, response=[1], status="ok", cost_usd=0.001, duration_ms=1.23456) == {
        "session_id": "s",
        "called_at": "1970-01-01T00:00:00.500000Z",
        "agent": "a",
        "tool": "t",
        "idempotency_key": "k",
        "arguments": {"q": "x"},
        "response": [1],
        "status": "ok",
        "cost_usd": 0.001,
        "duration_ms": 1.235,
    }


@pytest.mark.parametrize("field", ["arguments", "response", "error"])
def test_a_cut_row_says_so(field: str) -> None:
    """A field over the limit is cut to it; the column `truncated` is set, size and hash of the whole stand in the notes."""
    whole = "é" * 50
    row = line(41, **{field: whole})
    assert row[field] == "é" * 20
    assert row["truncated"] is True
    data = whole.encode() if field == "error" else json.dumps(whole, ensure_ascii=False).encode()
    assert row["extra"][NOTES]["cut"] == {field: {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()}}


def test_nothing_is_cut_at_the_limit() -> None:
    """A field of exactly the limit is whole."""
    row = line(102, response="x" * 100)
    assert row["response"] == "x" * 100
    assert "truncated" not in row


def test_what_the_ledger_would_refuse_stands_in_the_notes() -> None:
    """An unknown status, amounts that are none and times that are none do not cost the row."""
    row = line(status="odd", cost_usd=float("nan"), duration_ms=-1, called_at=float("inf"), extra={"mine": 1})
    assert row["extra"] == {
        "mine": 1,
        NOTES: {"called_at": "inf", "status": "odd", "cost_usd": "nan", "duration_ms": "-1"},
    }
    assert row["called_at"] == "1970-01-01T00:00:00.500000Z"
    assert not row.keys() & {"status", "cost_usd", "duration_ms"}


def test_an_error_is_never_ok() -> None:
    """A row with an error has a status that says so, unless the caller named a better one."""
    assert line(error="boom")["status"] == "error"
    assert line(error="boom", status="ok")["status"] == "error"
    assert line(error="late", status="timeout")["status"] == "timeout"


def test_names_are_text_that_a_database_can_hold() -> None:
    """Names of other types, empty ones and ones with NUL are put right."""
    row = line(tool=5, agent="", session_id="a\0b")
    assert (row["tool"], row["agent"], row["session_id"]) == ("5", "unknown", "a␀b")


def test_extra_is_always_an_object() -> None:
    """What a caller gives as extra, and is no object, is kept under a key."""
    assert line(extra=[1])["extra"] == {"value": [1]}


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(arguments=VALUES, response=VALUES, status=st.sampled_from(["ok", "denied", None, "odd"]), extra=st.none() | VALUES)
def test_the_quick_way_says_the_same(arguments: Any, response: Any, status: str | None, extra: Any) -> None:
    """Where a row can be encoded at one go, the line holds what the careful way holds; where it holds a NaN, it cannot."""
    said: dict[str, Any] = {"session_id": "s", "agent": "a", "idempotency_key": "k", "called_at": 0.5, "status": status}
    said |= {} if extra is None else {"extra": extra}
    try:
        quick = quick_line("t", arguments, response, said)
    except UnicodeEncodeError:
        quick = None
    careful = line_of(Call(tool="t", arguments=arguments, response=response, now=0.5, **said))
    assert quick is None or json.loads(quick) == json.loads(careful)
    if quick is None:
        assert NOTES.encode() in careful or b"null" in careful or (extra is not None and not isinstance(extra, dict))
