"""The drift of the yield: told from chance, and from a change that nobody would call one."""

from __future__ import annotations

import pytest

from trajectory_compiler.pipeline.status import RunLine, drift_of


def line(day: int, turns: int, proved: int, status: str = "done") -> RunLine:
    """Return a run of some day of November."""
    return RunLine(
        run_id=f"r{day}",
        kind="sync",
        source="log",
        status=status,
        started_at=f"2026-{10 + day // 31:02d}-{day % 31 + 1:02d}T03:00:00Z",
        seconds=1.0,
        totals={"turns": turns, "proved": proved},
    )


@pytest.mark.parametrize(
    ("turns", "proved", "drifted"),
    [(1_000, 250, False), (1_000, 200, False), (1_000, 120, True), (1_000, 400, True), (40, 4, False), (20, 0, False)],
)
def test_only_what_chance_does_not_explain_is_drift(turns: int, proved: int, drifted: bool) -> None:
    """Against 25 pairs for 100 turns: half the yield of a large run is drift, none at all of one short session is not."""
    found = drift_of([line(day, 1_000, 250) for day in range(1, 8)] + [line(9, turns, proved)])
    assert found is not None
    assert (found.before, found.runs, found.drifted) == (25.0, 7, drifted)
    assert found.last == round(100 * proved / turns, 2)


def test_only_thirty_days_count() -> None:
    """Runs of more than 30 days ago say nothing about today; without any within, there is no drift to speak of."""
    assert drift_of([line(1, 1_000, 900), line(40, 1_000, 250)]) is None
    found = drift_of([line(1, 1_000, 900), line(35, 1_000, 250), line(40, 1_000, 250)])
    assert found is not None
    assert (found.before, found.runs) == (25.0, 1)


def test_runs_that_compiled_nothing_are_left_out() -> None:
    """A quiet night is no drift: the last run that compiled something is the one that is judged."""
    found = drift_of([line(1, 1_000, 250), line(2, 1_000, 240), line(3, 0, 0)])
    assert found is not None
    assert (found.last, found.before) == (24.0, 25.0)
