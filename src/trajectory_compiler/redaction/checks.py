"""The tests a found value must pass, by name: what a regular expression cannot say."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable
from math import log2

from trajectory_compiler.redaction import dates, names
from trajectory_compiler.redaction.identifier_checks import (
    iban_length,
    is_eu_vat,
    is_foreign_phone,
    is_gb_landline,
    is_nhs_number,
    is_nino,
    is_postcode,
    is_public_address,
    is_ssn,
    is_us_phone,
    is_utr,
)

# Calling codes of the ITU E.164 list with one and two digits; every other code has three digits.
_SHORT_CODES = frozenset(
    "1 7 20 27 30 31 32 33 34 36 39 40 41 43 44 45 46 47 48 49 51 52 53 54 55 56 57 58 60 61 62 63 64 65 66 81 82 84 86 90 91 "
    "92 93 94 95 98".split()
)
_LONG_CODES = re.compile(r"2[1-689]\d|3[578]\d|42[013]|5[09]\d|6[789]\d|80[08]|85[02356]|88[068]|9[67]\d|99[2-68]")
_NATIONAL = {
    "1": (10, 10),
    "7": (10, 10),
    "44": (9, 10),
    "33": (9, 9),
    "34": (9, 9),
    "39": (8, 11),
    "49": (6, 12),
    "86": (10, 11),
}
_MIN_BITS = 3.0
_DATE = re.compile(r"[0-9]{4}[-/.][0-9]{1,2}[-/.][0-9]{1,2}|[0-9]{1,2}[/.][0-9]{1,2}[-/.][0-9]{2,4}")
_FILE_ENDINGS = frozenset(
    "png jpg jpeg gif svg webp ico pdf css scss js mjs jsx tsx json html yml yaml toml lock tgz zip whl".split()
)
_CARDS = (
    (re.compile(r"4"), (16, 19)),
    (re.compile(r"5[1-5]|222[1-9]|22[3-9]\d|2[3-6]\d\d|27[01]\d|2720"), (16,)),
    (re.compile(r"3[47]"), (15,)),
    (re.compile(r"30[0-5]|36|38"), (14,)),
    (re.compile(r"6011|64[4-9]|65|62|35(?:2[89]|[3-8]\d)|50|5[6-8]|67"), (16, 17, 18, 19)),
)
REFERENCE = re.compile(
    r"\$\{[^}]*\}?|\{\{?[^}]*\}\}?|\$[A-Z_]+|%\(\w+\)s|%\w+%|<[^<>]*>|\[[^\]]*\]|[*x•.X_?-]+|arn:.*|(?:process\.env|os\.environ)\b.*|secrets\.\w+"
)


def digits_of(text: str) -> str:
    """Return the ASCII digits of a text."""
    return "".join(c for c in text if "0" <= c <= "9")


def passes_luhn(digits: str) -> bool:
    """Say whether the last digit is the Luhn check digit (ISO/IEC 7812-1) of the others."""
    total = 0
    for place, character in enumerate(reversed(digits)):
        digit = int(character)
        if place % 2:
            digit = digit * 2 - 9 if digit > 4 else digit * 2
        total += digit
    return total % 10 == 0


def is_card(text: str) -> bool:
    """Say whether digits have the prefix, the length and the check digit of a payment card."""
    digits = digits_of(text)
    for prefix, lengths in _CARDS:
        if len(digits) in lengths and prefix.match(digits):
            return passes_luhn(digits) and len(set(digits)) > 1
    return False


def is_international_phone(text: str) -> bool:
    """Say whether a number with a plus has a calling code that exists and a length that fits it."""
    digits = digits_of(text.replace("(0)", ""))
    if digits[:1] in _SHORT_CODES:
        code = digits[:1]
    elif digits[:2] in _SHORT_CODES:
        code = digits[:2]
    elif _LONG_CODES.match(digits):
        code = digits[:3]
    else:
        return False
    national = digits[len(code) :]
    shortest, longest = _NATIONAL.get(code, (7, 12))
    if code == "1" and (national[:1] in "01" or national[3:4] in "01"):
        return False
    # A plus before one unbroken run is as often a diff or an offset: `+20240515` has too few digits for Egypt.
    return shortest <= len(national.lstrip("0")) and len(national) <= longest and (len(digits) >= 10 or " " in text)


def is_national_phone(text: str) -> bool:
    """Say whether digits read as a British number: ten or eleven digits in groups, or an unbroken mobile number."""
    digits = digits_of(text)
    if len(digits) == len(text):
        return len(digits) == 11 and digits[:2] == "07" and digits[2] != "0"
    return len(digits) == 11 or (len(digits) == 10 and digits[1] in "12358")


def is_0044_phone(text: str) -> bool:
    """Say whether digits after 0044 are a British number without its zero."""
    national = digits_of(text.replace("(0)", ""))[4:]
    return len(national) in (9, 10) and national[0] in "12357"


def is_any_phone(text: str) -> bool:
    """Say whether a text that a word calls a phone number can be one: seven to fifteen digits that are no date."""
    plain = text.split("x", maxsplit=1)[0].strip()
    return 7 <= len(digits_of(plain)) <= 15 and not _DATE.match(plain)


def is_email(text: str) -> bool:
    """Say whether an address-like text is one: no file (`icon@2x.png`), no clone URL (`git@github.com`)."""
    local, _, domain = text.replace("%40", "@").partition("@")
    return local != "git" and domain.rpartition(".")[2].lower() not in _FILE_ENDINGS


def is_opaque(text: str) -> bool:
    """Say whether a text is no word: it holds a digit, and letters or sixteen characters."""
    return any("0" <= c <= "9" for c in text) and (len(text) >= 16 or any(c.isalpha() for c in text))


def has_many_digits(text: str) -> bool:
    """Say whether a text is a number with a few letters: seven digits or more."""
    return len(digits_of(text)) >= 7


def is_plate(text: str) -> bool:
    """Say whether seven signs of the form AB12 CDE are a number plate: no hash, no version before an ordinary word."""
    if text.isupper():
        return True
    last = text[-3:]
    return re.search("[g-z]", text) is not None and not (
        last in names.word_list("ordinary_words")
        or last in names.word_list("not_names")
        or last in names.word_list("short_words")
    )


def is_varied(text: str) -> bool:
    """Say whether the characters of a text are as mixed as in a random key: three bits each or more."""
    counts = Counter(text)
    return -sum(n / len(text) * log2(n / len(text)) for n in counts.values()) >= _MIN_BITS


def is_url_password(text: str) -> bool:
    """Say whether the text before an `@` in a URL is a password and neither a port with a path nor a reference."""
    port, slash, _ = text.partition("/")
    return not (slash and port.isdigit()) and not REFERENCE.fullmatch(text)


def _whole(claim: Callable[[str], bool]) -> Callable[[str], int]:
    """Accept all of a text or nothing."""
    return lambda text: len(text) if claim(text) else 0


def _longest(claim: Callable[[str], bool]) -> Callable[[str], int]:
    """Accept as many groups of digits from the left as make the claim true: `+44 7700 900123 2 items` holds a phone."""

    def accepted(text: str) -> int:
        end = len(text)
        while end and not claim(text[:end]):
            end = max((text.rfind(separator, 0, end) for separator in " -.\u00a0\u2011)"), default=-1)
            end = max(end, 0)
        return len(text[:end].rstrip(" -."))

    return accepted


# The name of a check -> how many characters of a candidate are the value: 0 is none.
CHECKS: dict[str, Callable[[str], int]] = {
    "": len,
    "card": _longest(is_card),
    "phone_international": _longest(is_international_phone),
    "phone_national": _longest(is_national_phone),
    "phone_0044": _longest(is_0044_phone),
    "email": _whole(is_email),
    "opaque": _whole(is_opaque),
    "varied": _whole(is_varied),
    "url_password": _whole(is_url_password),
    "nhs_number": _whole(is_nhs_number),
    "nino": _whole(is_nino),
    "utr": _whole(is_utr),
    "iban": iban_length,
    "postcode": _whole(is_postcode),
    "ssn": _whole(is_ssn),
    "ip": _whole(is_public_address),
    "vat": _whole(is_eu_vat),
    "vat_groups": _longest(is_eu_vat),
    "many_digits": _whole(has_many_digits),
    "plate": _whole(is_plate),
    "phone_gb": _whole(is_gb_landline),
    "phone_foreign": _longest(is_foreign_phone),
    "phone_us": _whole(is_us_phone),
    "phone_any": _whole(is_any_phone),
    "person": names.person_length,
    "person_in_lower_case": names.lower_case_length,
    "plain_full_name": names.plain_full_name_length,
    "full_name": names.full_name_length,
    "surname_then_given": _whole(names.is_surname_then_given),
    "mail_name": names.mail_name_length,
    "keyed_name": _whole(names.is_keyed_name),
    "keyed_name_part": _whole(names.is_keyed_name_part),
    "keyed_full_name": _whole(names.is_keyed_full_name),
    "postal": _whole(names.is_postal),
    "place": _whole(names.is_place),
    "house": names.house_length,
    "town_line": _whole(names.is_town_line),
    "street": _whole(names.is_street),
    "username": _whole(names.is_username),
    "account": _whole(names.is_account),
    "initial_and_surname": _whole(names.is_initial_and_surname),
    "birth_date": _whole(dates.is_birth_date),
    "long_ago": _whole(dates.is_long_ago),
}


_COMPACT = frozenset(
    "IBAN NHS_NUMBER NINO UTR SSN VAT_NUMBER PASSPORT DRIVING_LICENCE ACCOUNT SORT_CODE COUNCIL_TAX VEHICLE POSTCODE".split()
)


def normal_form(kind: str, text: str) -> str:
    """Return what two spellings of one value share: `+44 (0)7700 900123` and `07700900123` are one phone."""
    if kind == "EMAIL":
        return text.replace("%40", "@").casefold()
    if kind == "CARD":
        return digits_of(text)
    if kind == "PHONE":
        digits = digits_of(text.replace("(0)", ""))
        for prefix in ("0044", "44"):
            if digits.startswith(prefix) and len(digits) - len(prefix) in (9, 10, 11):
                digits = digits[len(prefix) :]
                break
        return digits.lstrip("0")  # a number in JSON has lost its zero
    if kind in _COMPACT:
        return "".join(character for character in text if character.isalnum()).upper()
    if kind == "DOB" and (date := dates.parse_date(text)):
        return "{:04d}-{:02d}-{:02d}".format(*date)
    if kind == "PERSON":
        return " ".join(names.name_key(text)) or text.casefold()
    if kind in ("ADDRESS", "USERNAME", "IP", "MAC"):
        return " ".join(text.casefold().split())
    return text
