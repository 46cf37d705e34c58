"""The search for planted values: as they are, in every encoding, and by number and type instead of by value."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote

import pytest

from tests.canaries import MAKERS, fragment, made
from trajectory_compiler.errors import InputError
from trajectory_compiler.redaction.canaries import Canary, Watch, parse_canaries

VALUE = "zanzibar/horse-91&2"
WATCH = Watch([Canary("other-value"), Canary(VALUE, "PASSWORD")])


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        (f"x{VALUE}x", "plain"),
        (VALUE.upper(), "plain"),
        ("u=" + quote(VALUE, safe=""), "URL"),
        (html.escape(VALUE).replace("-", "&#45;"), "HTML"),
        (base64.b64encode(b"ab " + VALUE.encode()).decode(), "base64"),
        ("Zm" + base64.urlsafe_b64encode(b"1234" + VALUE.encode()).decode().rstrip("="), "base64"),
        (base64.b64encode(quote(VALUE, safe="").encode()).decode(), "base64, URL"),
        (VALUE.encode().hex(), "hexadecimal"),
        ("zanzibar horse 912", "plain, without spaces and punctuation"),
        ("".join(f"\\u{ord(c):04x}" for c in VALUE), "JSON escapes"),
    ],
)
def test_a_canary_is_found_in_any_dress(text: str, encoding: str) -> None:
    """Plain, escaped, encoded, in two layers, without its punctuation: one sighting, that names number, type and encoding."""
    (sighting,) = WATCH.sightings(f"before {text} after")
    assert (sighting.number, sighting.kind) == (1, "PASSWORD")
    assert sighting.encoding == encoding
    assert VALUE not in repr(sighting)


@pytest.mark.parametrize("text", ["", "zanzibar", "horse-91", "zanzibar/horse-92&2", "<SECRET_1>", "A" * 5000])
def test_what_only_resembles_a_canary_is_none(text: str) -> None:
    """Parts of a value, other values, pseudonyms and long runs of base64 characters are no sightings."""
    assert list(WATCH.sightings(text)) == []


def test_every_planted_value_would_be_found() -> None:
    """The search finds each canary in the very form in which the campaign plants it: no leak could go unseen."""
    planted = made(600, seed=5)
    watch = Watch([item.canary for item in planted])
    assert {item.canary.kind for item in planted} == set(MAKERS)
    for number, item in enumerate(planted):
        key, value = fragment(item)
        assert number in {s.number for s in watch.sightings(json.dumps({key: value}))}, (item.encoding, item.canary.kind)


def test_canaries_are_read_from_lines_and_objects() -> None:
    """One value a line, or an object with a type; empty lines are nothing."""
    found = parse_canaries(b'first value\n\n{"value": "second value", "kind": "EMAIL"}\n', "c.txt")
    assert found == (Canary("first value"), Canary("second value", "EMAIL"))


@pytest.mark.parametrize(
    ("data", "seen"), [(b"", "it holds none"), (b"good one\nabc\n", "line 2 has fewer"), (b'{"x": 1}', "line 1")]
)
def test_useless_canaries_are_refused(data: bytes, seen: str) -> None:
    """No canaries, too short ones and unreadable lines are one sentence that names the line, not its text."""
    with pytest.raises(InputError, match=seen) as refusal:
        parse_canaries(data, "c.txt")
    assert "abc" not in str(refusal.value)
