"""Dictionary keys that are values themselves: by what the index is by, by their check digit, by the number plan."""

from __future__ import annotations

import pytest

from tests.redaction.logs import standard
from trajectory_compiler.model import Json


@pytest.mark.parametrize(
    ("index", "key", "kind"),
    [
        ("calls_by_phone", "01134960981", "PHONE"),
        ("customersByPhone", "01134960981", "PHONE"),
        ("phone_to_customer", "01134960981", "PHONE"),
        ("nhs_numbers", "9434765919", "NHS_NUMBER"),
        ("accountNumbers", "12756735", "ACCOUNT"),
        ("accounts", "12756735", "ACCOUNT"),
        ("per_account", "12756735", "ACCOUNT"),
        ("passport_index", "517736374", "PASSPORT"),
        ("utr", "9146808390", "UTR"),
        ("seen_tokens", "abcD1234ef", "SECRET"),
        ("customers_by_name", "Amy Pond", "PERSON"),
        ("anything", "4010232137", "NHS_NUMBER"),
        ("anything", "9146808390", "UTR"),
        ("anything", "01134960981", "PHONE"),
    ],
)
def test_a_key_that_is_a_value_is_replaced(index: str, key: str, kind: str) -> None:
    """The name of an index says what its keys are; where it says nothing, a check digit or the number plan does."""
    assert standard(({}, {index: {key: 3}})).turns[0].response == {index: {f"<{kind}_1>": 3}}


@pytest.mark.parametrize(
    "document",
    [
        {"patient": {"Blood Type": "A", "Next Visit": "May"}},
        {"api_keys": {"production": "kept in the safe"}},
        {"hits": {"1702614954": 2, "1702614965": 1}},
        {"rows": {"1234567890": 1, "01234": 2, "00000000001": 3}},
        {"accounts": {"open": 12756735}},
        {"by": {"day": {"20260504": 7}}},
    ],
)
def test_a_key_that_says_nothing_is_left(document: Json) -> None:
    """Headings, points in time, counters and numbers without a right check digit stay."""
    assert standard(({}, document)).turns[0].response == document
