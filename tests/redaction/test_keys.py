"""What key names say about the values below them."""

from __future__ import annotations

import pytest

from tests.redaction.logs import standard
from trajectory_compiler.model import Json
from trajectory_compiler.redaction.keys import kind_of_key

SECRET = (
    "password passwd dbPassword DB_PASSWORD client_secret clientSecret apiKey api_key API-KEY X-Api-Key "
    "x_api_key token accessToken refresh_token session_token Authorization private_key awsSecretAccessKey "
    "credentials set-cookie cvv otp security_code id_token"
).split()
NOTHING = (
    "max_tokens total_tokens inputTokens token_count tokens nextToken next_page_token continuationToken "
    "clientRequestToken token_type secret_name secretId password_policy key keys primary_key keyboard author "
    "hotel company success discard code status passenger"
).split()


@pytest.mark.parametrize("key", SECRET)
def test_secret_keys(key: str) -> None:
    """Passwords, tokens, keys and cookies in every spelling of the name."""
    assert kind_of_key(key) == "SECRET"


@pytest.mark.parametrize("key", NOTHING)
def test_keys_that_say_nothing(key: str) -> None:
    """Counters, page cursors, descriptions of secrets and unrelated words."""
    assert kind_of_key(key) is None


@pytest.mark.parametrize(
    ("key", "kind"),
    [("phone", "PHONE"), ("homeTel", "PHONE"), ("mobile_number", "PHONE"), ("cardNumber", "CARD"), ("pan", "CARD")],
)
def test_phone_and_card_keys(key: str, kind: str) -> None:
    """Names of phone and card fields."""
    assert kind_of_key(key) == kind


@pytest.mark.parametrize(
    ("document", "redacted"),
    [
        ({"password": "abc"}, {"password": "<SECRET_1>"}),
        ({"password": ["one-1x", "two-2y"]}, {"password": ["<SECRET_1>", "<SECRET_2>"]}),
        ({"password": {"value": "abc", "note": "abc"}}, {"password": {"value": "<SECRET_1>", "note": "abc"}}),
        ({"name": "API_KEY", "value": "abcdef"}, {"name": "API_KEY", "value": "<SECRET_1>"}),
        ({"Authorization": "Bearer zanzibar9"}, {"Authorization": "Bearer <SECRET_1>"}),
        ({"password": 123456}, {"password": "<SECRET_1>"}),
        ({"cardNumber": 4222222222222}, {"cardNumber": "<CARD_1>"}),
        ({"phone": "555-123-4567"}, {"phone": "<PHONE_1>"}),
        ('{"secret": "abc", "n": {"password": 12345}}', '{"secret": "<SECRET_1>", "n": {"password": <SECRET_2>}}'),
    ],
)
def test_values_under_telling_keys_are_replaced(document: Json, redacted: Json) -> None:
    """Strings and numbers, in lists, wrappers, name-value pairs and JSON inside strings."""
    assert standard(({}, document)).turns[0].response == redacted


@pytest.mark.parametrize(
    "document",
    [
        {
            "credentials": "missing",
            "password": None,
            "token": True,
            "api_key": "${API_KEY}",
            "secret": "[REDACTED]",
            "cookie": "",
        },
        {"secret": "arn:aws:secretsmanager:eu-west-1:123:secret:db-x1"},
        {"credentials": "requested", "token": "expired", "cookie": "accepted", "password": "unavailable"},
        {"token": 5, "phone": "ext 4", "tel": "2026-05-04T10:00:00Z", "card": "visa ending 7447"},
        {"max_tokens": 4096, "nextToken": "abcdef0123456789"},
        {"id": "0190a5c2-8f3e-7abc-9def-0123456789ab", "sha": "440e50454f31af3176813e02ea68ef786e4d3cea", "flight": "HAT057"},
        {"at": "2026-01-22T05:17:19.834Z", "ts": 1702614954, "arn": "arn:aws:iam::123837392027:role/x", "ip": "127.0.0.1"},
    ],
)
def test_states_references_and_identifiers_stay(document: Json) -> None:
    """What is no secret though its key or its digits look like one passes unchanged."""
    assert standard(({}, document)).turns[0].response == document


@pytest.mark.parametrize(
    ("value", "redacted"),
    [("Amy Pond", "<PERSON_1>"), ("apond7", "<USERNAME_1>"), ("admin", "admin"), ("claude-code", "claude-code")],
)
def test_one_key_may_name_people_or_their_accounts(value: str, redacted: str) -> None:
    """Under `user` stands a name, an account, or a role that is nobody's."""
    assert standard(({}, {"user": value})).turns[0].response == {"user": redacted}


@pytest.mark.parametrize("key", ["DoB", "dateOfBirth", "D.O.B", "date_of_birth", "dob"])
def test_a_key_is_known_however_its_words_are_parted(key: str) -> None:
    """`DoB` and `dob` are one name."""
    assert standard(({}, {key: "1964-09-18"})).turns[0].response == {key: "<DOB_1>"}


def test_digits_inside_an_iban_are_no_card() -> None:
    """Sixteen digits of an IBAN that pass the check of a card by chance do not tear it apart."""
    text = "Votre IBAN DE82 6202 0445 0122 3532 73 est connu"
    assert standard(({}, text)).turns[0].response == "Votre IBAN <IBAN_1> est connu"
