"""Planted values: of every type, in every encoding, in real sessions. What comes out anywhere is a leak.

Values are made by seed, each unlike all others, so that a hit says which was found. Numbers have right check digits and look
like the real thing; none was given to anybody (card numbers of test ranges, telephone numbers that Ofcom keeps for drama).
"""

from __future__ import annotations

import base64
import html
import json
import string
from collections.abc import Callable, Iterator
from random import Random
from typing import Any, NamedTuple
from urllib.parse import quote

from trajectory_compiler.model import Json
from trajectory_compiler.redaction.canaries import Canary

ENCODINGS = ("plain", "json_in_string", "url", "base64", "html", "key", "number", "spaced")
_FIRST = "Oliver Amelia Harriet Callum Priya Tomasz Niamh Rhys Fatima Edward Sinead Gareth Yasmin Duncan Beatrix Kwame".split()
_LAST = "Hartley Beaumont Okonkwo Llewellyn Fairclough Wojcik Ramaswamy Gallagher Pemberton Achebe Thistlewood Macready".split()
_STREETS = "Hawthorn Bramble Larkspur Tanner Foundry Coppice Harbour Meadow Orchard Saddler Quarry Mulberry".split()
_TOWNS = "Leeds Cardiff Dundee Norwich Preston Swansea Exeter Lincoln".split()


class Planted(NamedTuple):
    """A canary, how it was written into the log, and under which label or key."""

    canary: Canary
    encoding: str
    label: str


def _digits(dice: Random, count: int) -> str:
    return "".join(dice.choice(string.digits) for _ in range(count))


def _letters(dice: Random, count: int, alphabet: str = string.ascii_uppercase) -> str:
    return "".join(dice.choice(alphabet) for _ in range(count))


def _luhn(body: str) -> str:
    total = sum(sum(divmod(int(d) * (2 if n % 2 == 0 else 1), 10)) for n, d in enumerate(reversed(body)))
    return body + str(-total % 10)


def _nhs(dice: Random) -> str:
    while True:
        body = dice.choice("46") + _digits(dice, 8)
        check = 11 - sum(int(d) * (10 - n) for n, d in enumerate(body)) % 11
        if check != 10:
            return body + str(check % 11)


def _utr(dice: Random) -> str:
    body = _digits(dice, 9)
    remainder = sum(int(d) * w for d, w in zip(body, (6, 7, 8, 9, 10, 5, 4, 3, 2), strict=True)) % 11
    return "21987654321"[remainder] + body


def _iban(dice: Random) -> str:
    bban = _letters(dice, 4) + _digits(dice, 14)
    number = int("".join(str(int(c, 36)) for c in bban + "GB00"))
    return f"GB{98 - number % 97:02d}{bban}"


def _nino(dice: Random) -> str:
    return f"{dice.choice(['AB', 'CE', 'JK', 'LM', 'PR', 'TW'])}{_digits(dice, 6)}{dice.choice('ABCD')}"


def _licence(dice: Random) -> str:
    born = f"{dice.randint(0, 9)}{dice.randint(1, 12):02d}{dice.randint(1, 28):02d}{dice.randint(0, 9)}"
    return f"{dice.choice(_LAST)[:5].upper():9<5}{born}{_letters(dice, 2)}9{_letters(dice, 2)}"


def _person(dice: Random) -> str:
    return f"{dice.choice(_FIRST)} {dice.choice(_LAST)}-{dice.choice(_LAST)}"


def _address(dice: Random) -> str:
    return f"{dice.randint(1, 299)} {dice.choice(_STREETS)} {dice.choice(['Road', 'Lane', 'Street'])}, {dice.choice(_TOWNS)}"


# Type -> (label in prose, key, maker). Secrets come under the type SECRET in several forms.
MAKERS: dict[str, tuple[str, str, Callable[[Random], str]]] = {
    "EMAIL": ("email", "email", lambda d: f"{d.choice(_FIRST).lower()}.{_letters(d, 6).lower()}@example.org"),
    "PHONE": ("phone", "phone", lambda d: f"07700900{_digits(d, 3)}" if d.random() < 0.02 else f"0113496{_digits(d, 4)}"),
    "CARD": ("card number", "card_number", lambda d: _luhn("400000" + _digits(d, 9))),
    "IBAN": ("IBAN", "iban", _iban),
    "NHS_NUMBER": ("NHS number", "nhsNumber", _nhs),
    "NINO": ("NI number", "niNumber", _nino),
    "UTR": ("UTR", "utr", _utr),
    "ACCOUNT": ("account number", "accountNumber", lambda d: _digits(d, 8)),
    "PASSPORT": ("passport number", "passport_number", lambda d: "5" + _digits(d, 8)),
    "DRIVING_LICENCE": ("driving licence", "drivingLicence", _licence),
    "IP": ("IP address", "ip", lambda d: f"203.{d.randint(100, 199)}.{d.randint(100, 255)}.{d.randint(100, 255)}"),
    "MAC": ("MAC address", "mac", lambda d: ":".join(_letters(d, 2, "0123456789abcdef") for _ in range(6))),
    "SSN": ("SSN", "ssn", lambda d: f"{d.randint(100, 665)}-{d.randint(10, 99)}-{d.randint(1000, 9999)}"),
    "PERSON": ("customer name", "customer_name", _person),
    "ADDRESS": ("address", "address", _address),
    "TOKEN": ("token", "access_token", lambda d: "ghp_" + _letters(d, 36, string.ascii_letters + string.digits)),
    "AWS_KEY": ("AWS secret", "aws_secret_access_key", lambda d: _letters(d, 40, string.ascii_letters + string.digits + "/+")),
    "PASSWORD": ("password", "password", lambda d: f"{_letters(d, 6).lower()}-{_digits(d, 4)}!{_letters(d, 4)}"),
}


def made(number: int, seed: int) -> list[Planted]:
    """Return so many canaries, all different, over all types and encodings in turn."""
    dice = Random(seed)
    combinations = [(kind, encoding) for kind in MAKERS for encoding in ENCODINGS if _is_possible(kind, encoding)]
    seen: set[str] = set()
    planted: list[Planted] = []
    while len(planted) < number:
        kind, encoding = combinations[len(planted) % len(combinations)]
        label, _, make = MAKERS[kind]
        value = make(dice)
        if value in seen or (encoding == "number" and value.startswith("0")):
            continue
        seen.add(value)
        planted.append(Planted(Canary(value, kind), encoding, label))
    return planted


def _is_possible(kind: str, encoding: str) -> bool:
    if encoding == "number":
        return kind in ("CARD", "NHS_NUMBER", "UTR", "ACCOUNT", "PASSPORT")
    if encoding == "spaced":
        return kind in ("PHONE", "CARD", "IBAN", "NHS_NUMBER", "NINO", "UTR")
    return True


def fragment(planted: Planted) -> tuple[str, Json]:
    """Return a key and a value that carry a canary in its encoding, as a log would."""
    value, kind = planted.canary.value, planted.canary.kind
    _, key, _ = MAKERS[kind]
    sentence = f"The {planted.label} is {value}." if kind not in ("TOKEN", "AWS_KEY", "PASSWORD") else f"{key}={value}"
    match planted.encoding:
        case "json_in_string":
            return "payload", json.dumps({"record": {key: value}})
        case "url":
            return "url", f"https://service.example/v1/look?{key}={quote(value, safe='')}&page=2"
        case "base64":
            return "body", base64.b64encode(json.dumps({key: value}).encode()).decode()
        case "html":
            return "html", f"<td>{html.escape(planted.label)}</td><td>{_entities(value)}</td>"
        case "key":
            return "by_" + key, {value: {"seen": 3}}
        case "number":
            return key, int(value)
        case "spaced":
            return "note", f"The {planted.label} is {_spaced(kind, value)}."
        case _:
            return ("note", sentence) if len(value) % 2 else (key, value)


def _entities(value: str) -> str:
    return "".join(f"&#{ord(c)};" if c in "@.-:" else html.escape(c) for c in value)


def _spaced(kind: str, value: str) -> str:
    groups = {"PHONE": (4, 3, 4), "NHS_NUMBER": (3, 3, 4), "NINO": (2, 2, 2, 2, 1), "UTR": (5, 5)}.get(kind, (4,) * 6)
    parts, place = [], 0
    for size in groups:
        parts.append(value[place : place + size])
        place += size
    return " ".join(part for part in parts if part)


def plant(rows: list[dict[str, Any]], planted: list[Planted], seed: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of a log with every canary in one of them, in its arguments or in its response."""
    dice = Random(seed)
    by_row: dict[int, list[Planted]] = {}
    for item in planted:
        by_row.setdefault(dice.randrange(len(rows)), []).append(item)
    for number, row in enumerate(rows):
        for count, item in enumerate(by_row.get(number, ())):
            key, value = fragment(item)
            part = dice.choice(("arguments", "response"))
            document = row[part]
            if isinstance(document, dict):
                name = key if key not in document else f"more_{count}"
                row = row | {part: document | ({name: value} if name == key else {name: {key: value}})}
            elif isinstance(document, str) and isinstance(value, str):
                row = row | {part: f"{document}\n{key}: {value}\n"}
            else:
                row = row | {part: {"result": document, key: value}}
        yield row
