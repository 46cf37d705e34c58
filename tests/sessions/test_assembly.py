"""The rows of one session: repeated rows, order, digest."""

from __future__ import annotations

from typing import Any

from msgspec import structs

from trajectory_compiler.model import Row
from trajectory_compiler.sessions.assembly import assemble, digest, drop_repeated, order_rows
from trajectory_compiler.sources.findings import Drops


def row(row_id: str, stamp: str | None = None, **more: Any) -> Row:
    """Return a row of session s."""
    fields: dict[str, Any] = {"agent": "a", "tool": "t", "arguments": {}, "response": "ok"} | more
    return Row(id=row_id, session_id="s", created_at=stamp, **fields)


def order(*rows: Row) -> tuple[list[str], dict[str, int]]:
    """Return the ids of rows in order, and what was noted."""
    drops = Drops("sessions")
    ordered = order_rows(list(rows), drops)
    return [item.id for item in ordered], {f.reason: f.count for f in drops.findings()}


def test_order_by_stamp_then_id() -> None:
    """Stamps order, ids decide between equal stamps."""
    rows = [row("c", "2026-01-01T00:00:01Z"), row("b", "2026-01-01T00:00:00Z"), row("a", "2026-01-01T00:00:01Z")]
    assert order(*rows) == (["b", "a", "c"], {})


def test_order_of_mixed_precision() -> None:
    """`:01Z` lies before `:01.5Z` and with `:01.000Z`, whatever their texts say."""
    rows = [row("c", "2026-01-01T00:00:01.5Z"), row("b", "2026-01-01T00:00:01.000Z"), row("a", "2026-01-01T00:00:01Z")]
    assert order(*rows) == (["a", "b", "c"], {})


def test_numbers_as_ids() -> None:
    """Ids that are whole numbers compare as numbers: 9 before 10; mixed with names they compare as text."""
    stamp = "2026-01-01T00:00:00Z"
    assert order(row("10", stamp), row("9", stamp))[0] == ["9", "10"]
    assert order(row("10", stamp), row("9", stamp), row("x", stamp))[0] == ["10", "9", "x"]


def test_no_stamps() -> None:
    """Without stamps the order of the log stays, and nothing is noted."""
    assert order(row("b"), row("a")) == (["b", "a"], {})


def test_some_stamps() -> None:
    """With stamps on some rows only, the order of the log stays, and the session is noted."""
    assert order(row("b", "2026-01-02T00:00:00Z"), row("c"), row("a", "2026-01-01T00:00:00Z")) == (
        ["b", "c", "a"],
        {"stamps_missing_in_part": 1},
    )


def test_repeated_rows() -> None:
    """Of rows with one id the first is kept; copies and conflicts are counted apart, with their ids."""
    drops = Drops("sessions")
    rows = [row("a"), row("b"), row("a"), row("a", response="other"), row("b")]
    assert drop_repeated(rows, drops) == [row("a"), row("b")]
    assert [(f.reason, f.count, f.detail) for f in drops.findings()] == [
        ("duplicate_row", 2, "row 'a' of session 's', row 'b' of session 's'"),
        ("conflicting_id", 1, "row 'a' of session 's'"),
    ]


def test_digest_sees_everything() -> None:
    """Any change of any field, and any change of order, changes the digest; the same content keeps it."""
    base = row("a", "2026-01-01T00:00:00Z", cost_usd=1.0, duration_ms=2.0, success=True, extra={"x": 1})
    changes: list[dict[str, Any]] = [
        {"id": "b"},
        {"created_at": None},
        {"agent": "b"},
        {"tool": "u"},
        {"arguments": {"k": 1}},
        {"response": "no"},
        {"cost_usd": 2.0},
        {"duration_ms": 3.0},
        {"success": False},
        {"kind": "thinking"},
        {"extra": {"x": 2}},
    ]
    digests = [digest([base]), *(digest([structs.replace(base, **change)]) for change in changes)]
    assert len(set(digests)) == len(digests)
    assert digest([base, row("b")]) != digest([row("b"), base])
    assert digest([structs.replace(base)]) == digest([base])


def test_assemble() -> None:
    """The trajectory carries source, session and ordered rows."""
    trajectory = assemble("desk", [row("b", "2026-01-02T00:00:00Z"), row("a", "2026-01-01T00:00:00Z")], Drops("sessions"))
    assert (trajectory.source, trajectory.session_id) == ("desk", "s")
    assert [item.id for item in trajectory.rows] == ["a", "b"]
    assert trajectory.digest == digest(trajectory.rows)
