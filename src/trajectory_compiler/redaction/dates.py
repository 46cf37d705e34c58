"""Dates of birth in the forms in which one date comes back. Day comes before month where both readings are possible."""

from __future__ import annotations

import re

_MONTHS = (
    "January February March April May June July August September October November December".split(),
    "Januar Februar März April Mai Juni Juli August September Oktober November Dezember".split(),
    "janvier février mars avril mai juin juillet août septembre octobre novembre décembre".split(),
    "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre".split(),
    "gennaio febbraio marzo aprile maggio giugno luglio agosto settembre ottobre novembre dicembre".split(),
    "stycznia lutego marca kwietnia maja czerwca lipca sierpnia września października listopada grudnia".split(),
    "styczeń luty marzec kwiecień maj czerwiec lipiec sierpień wrzesień październik listopad grudzień".split(),
    "januari februari maart april mei juni juli augustus september oktober november december".split(),
    "janeiro fevereiro março abril maio junho julho agosto setembro outubro novembro dezembro".split(),
)
_BY_NAME: dict[str, int] = {}
for _names in _MONTHS:
    for _number, _name in enumerate(_names, 1):
        for _form in (_name.lower(), _name.lower()[:3], _name.lower()[:4]):
            _BY_NAME.setdefault(_form, _number)
_ISO = re.compile(r"([0-9]{4})[-/. ]([0-9]{1,2})[-/. ]([0-9]{1,2})(?:[T ]00:00(?::00(?:\.0{1,9})?)?Z?)?")
_COMPACT = re.compile(r"(19[0-9]{2}|20[0-2][0-9])([01][0-9])([0-3][0-9])")
_DAY_FIRST = re.compile(r"([0-9]{1,2})[-/. ]([0-9]{1,2})[-/. ]([0-9]{4}|[0-9]{2})")
_NAMED = re.compile(r"([0-9]{1,2})(?:st|nd|rd|th|\.)?[ -]?(?:of |de )?([^\W\d_]{3,10})\.?,?[ -](?:de )?([0-9]{4})")
_AMERICAN = re.compile(r"([^\W\d_]{3,10})\.? ([0-9]{1,2})(?:st|nd|rd|th)?,? ([0-9]{4})")

_LAST_YEAR = 2015

Date = tuple[int, int, int]


def parse_date(text: str) -> Date | None:
    """Return year, month and day of a date in one of the usual forms, or None."""
    text = text.strip()
    if match := _ISO.fullmatch(text) or _COMPACT.fullmatch(text):
        year, month, day = (int(part) for part in match.groups())
    elif match := _DAY_FIRST.fullmatch(text):
        day, month, year = (int(part) for part in match.groups())
        if year < 100:
            year += 1900 if year > 26 else 2000
        if month > 12:
            day, month = month, day
    elif match := _NAMED.fullmatch(text):
        day, month, year = int(match[1]), _BY_NAME.get(match[2].lower(), 0), int(match[3])
    elif match := _AMERICAN.fullmatch(text):
        day, month, year = int(match[2]), _BY_NAME.get(match[1].lower(), 0), int(match[3])
    else:
        return None
    return (year, month, day) if 1850 <= year <= 2100 and 1 <= month <= 12 and 1 <= day <= 31 else None


def is_birth_date(text: str) -> bool:
    """Say whether a text is a date."""
    return parse_date(text) is not None


def is_long_ago(text: str) -> bool:
    """Say whether a text is a date that no document of today bears."""
    date = parse_date(text)
    return date is not None and date[0] <= _LAST_YEAR


def date_forms(text: str) -> set[str]:
    """Return the forms in which a date comes back: ISO, day first, month first, with names, two-digit years left out."""
    date = parse_date(text)
    if date is None:
        return set()
    year, month, day = date
    forms = {f"{year}-{month:02d}-{day:02d}", f"{year}/{month:02d}/{day:02d}", f"{year}{month:02d}{day:02d}"}
    for sign in "/-. ":
        forms |= {f"{day:02d}{sign}{month:02d}{sign}{year}", f"{day}{sign}{month}{sign}{year}"}
        forms |= {f"{month:02d}{sign}{day:02d}{sign}{year}"}
    name = _MONTHS[0][month - 1]
    ending = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    for month_name in (name, name[:3]):
        for number in (str(day), f"{day:02d}", f"{day}{ending}"):
            forms |= {f"{number} {month_name} {year}", f"{number}-{month_name}-{year}"}
            forms |= {f"{month_name} {number}, {year}", f"{month_name} {number} {year}"}
    return forms
