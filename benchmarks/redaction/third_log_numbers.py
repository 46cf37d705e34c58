"""Numbers that authorities, banks and networks give out, with the check digits that they must have."""

from __future__ import annotations

import random
from collections.abc import Callable

from stdnum import iban as iban_rules
from stdnum import luhn
from stdnum.es import ccc, dni
from stdnum.eu import vat as vat_rules
from stdnum.gb import nhs, utr
from stdnum.gb import vat as uk_vat_rules
from stdnum.us import ssn

_LETTERS = "ABCDEFGHJKLMNPRSTUWXYZ"
_UK_BANKS = ("NWBK", "BARC", "LOYD", "HBUK", "MONZ", "ABBY")
_DUTCH_BANKS = ("ABNA", "INGB", "RABO", "TRIO")
_PLATES = ("??1#???", "??2#???", "??6#???", "??7#???", "?3##???")
_VALID: dict[str, tuple[tuple[str, ...], Callable[[str], object]]] = {
    "nhs": (("4#########", "6#########", "7#########", "999#######"), nhs.is_valid),
    "utr": (("##########",), utr.is_valid),
    "card": (("4###############", "52##############", "55##############", "2345############"), luhn.is_valid),
    "amex": (("37#############", "34#############"), luhn.is_valid),
    "ssn": (("#########",), ssn.is_valid),
}
_VAT = {"de": "DE#########", "fr": "FR###########", "pl": "PL##########", "it": "IT###########", "nl": "NL#########B##"}
_ITALIAN_ODD = (1, 0, 5, 7, 9, 13, 15, 17, 19, 21)


def filled(rng: random.Random, pattern: str) -> str:
    """Replace each `#` of a pattern by a digit and each `?` by a capital letter."""
    return "".join({"#": rng.choice("0123456789"), "?": rng.choice(_LETTERS)}.get(sign, sign) for sign in pattern)


def written(value: str, form: str) -> str:
    """Write a value in a form, where `#` stands for its next character and `_` for the same in small letters."""
    rest = iter(value)
    parts: list[str] = []
    for sign in form:
        if sign in "#_":
            character = next(rest, "")
            parts.append(character.lower() if sign == "_" else character)
        else:
            parts.append(sign)
    return ("".join(parts) + "".join(rest)).strip()


def valid(name: str, rng: random.Random) -> str:
    """Draw until the check digit is right."""
    patterns, is_valid = _VALID[name]
    return _drawn(rng, rng.choice(patterns), is_valid)


def nino(rng: random.Random) -> str:
    """Return a National Insurance number with a prefix that is given out."""
    prefix = rng.choice("ABCEGHJKLMNPRSTWXYZ") + rng.choice("ABCEGHJKLMNPRSTWXYZ")
    if prefix in {"BG", "GB", "KN", "NK", "NT", "TN", "ZZ"}:
        return nino(rng)
    return prefix + filled(rng, "######") + rng.choice("ABCD")


def plate(rng: random.Random) -> str:
    """Return a vehicle registration as given out today or in the nineties, without its space."""
    return filled(rng, rng.choice(_PLATES))


def driving_licence(rng: random.Random, surname: str, born: tuple[int, int, int], *, is_woman: bool) -> str:
    """Return a British driver number: it tells the surname, the birth date and whether the driver is a woman."""
    year, month, day = born
    return (
        f"{surname.upper():9<5.5}{year // 10 % 10}{month + 50 * is_woman:02}{day:02}{year % 10}"
        f"{rng.choice(_LETTERS)}9{rng.choice('9876')}{filled(rng, '??')}"
    )


def vat(rng: random.Random, language: str) -> str:
    """Return the VAT number of a sole trader of a country."""
    if language == "en":
        return _drawn(rng, "GB#########", lambda number: uk_vat_rules.is_valid(number[2:]))
    if language == "es":
        number = filled(rng, "########")
        return f"ES{number}{dni.calc_check_digit(number)}"
    return _drawn(rng, _VAT[language], vat_rules.is_valid)


def iban(rng: random.Random, language: str, account: str) -> str:
    """Return an IBAN of a country, its national check digits right too; a British one holds the given sort code and account."""
    match language:
        case "de":
            country, number = "DE", filled(rng, "##################")
        case "fr":
            number = filled(rng, "#####################")
            key = 97 - (89 * int(number[:5]) + 15 * int(number[5:10]) + 3 * int(number[10:])) % 97
            country, number = "FR", f"{number}{key:02}"
        case "es":
            number = filled(rng, "##################")
            country, number = "ES", number[:8] + str(ccc.calc_check_digits(number[:8] + "00" + number[8:])) + number[8:]
        case "pl":
            number = filled(rng, "1######")
            check = -sum(int(digit) * weight for digit, weight in zip(number, (3, 9, 7, 1, 3, 9, 7), strict=True)) % 10
            country, number = "PL", f"{number}{check}{filled(rng, '################')}"
        case "it":
            number = filled(rng, "######################")
            total = sum(_ITALIAN_ODD[int(digit)] if place % 2 == 0 else int(digit) for place, digit in enumerate(number))
            country, number = "IT", chr(ord("A") + total % 26) + number
        case "nl":
            number = _drawn(rng, "##########", lambda number: _weighed(number) % 11 == 0)
            country, number = "NL", rng.choice(_DUTCH_BANKS) + number
        case _:
            country, number = "GB", rng.choice(_UK_BANKS) + account
    return f"{country}{iban_rules.calc_check_digits(f'{country}00{number}')}{number}"


def ipv4(rng: random.Random) -> str:
    """Return an address out of a provider's ranges."""
    first = rng.choice((31, 62, 78, 81, 86, 91, 109, 151, 176, 188))
    return f"{first}.{rng.randrange(1, 250)}.{rng.randrange(256)}.{rng.randrange(1, 255)}"


def ipv6(rng: random.Random) -> str:
    """Return an address of version 6 out of a provider's ranges, long or shortened."""
    groups = [f"2a0{rng.choice('0123')}", *(f"{rng.randrange(0x10, 0x10000):x}" for _ in range(7))]
    return ":".join(groups) if rng.random() < 0.5 else f"{':'.join(groups[:4])}::{groups[7]}"


def _weighed(number: str) -> int:
    return sum(int(digit) * weight for digit, weight in zip(number, range(10, 0, -1), strict=True))


def _drawn(rng: random.Random, pattern: str, is_valid: Callable[[str], object]) -> str:
    while not is_valid(number := filled(rng, pattern)):
        pass
    return number
