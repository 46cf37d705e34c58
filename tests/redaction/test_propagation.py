"""One person, one date, one number: in every form of a session."""

from __future__ import annotations

import msgspec
import pytest

from tests.redaction.logs import standard
from trajectory_compiler.model import Json


@pytest.mark.parametrize(
    "written",
    [
        "DUNCAN, Eric",
        "ERIC DUNCAN",
        "eric duncan",
        "E. Duncan",
        "Duncan, Eric",
        "Eric%20Duncan",
        "Hi Eric,",
        "Mr Duncan called",
    ],
)
def test_a_person_keeps_one_name(written: str) -> None:
    """Orders, cases, initials, escapes and single names of the only such person share the pseudonym of the full name."""
    trajectory = standard(({"fullName": "Eric Duncan"}, written))
    assert "<PERSON_1>" in trajectory.turns[0].response
    assert "<PERSON_2>" not in trajectory.turns[0].response
    assert "uncan" not in trajectory.turns[0].response.lower()


def test_a_name_that_two_people_bear_is_neither_of_them() -> None:
    """Where two people are called Duncan, the surname alone has a pseudonym of its own."""
    people = [{"fullName": "Eric Duncan"}, {"fullName": "Moira Duncan"}]
    trajectory = standard((people, "Mr Duncan met Eric and Moira"))
    assert trajectory.turns[0].response == "Mr <PERSON_3> met <PERSON_1> and <PERSON_2>"


def test_a_name_is_no_part_of_a_longer_one() -> None:
    """`Harris` is not found in `Harrisonburg`, nor `Eric` in `Ericaceae`."""
    trajectory = standard(({"fullName": "Eric Harris"}, "Harrisonburg grows Ericaceae"))
    assert trajectory.turns[0].response == "Harrisonburg grows Ericaceae"


@pytest.mark.parametrize("written", ["18/09/1964", "18 September 1964", "Sep 18, 1964", "18.09.1964", "19640918"])
def test_a_date_of_birth_is_found_in_other_formats(written: str) -> None:
    """Once a date is known to be somebody's birth, it goes wherever it stands."""
    assert standard(({"dob": "1964-09-18"}, f"x {written} y")).turns[0].response == "x <DOB_1> y"


@pytest.mark.parametrize(
    ("document", "written", "kind"),
    [
        ({"niNumber": "AB123456C"}, "ab 12 34 56 c", "NINO"),
        ({"nhs_number": "9434765919"}, "943-476-5919", "NHS_NUMBER"),
        ({"sortCode": "11-99-16"}, "119916", "SORT_CODE"),
        ({"postcode": "sw1a1aa"}, "SW1A 1AA", "POSTCODE"),
        ({"iban": "GB29NWBK60161331926819"}, "GB29 NWBK 6016 1331 9268 19", "IBAN"),
        ({"account_no": 12756735}, "1275 6735", "ACCOUNT"),
    ],
)
def test_an_identifier_is_one_value_in_every_grouping(document: Json, written: str, kind: str) -> None:
    """Spaces, dashes and cases make no other identifier."""
    turn = standard((document, f"it is {written}.")).turns[0]
    assert turn.response == f"it is <{kind}_1>."
    assert list(turn.arguments.values()) == [f"<{kind}_1>"]


def test_accounts_made_from_a_name_or_an_address_are_found() -> None:
    """The local part of a mail address and the usual account names of a person are hers."""
    trajectory = standard(({"fullName": "Eva Brandt", "email": "ebrandt77@example.com"}, "ran as ebrandt77, then eva.brandt"))
    assert trajectory.turns[0].response == "ran as <USERNAME_1>, then <USERNAME_2>"


@pytest.mark.parametrize(
    ("text", "left"),
    [
        ("ref,name,dob\n7196,Qasim Wagle,1971-02-03", "ref,name,dob\n7196,<PERSON_1>,<DOB_1>"),
        ("id | nhs_no\n---+---\n 1 | 9434765919", "id | nhs_no\n---+---\n 1 | <NHS_NUMBER_1>"),
        ("INSERT INTO t (id, surname) VALUES (1, 'Wagle')", "INSERT INTO t (id, surname) VALUES (1, '<PERSON_1>')"),
        ("<tr><td>Passport no</td><td>247975144</td></tr>", "<tr><td>Passport no</td><td><PASSPORT_1></td></tr>"),
        ("<p><surname>Wagle</surname></p>", "<p><surname><PERSON_1></surname></p>"),
        ("SELECT * FROM x WHERE surname = 'O'Hara'", "SELECT * FROM x WHERE surname = '<PERSON_1>'"),
    ],
)
def test_the_heads_of_tables_are_keys(text: str, left: str) -> None:
    """CSV, framed tables, statements, cells and elements: the name beside a value says what it is."""
    assert standard(({}, text)).turns[0].response == left


def test_the_columns_of_a_result_are_keys() -> None:
    """Rows beside a list of column names, in either order, and rows under a first row of names."""
    result = {"rows": [[7, "Qasim Wagle", "1971-02-03"]], "columns": ["id", "name", "dob"]}
    assert standard(({}, result)).turns[0].response["rows"] == [[7, "<PERSON_1>", "<DOB_1>"]]
    table = [["id", "passport_no"], [7, "247975144"]]
    assert standard(({}, table)).turns[0].response == [["id", "passport_no"], [7, "<PASSPORT_1>"]]


@pytest.mark.parametrize(
    "text",
    [
        "q=amy%40example.com",
        "amy&#64;example.com",
        r"to:\namy@example.com",
        "eyJtYWlsIjogImFteUBleGFtcGxlLmNvbSJ9",
        r"\u0061my@example.com",
        "?who=Dear+Amy%2C+AB123456C",
    ],
)
def test_encoded_values_are_found_where_no_plain_copy_stands(text: str) -> None:
    """URL, HTML, backslash and base64 encodings are read before the rules are asked."""
    response = standard(({}, text)).turns[0].response
    assert "<" in response
    for left in ("example.com", "AB123456C", "eyJt"):
        assert left not in response


def test_secret_after_a_scheme_whose_name_is_a_value_elsewhere() -> None:
    """What stands before a keyed value is searched too, so that the session comes clean."""
    trajectory = standard(({"surname": "Digest"}, {"authorization": "Digest abcdef123456"}))
    assert trajectory.turns[0].response == {"authorization": "<PERSON_1> <SECRET_1>"}


def test_redacting_twice_changes_no_people_or_addresses() -> None:
    """Names, dates, addresses and tables come through a second redaction as the first left them."""
    text = "Dear Eric,\nmoved to 5 High Road, Leeds LS1 4AP, born on 18/09/1964.\n\nBest wishes\nMoira Duncan"
    once = standard(({"fullName": "Eric Duncan"}, text)).turns[0]
    twice = standard((once.arguments, once.response)).turns[0]
    assert msgspec.json.encode([twice.arguments, twice.response]) == msgspec.json.encode([once.arguments, once.response])
