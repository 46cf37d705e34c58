"""The order of the rows in a file means nothing where rows have stamps."""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.sources.logs import jsonl, open_bytes
from trajectory_compiler.config import SessionOptions
from trajectory_compiler.model import RawTrajectory
from trajectory_compiler.sessions import open_sessions


@st.composite
def logs(draw: st.DrawFn) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """Draw the rows of a few sessions, twice, in two orders. Stamps collide often, ids are unique within their session."""
    rows = [
        {
            "id": str(place) if draw(st.booleans()) else f"r{place}",
            "session_id": draw(st.sampled_from("abc")),
            "created_at": f"2026-03-01T09:00:0{draw(st.integers(0, 2))}{draw(st.sampled_from(['', '.0', '.5', '.500']))}Z",
            "tool": draw(st.sampled_from(["look", "put"])),
            "arguments": {"n": place},
            "response": draw(
                st.one_of(st.none(), st.text(max_size=5), st.dictionaries(st.text(max_size=3), st.integers(), max_size=2))
            ),
        }
        for place in range(draw(st.integers(1, 12)))
    ]
    return rows, draw(st.permutations(rows))


def sessions_of(records: list[dict[str, Any]]) -> dict[str, RawTrajectory]:
    """Return the sessions of a log of these records."""
    with tempfile.TemporaryDirectory() as folder:
        source = open_bytes(Path(folder), jsonl(records))
        return {t.session_id: t for t in open_sessions(source, SessionOptions(min_turns=1))}


@settings(max_examples=150, deadline=None)
@given(logs())
def test_row_order_is_irrelevant(pair: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    """Two files with the same rows in different order hold the same sessions, rows in the same order, same digests."""
    first, second = pair
    assert sessions_of(first) == sessions_of(second)


@settings(max_examples=60, deadline=None)
@given(logs())
def test_no_row_is_lost(pair: tuple[list[dict[str, Any]], list[dict[str, Any]]]) -> None:
    """Every row of the file is in exactly one session."""
    rows, _ = pair
    found = sorted((row.session_id, row.arguments["n"]) for t in sessions_of(rows).values() for row in t.rows)
    assert found == sorted((row["session_id"], row["arguments"]["n"]) for row in rows)
