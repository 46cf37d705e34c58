"""Check digits and issuing rules of identifiers: what tells a National Insurance number from nine other characters."""

from __future__ import annotations

import ipaddress
import re

# How long an IBAN is, by country: the ISO 13616 registry.
_IBAN_LENGTHS = dict(
    pair.split(":")
    for pair in (
        "AD:24 AE:23 AL:28 AT:20 AZ:28 BA:20 BE:16 BG:22 BH:22 BR:29 BY:28 CH:21 CR:22 CY:28 CZ:24 DE:22 DK:18 DO:28 "
        "EE:20 EG:29  ES:24 FI:18 FO:18 FR:27 GB:22 GE:22 GI:23 GL:18 GR:27 GT:28 HR:21 HU:28 IE:22 IL:23 IQ:23 IS:26 "
        "IT:27 JO:30 KW:30 KZ:20  LB:28 LC:32 LI:21 LT:20 LU:20 LV:21 MC:27 MD:24 ME:22 MK:19 MR:27 MT:31 MU:30 NL:18 "
        "NO:15 PK:24 PL:28 PS:29 PT:25 QA:29  RO:24 RS:22 SA:24 SC:31 SE:24 SI:19 SK:24 SM:27 ST:25 SV:28 TL:23 TN:24 "
        "TR:26 UA:29 VA:22 VG:24 XK:20 "
    ).split()
)
# Prefixes that HMRC never issues (National Insurance Manual, NIM39110).
_NINO = re.compile(r"(?!BG|GB|NK|KN|TN|NT|ZZ)[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z][0-9]{6}[A-D]")
_UTR_WEIGHTS = (6, 7, 8, 9, 10, 5, 4, 3, 2)
_SEPARATORS = str.maketrans("", "", " -.\u00a0\u2011")
# The 124 postcode areas of Royal Mail, Crown dependencies included.
POSTCODE_AREAS = frozenset(
    "AB AL B BA BB BD BH BL BN BR BS BT CA CB CF CH CM CO CR CT CV CW DA DD DE DG DH DL DN DT DY E EC EH EN EX FK FY G GL "
    "GU GY HA  HD HG HP HR HS HU HX IG IM IP IV JE KA KT KW KY L LA LD LE LL LN LS LU M ME MK ML N NE NG NN NP NR NW OL "
    "OX PA PE PH PL PO PR  RG RH RM S SA SE SG SK SL SM SN SO SP SR SS ST SW SY TA TD TF TN TQ TR TS TW UB W WA WC WD WF "
    "WN WR WS WV YO ZE ".split()
)
_AREA = re.compile("[A-Z]{1,2}")


def is_nhs_number(text: str) -> bool:
    """Say whether ten digits end with the modulus 11 check digit of an NHS number, and are not one digit repeated."""
    digits = text.translate(_SEPARATORS)
    if len(digits) != 10 or not digits.isdigit() or len(set(digits)) == 1:
        return False
    check = 11 - sum(int(digit) * weight for digit, weight in zip(digits, range(10, 1, -1), strict=False)) % 11
    return check % 11 == int(digits[9])


def is_nino(text: str) -> bool:
    """Say whether a text has the form of a National Insurance number with letters that HMRC issues."""
    return _NINO.fullmatch(text.translate(_SEPARATORS).upper()) is not None


def is_utr(text: str) -> bool:
    """Say whether ten digits begin with the modulus 11 check digit of a Unique Taxpayer Reference."""
    digits = text.translate(_SEPARATORS).upper().removesuffix("K")
    if len(digits) != 10 or not digits.isdigit() or len(set(digits)) == 1:
        return False
    total = sum(int(digit) * weight for digit, weight in zip(digits[1:], _UTR_WEIGHTS, strict=True))
    return "21987654321"[total % 11] == digits[0]


def iban_length(text: str) -> int:
    """Return how many characters from the left are an IBAN (ISO 13616: a country's length, modulus 97), 0 if none are."""
    wanted = int(_IBAN_LENGTHS.get(text[:2].upper(), 0))
    compact, end = "", 0
    for place, character in enumerate(text):
        if character not in " -\u00a0":
            compact += character.upper()
        if wanted and len(compact) == wanted:
            end = place + 1
            break
    if not end or not compact.isascii() or not compact.isalnum():
        return 0
    number = "".join(str(int(character, 36)) for character in compact[4:] + compact[:4])
    return end if int(number) % 97 == 1 else 0


def is_postcode(text: str) -> bool:
    """Say whether a text of a postcode's form starts with a postcode area that exists."""
    area = _AREA.match(text.upper())
    return area is not None and area.group() in POSTCODE_AREAS


def is_ssn(text: str) -> bool:
    """Say whether nine digits are a US social security number that may be issued: no 000, 666 or 00 where they cannot be."""
    area, group, serial = (part for part in re.split("[- ]", text))
    return area not in ("000", "666") and group != "00" and serial != "0000"


def is_public_address(text: str) -> bool:
    """Say whether a text is an IP address of some machine: neither this one, nor every one, nor a netmask."""
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        return False
    return not (address.is_loopback or address.is_unspecified or text.startswith("255.") or address.is_multicast)


def is_eu_vat(text: str) -> bool:
    """Say whether a text is a VAT number of an EU state or of the United Kingdom, check digits included."""
    from stdnum.eu import vat  # noqa: PLC0415  26 ms, for the few logs that hold a candidate
    from stdnum.gb import vat as gb_vat  # noqa: PLC0415

    return bool(gb_vat.is_valid(text) if text[:2].upper() == "GB" else vat.is_valid(text))


def is_us_phone(text: str) -> bool:
    """Say whether a text is a number that the North American plan allows."""
    import phonenumbers  # noqa: PLC0415  16 ms, as above

    try:
        return phonenumbers.is_possible_number(phonenumbers.parse(text, "US"))
    except phonenumbers.NumberParseException:
        return False


def is_gb_landline(text: str) -> bool:
    """Say whether eleven digits in one run may be a British number: they do not count up or down, or repeat one digit."""
    return text not in "012345678901234" and text not in "09876543210987" and len(set(text)) > 3


def is_foreign_phone(text: str) -> bool:
    """Say whether a number with `00` before a calling code is one that the plan of its country allows."""
    import phonenumbers  # noqa: PLC0415  16 ms, as above

    try:
        number = phonenumbers.parse("+" + text.removeprefix("00").replace("(0)", ""), None)
    except phonenumbers.NumberParseException:
        return False
    return phonenumbers.is_possible_number(number) and (" " in text or "-" in text or phonenumbers.is_valid_number(number))


def is_gb_phone(text: str) -> bool:
    """Say whether a text is a number that the British plan has given out."""
    import phonenumbers  # noqa: PLC0415  16 ms, as above

    try:
        return phonenumbers.is_valid_number(phonenumbers.parse(text, "GB"))
    except phonenumbers.NumberParseException:
        return False
