"""Stamps of every common form become ISO 8601 in UTC."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajectory_compiler.sources.stamps import instant, utc_stamp


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2024-05-15T15:00:00Z", "2024-05-15T15:00:00Z"),
        ("2024-05-15T15:00:00.000Z", "2024-05-15T15:00:00.000Z"),
        ("2024-05-15T15:00:00.123456Z", "2024-05-15T15:00:00.123456Z"),
        ("2024-05-15T15:00:00.123456789Z", "2024-05-15T15:00:00.123456789Z"),
        ("2024-05-15 17:00:00.25+02:00", "2024-05-15T15:00:00.250Z"),
        ("2024-05-15 15:00:00+00", "2024-05-15T15:00:00Z"),
        ("2024-05-15T23:30:00-0700", "2024-05-16T06:30:00Z"),
        ("2024-05-15 15:00:00 UTC", "2024-05-15T15:00:00Z"),
        ("2024-05-15t15:00:00z", "2024-05-15T15:00:00Z"),
        ("2024-05-15", "2024-05-15T00:00:00Z"),
        (1715785200, "2024-05-15T15:00:00Z"),
        ("1715785200", "2024-05-15T15:00:00Z"),
        (1715785200.25, "2024-05-15T15:00:00.250Z"),
        (1715785200123, "2024-05-15T15:00:00.123Z"),
        (1715785200000, "2024-05-15T15:00:00.000Z"),
        (1715785200123456, "2024-05-15T15:00:00.123456Z"),
        (1715785200123456789, "2024-05-15T15:00:00.123456789Z"),
        (Decimal("1715785200.5"), "2024-05-15T15:00:00.500Z"),
        (datetime(2024, 5, 15, 15, tzinfo=UTC), "2024-05-15T15:00:00Z"),
        (date(2024, 5, 15), "2024-05-15T00:00:00Z"),
    ],
)
def test_forms(value: Any, expected: str) -> None:
    """Each form gives the instant in UTC, with its fraction as it was given."""
    stamp = utc_stamp(value)
    assert stamp is not None
    assert stamp.text == expected


@pytest.mark.parametrize(
    "value", ["", "yesterday", "05/15/2024", "2024-13-01T00:00:00Z", "infinity", 7, -5, True, None, [], float("nan")]
)
def test_no_stamps(value: Any) -> None:
    """What is no time gives none: a small number is a counter, not the year 1970."""
    assert utc_stamp(value) is None


def test_naive() -> None:
    """Only stamps without a zone are naive."""
    found = [utc_stamp(text) for text in ("2024-05-15 15:00:00", "2024-05-15T15:00:00Z", "2024-05-15T15:00:00+01:00")]
    assert [stamp and stamp.naive for stamp in found] == [True, False, False]


MOMENTS = st.datetimes(min_value=datetime.fromisoformat("1975-01-01"), max_value=datetime.fromisoformat("2200-01-01"))


@given(MOMENTS, MOMENTS)
def test_instants_sort_as_times_do(left: datetime, right: datetime) -> None:
    """Python's own text leaves out a fraction of zero; the instants still sort and compare as the times do."""
    texts = [utc_stamp(moment.isoformat()) for moment in (left, right)]
    assert all(texts)
    first, second = (instant(stamp.text) for stamp in texts if stamp)
    assert (first < second) == (left < right)
    assert (first == second) == (left == right)


def test_equal_instants_of_different_precision() -> None:
    """`:00Z`, `:00.000Z` and `:00.000000Z` are one instant."""
    texts = ("2024-05-15T15:00:00Z", "2024-05-15T15:00:00.000Z", "2024-05-15T15:00:00.000000Z")
    assert len({instant(text) for text in texts}) == 1


@given(st.datetimes(), st.sampled_from([0, 250_000, 120_000, 1, 999_999]))
def test_what_postgres_writes(moment: datetime, micros: int) -> None:
    """The short way for PostgreSQL's own stamps gives what the general way gives."""
    text = f"{moment.replace(microsecond=micros)}+00:00"
    assert utc_stamp(text.removesuffix(":00")) == utc_stamp(text)
