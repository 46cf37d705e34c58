"""The third labelled log of the redaction benchmark: its bytes are fixed and its labels are right. Nothing is redacted here."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable

import pytest
from stdnum import iban, luhn
from stdnum.eu import vat
from stdnum.gb import nhs, utr
from stdnum.gb import vat as uk_vat
from stdnum.us import ssn

from benchmarks.redaction import third_log_marks as marks
from benchmarks.redaction.labelled import LabelledRow
from benchmarks.redaction.third_log import rows

VALID: dict[str, Callable[[str], object]] = {
    "NHS": nhs.is_valid,
    "UTR": utr.is_valid,
    "IBAN": iban.is_valid,
    "CARD": luhn.is_valid,
    "US_SSN": ssn.is_valid,
    "VAT": lambda number: uk_vat.is_valid(number[2:]) if number.startswith("GB") else vat.is_valid(number),
}


@pytest.fixture(scope="module")
def log() -> list[LabelledRow]:
    """Return the log as the benchmark has it."""
    return list(rows())


def test_the_log_is_the_same_each_time() -> None:
    """The same seed gives the same bytes and labels, another seed others."""
    assert list(rows(sessions=12)) == list(rows(sessions=12))
    assert list(rows(seed=1, sessions=1)) != list(rows(seed=2, sessions=1))


def test_the_log_has_sessions_of_4_to_14_rows(log: list[LabelledRow]) -> None:
    """About 1,200 rows in 150 sessions, and most of them hold something that must go."""
    sizes = Counter(row.session_id for row in log)
    assert len(sizes) == 150
    assert set(sizes.values()) <= set(range(4, 15))
    assert 1_100 < len(log) < 1_300
    assert 0.85 < sum(bool(row.labels) for row in log) / len(log) < 0.97


def test_each_label_covers_a_value_in_what_is_redacted(log: list[LabelledRow]) -> None:
    """A row is JSON without marks; labels do not overlap, hold letters or digits, end in no blank and stand in the content."""
    for row in log:
        parsed = json.loads(row.raw)
        assert parsed["session_id"] == row.session_id
        assert not {marks.OPEN, marks.MIDDLE, marks.CLOSE} & set(row.raw)
        place = row.raw.index('"arguments": ')
        for label in row.labels:
            assert place <= label.start < label.end
            value = row.raw[label.start : label.end]
            assert value == value.strip()
            assert any(sign.isalnum() for sign in value)
            place = label.end


def test_the_check_digits_are_right(log: list[LabelledRow]) -> None:
    """Each number with a check digit passes the rule of whoever gives it out, in all the forms it is written in."""
    found = Counter[str]()
    for row in log:
        for label in row.labels:
            if is_valid := VALID.get(label.kind):
                value = row.raw[label.start : label.end]
                assert is_valid("".join(filter(str.isalnum, value)).upper()), label.kind
                found[label.kind] += 1
    assert set(found) == set(VALID)


@pytest.mark.parametrize(
    ("changed", "text", "values"),
    [
        (marks.as_url, f"n={marks.marked('PERSON', 'Zoë Ng')}", ["Zo%C3%AB%20Ng"]),
        (marks.as_html, "<" + marks.marked("PERSON", "O'Hara") + ">", ["O&#x27;Hara"]),
        (marks.as_ascii_json, f"ü {marks.marked('PERSON', 'Zoë')} ", ["Zo\\u00eb"]),
        (marks.as_upper, f"a {marks.marked('CARD_CVV', 'x1')}{marks.marked('IP', 'y')}", ["X1", "Y"]),
        (marks.as_base64, f"abc{marks.marked('EMAIL', 'x@y.example')}", ["eEB5LmV4YW1wbG"]),
    ],
)
def test_a_label_follows_its_value_through_an_encoding(changed: Callable[[str], str], text: str, values: list[str]) -> None:
    """The label covers the value as it is written after the encoding; in base64 no character of a neighbour."""
    plain, labels = marks.taken_out(changed(text))
    assert [plain[label.start : label.end] for label in labels] == values
