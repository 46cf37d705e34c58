"""What a key name says about the value under it: `client_secret`, `X-Api-Key`, `dbPassword`, `mobile`, `card_number`."""

from __future__ import annotations

import re
from functools import lru_cache

from trajectory_compiler.redaction.checks import REFERENCE, digits_of
from trajectory_compiler.redaction.names import fold
from trajectory_compiler.redaction.policy import Kind

_LAST_WORD_SECRET = frozenset(
    "password passwd passphrase passcode pwd secret credential credentials apikey authorization cookie cvv cvc otp "
    "accesskey privatekey secretkey authkey accountkey totp passkey passwort kennwort contrasena senha haslo wachtwoord "
    "mdp motdepasse clave losenord adgangskode cvn csc cryptogramme prufziffer kartenprufnummer".split()
)
# Words that are a password behind another one only: `smtp_pass`, `dbPw`; a test passes, too.
_SHORT_SECRET = frozenset({"pass", "pw", "psw", "pswd"})
_NOT_BEFORE_SHORT = frozenset(
    "test tests first second third single two one multi by high low band boarding bus season day render compiler forward "
    "backward did will may can must should all not no to max min num count last next pre post build check".split()
)
_BEFORE_KEY = frozenset(
    "api access private secret signing encryption auth master account shared license client server service".split()
)
# Tokens that are no credentials: page cursors (they link calls), idempotency tokens, and the vocabulary of language models.
_NOT_BEFORE_TOKEN = frozenset(
    "next page previous prev continuation start starting end sync pagination cursor marker client request "
    "idempotency dedup stop eos bos pad unk mask cls sep special first last current max min num count per "
    "total input output prompt completion".split()
)
_LAST_WORD_PHONE = frozenset(
    "phone telephone tel mobile msisdn fax cell cellphone phonenumber mobilenumber cli ddi landline whatsapp "
    "telefon telefonnummer telefonnr rufnummer handy handynummer mobil mobilnummer mobiltelefon festnetz "
    "telefono telefonos movil celular cellulare tlf tfno portable telefonu komorka komorkowy tel_no telno "
    "telefoon telefoonnummer gsm".split()
)
_BEFORE_NUMBER_PHONE = frozenset("phone telephone mobile contact fax caller cell tel landline calling".split())
_CARD = frozenset(
    "pan cardnumber ccnumber ccnum card_number credit_card debit_card cc_number primary_account_number card_no".split()
)
# Keys of wrappers: the value below them belongs to the key above, as in {"password": {"value": "..."}}.
WRAPPERS = frozenset(
    "value values val data plain plaintext current new old raw content string answer answers reply entry input number no num "
    "identifier".split()
)
# Keys whose value names the key of a sibling "value", as in {"name": "API_KEY", "value": "..."}.
NAMING_KEYS = (
    "name",
    "key",
    "header",
    "field",
    "system",
    "type",
    "label",
    "Name",
    "Key",
    "question",
    "prompt",
    "attribute",
    "title",
    "kind",
    "document",
    "documentType",
    "idType",
    "scheme",
)
# Keys that have such a sibling, and what a question is asked with.
NAMED_KEYS = ("value", "Value", "answer", "reply", "val", "number", "no", "num", "identifier")
ASKED = re.compile(
    r"(?i)^(?:please )?(?:(?:what(?: i|.)s|enter|state|give(?: us)?|confirm|provide|may i have|can i (?:have|take)) )?"
    r"(?:your |the |their )?"
)
# What stands under a secret's key without being the secret: states and types.
_NO_SECRET_WORDS = frozenset(
    "missing none null nil undefined required optional present absent true false yes no on off set unset "
    "not_set redacted masked hidden default unknown invalid valid expired active inactive enabled "
    "disabled pending revoked rotated ok error failed empty string str text number int integer bool "
    "boolean object bytes any password passwd passphrase secret token bearer basic digest apikey api_key "
    "authorization cookie credentials credential omitted denied allow deny varchar include omit same- "
    "origin n/a hidden_due_to_security_reasons requested installed sent received created deleted updated "
    "changed stored configured provided supplied issued granted refused rejected accepted approved "
    "verified unverified available unavailable loaded saved encrypted hashed needed incomplete complete".split()
)
TABLES = tuple(
    tuple(sorted(table))
    for table in (
        _LAST_WORD_SECRET,
        _BEFORE_KEY,
        _NOT_BEFORE_TOKEN,
        _LAST_WORD_PHONE,
        _BEFORE_NUMBER_PHONE,
        _CARD,
        _SHORT_SECRET,
        WRAPPERS,
        _NO_SECRET_WORDS,
    )
)
PSEUDONYM = re.compile(r"<[A-Z][A-Z_]{1,30}_[0-9]{1,18}>")
_WORD = re.compile(r"\w")
_WORDS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_SCHEME = re.compile(r"(?i)(?:bearer|basic|token|digest|apikey|negotiate)\s{1,5}(?=\S{6})")
_PHONE_VALUE = re.compile(r"[+(]?[0-9][0-9\s()+./x-]{5,24}")


def words_of_key(key: str) -> list[str]:
    """Return the words of a key in lower case: `dbPassword`, `DB_PASSWORD` and `db password` have the same."""
    return [word.lower() for word in _WORDS.findall(key if key.isascii() else fold(key))]


@lru_cache(maxsize=8192)
def kind_of_key(key: str) -> Kind | None:
    """Return what stands under a key of this name, or None where the name says nothing.

    Counters (`max_tokens`), page cursors (`nextToken`) and descriptions (`token_type`, `secret_name`) say nothing.
    """
    words = words_of_key(key[:120])
    if not words:
        return None
    if words[-1] == "2" and words[-2:-1] in (["cvv"], ["cvc"], ["cv"]):  # `cvv2`
        return "SECRET"
    last, before = words[-1], words[-2] if len(words) > 1 else ""
    if (
        last in _LAST_WORD_SECRET
        or (last in ("key", "keys") and before in _BEFORE_KEY)
        or (last == "token" and before not in _NOT_BEFORE_TOKEN)
        or (
            last in ("tokens", "secrets", "passwords", "cookies")
            and before in ("access", "refresh", "api", "auth", "client", "session", "set", "")
        )
        or (last == "code" and before in ("security", "verification", "mfa"))
        or (last in _SHORT_SECRET and before and before not in _NOT_BEFORE_SHORT)
        or words[-3:] == ["mot", "de", "passe"]
        or words[-2:] in (["connection", "string"], ["secret", "string"], ["secret", "binary"])
    ):
        return None if last == "tokens" and not before else "SECRET"
    name = "_".join(words)
    if last in _LAST_WORD_PHONE or (last in ("number", "no", "num", "id") and before in _BEFORE_NUMBER_PHONE):
        return "PHONE"
    return "CARD" if name in _CARD or words[-2:] == ["card", "number"] else None


def keyed_span(text: str, kind: Kind, *, number: bool = False) -> tuple[int, int] | None:
    """Return where, in a leaf under a key of this kind, the value stands, or None where the leaf holds none.

    An authorization scheme (`Bearer `) stays readable; states (`missing`), references (`${DB_PASSWORD}`) and pseudonyms pass.
    """
    if kind == "SECRET":
        start = match.end() if (match := _SCHEME.match(text)) else 0
        value = text[start:].strip()
        if (number and len(text) < 4) or not value or is_no_secret(value):
            return None
        return start, len(text)
    digits = digits_of(text)
    if kind == "PHONE":
        return (0, len(text)) if 7 <= len(digits) <= 15 and _PHONE_VALUE.fullmatch(text.strip()) else None
    return (
        (0, len(text))
        if 12 <= len(digits) <= 19 and len(digits) + 6 >= len(text) and not any(c.isalpha() for c in text)
        else None
    )


def is_no_secret(value: str) -> bool:
    """Say whether a text that stands under a secret's name is a state, a type or a reference and no secret."""
    if "<" in value and not _WORD.search(PSEUDONYM.sub(" ", value)):
        return True
    return value.lower() in _NO_SECRET_WORDS or REFERENCE.fullmatch(value) is not None
