"""Values to JSON: each stated rule, and that nothing whatsoever raises."""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import json
import uuid
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from trajectory_compiler.ledger.encoding import MAX_DEPTH, clean, encode


class Colour(enum.Enum):
    """An enumeration whose value is no text."""

    RED = 1


@dataclasses.dataclass
class Point:
    """A data class that holds what JSON lacks."""

    x: float
    tag: object


class Form(msgspec.Struct):
    """A Struct."""

    path: Path


class Hostile:
    """Raises whatever is asked of it."""

    def __repr__(self) -> str:
        raise RuntimeError("no")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("given_value", "wanted", "changed"),
    [
        ({"a": [1, 2.5, None, True, "é"]}, {"a": [1, 2.5, None, True, "é"]}, False),
        (2**70, 2**70, False),
        ({"x": float("nan"), "y": [float("inf"), float("-inf"), 1.5]}, {"x": "NaN", "y": ["Infinity", "-Infinity", 1.5]}, True),
        (datetime.datetime(2026, 3, 2, 9, tzinfo=datetime.UTC), "2026-03-02T09:00:00Z", False),
        (decimal.Decimal("1.50"), "1.50", False),
        (uuid.UUID(int=5), "00000000-0000-0000-0000-000000000005", False),
        (b"abc", "YWJj", False),
        ((1, 2), [1, 2], False),
        (range(3), [0, 1, 2], False),
        (Colour.RED, 1, False),
        (Point(1.0, Path("/x")), {"x": 1.0, "tag": "/x"}, False),
        (Form(Path("/y")), {"path": "/y"}, False),
        (ValueError("bad"), "ValueError: bad", False),
        ({1: "a", "1": "b", None: "c", (1, 2): "d"}, {"1": "a", "1 (2)": "b", "null": "c", "(1, 2)": "d"}, True),
        ("nul\0 half\ud800", "nul␀ half�", True),
        ({"k\0": 1}, {"k␀": 1}, True),
        (Hostile(), {"$type": f"{__name__}.Hostile", "$repr": "<repr() raised RuntimeError>"}, True),
    ],
)
def test_each_rule(given_value: Any, wanted: Any, *, changed: bool) -> None:
    """A value becomes the JSON that the rules state, and the result says whether anything had to be changed."""
    text, said = encode(given_value)
    assert json.loads(text) == wanted
    assert said is changed


@given(st.lists(st.floats() | st.none() | st.integers(), min_size=1))
def test_no_number_becomes_null(numbers: list[float | None]) -> None:
    """Among nulls and numbers, what is no number keeps its name."""
    read = json.loads(encode({"numbers": [None, *numbers]}).text)["numbers"][1:]
    for number, found in zip(numbers, read, strict=True):
        if number is None or number - number == 0:
            assert found == number
        else:
            assert found in ("NaN", "Infinity", "-Infinity")


def test_a_value_inside_itself() -> None:
    """A cycle ends in a mark; the same value twice is no cycle."""
    shared = {"path": Path("/a")}
    cycle: dict[str, Any] = {"first": shared, "second": shared}
    cycle["self"] = cycle
    assert json.loads(encode(cycle).text) == {"first": {"path": "/a"}, "second": {"path": "/a"}, "self": {"$cycle": "dict"}}


def test_too_deep() -> None:
    """What is nested too deeply for the walk is kept as its text below that."""
    value: Any = Path("/leaf")
    for _ in range(3 * MAX_DEPTH):
        value = [value]
    text, changed = encode(value)
    assert changed
    assert b"$repr" in text


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(st.characters()) | st.binary() | st.just(object()),
        lambda inner: st.lists(inner) | st.dictionaries(st.text(st.characters()) | st.integers() | st.none(), inner),
        max_leaves=20,
    )
)
def test_anything_becomes_json_without_what_databases_refuse(value: Any) -> None:
    """Any value gives valid JSON of UTF-8 without NUL and without halves of characters."""
    text = encode(value).text
    assert "\\u0000" not in json.dumps(json.loads(text))
    text.decode("utf-8", "strict")


@given(st.text(st.characters()))
def test_clean_text_changes_only_what_it_must(text: str) -> None:
    """A text that every database can hold stays as it is."""
    holdable = "\0" not in text and not any("\ud800" <= c <= "\udfff" for c in text)
    assert (clean(text) == text) is holdable
    clean(text).encode()
