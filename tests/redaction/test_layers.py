"""Names and values in layers: JSON, URLs, markup and tables inside strings, plain or encoded."""

from __future__ import annotations

import base64
import html
import json
from urllib.parse import quote, urlencode

import msgspec
import pytest

from tests.redaction.logs import standard
from trajectory_compiler.model import Json

NAME = "Siobhan Ashcombe-Tregear"
PHONE = "01134960981"
RECORD = json.dumps({"record": {"phone": PHONE, "customer_name": NAME}})


def _base64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def _redacted(value: Json) -> str:
    return msgspec.json.encode(standard(({}, value)).turns[0].response).decode()


@pytest.mark.parametrize(
    "written",
    [
        RECORD,
        f"sent the body {RECORD} twice",
        _base64(RECORD),
        f"curl -d body={_base64(RECORD)} https://api.example.org",
        f"https://api.example.org/v1/{_base64(RECORD).rstrip('=')}/raw",
        _base64(json.dumps({"inner": _base64(RECORD)})),
        f"https://api.example.org/?payload={quote(RECORD)}",
        f"https://api.example.org/?payload={quote(_base64(RECORD), safe='')}",
        html.escape(RECORD),
        f"https://api.example.org/?{urlencode({'customer_name': NAME, 'phone': PHONE})}",
        f"The customer name is {NAME}. Their phone number is {PHONE}.",
        f"<tr><td>customer name</td><td>{NAME.replace('-', '&#45;')}</td><td>phone</td><td>{PHONE}</td></tr>",
        quote(f"phone,customer_name,paid\n{PHONE},{NAME},yes\n"),
    ],
    ids=("json inside_text base64 parameter path base64_in_base64 url url_of_base64 html query prose cells csv_in_url".split()),
)
def test_what_a_key_says_holds_in_every_layer(written: str) -> None:
    """A name and an unbroken telephone number, which only their keys betray, are gone from any text that carries the keys."""
    text = _redacted(written)
    assert NAME not in text
    assert PHONE not in text
    assert quote(NAME) not in text
    assert "<PERSON_" in text or "<PHONE_" in text
    assert not any(_base64(RECORD)[place : place + 24] in text for place in range(0, 24, 4))


def test_a_value_found_in_base64_is_gone_from_the_rest_of_the_session() -> None:
    """What an encoded body betrays is found again where another turn writes it plainly."""
    trajectory = standard(({}, _base64(RECORD)), ({"note": f"called {PHONE} twice"}, None))
    assert trajectory.turns[1].arguments == {"note": "called <PHONE_2> twice"}  # the body is <PHONE_1>


def test_one_value_found_by_two_rules_gets_one_pseudonym() -> None:
    """A short value in JSON in a string that its key and its form both betray is written once, not twice."""
    written = '{"form": {"passport_number": "517736374", "cvv": "123", "utr": "9146808390"}}'
    assert standard(({}, written)).turns[0].response == (
        '{"form": {"passport_number": "<PASSPORT_1>", "cvv": "<SECRET_1>", "utr": "<UTR_1>"}}'
    )


@pytest.mark.parametrize(
    "text",
    [
        "display name: Build Pipeline",
        "const reviewer = getReviewer();",
        "first_name = models.CharField(max_length=80)",
        "surname: String,",
        "The customer name is missing from the form.",
        "phone: 2026-05-04, mobile = false",
        "cell: 12, mobile: 1024",
        "https://api.example.org/v2/users?name=all&sort=name&page=2",
        f"blob {_base64('all is well, nothing to see here at all')} end",
    ],
)
def test_names_in_code_and_states_are_left(text: str) -> None:
    """Code, states, dates and small numbers after a telling name stay as they are."""
    assert standard(({}, text)).turns[0].response == text
