"""Time stamps of any common form to ISO 8601 in UTC with a `Z`.

2024-05-15T15:00:00.000Z      kept as it is
2024-05-15 17:00:00.25+02:00  -> 2024-05-15T15:00:00.250Z   (fractions are padded to 3, 6 or 9 digits, never cut)
2024-05-15T15:00:00           -> 2024-05-15T15:00:00Z       (no zone: taken as UTC, and noted)
1715785200, 1715785200000     -> 2024-05-15T15:00:00Z, 2024-05-15T15:00:00.000Z
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from trajectory_compiler.model import Json

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_SMALLEST_EPOCH = 100_000_000  # 1973: a smaller number counts something, it is no time
_SCALES = ((0, 10**11), (3, 10**14), (6, 10**17), (9, 10**20))  # powers of ten in a second, and where the next unit begins
_FRACTION = re.compile(r"(?<=\d)[.,](\d+)")
_NUMBER = re.compile(r"\d{9,19}(\.\d+)?")
_SHAPES = frozenset({20, 24, 27})  # seconds, milliseconds, microseconds, each with the Z
_SERVER = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(\.\d{1,6})?\+00", re.ASCII)
_parse = datetime.fromisoformat


class Stamp(NamedTuple):
    """A stamp in UTC. `naive` says that the log gave no time zone."""

    text: str
    naive: bool = False


def utc_stamp(value: Json) -> Stamp | None:
    """Return the stamp that a value of the log stands for, or None where it stands for none.

    Numbers are seconds, milliseconds, microseconds or nanoseconds since 1970, told apart by their size.
    """
    if isinstance(value, str):
        text = value.strip()
        if len(text) in _SHAPES and text[-1] == "Z" and text[10] == "T" and text[4] == text[7] == "-":
            try:
                _parse(text)
            except ValueError:
                return None
            return Stamp(text)
        if text[-3:] == "+00" and _SERVER.fullmatch(text):  # PostgreSQL's own, in UTC
            return _from_server(text)
        return _from_number(text) if _NUMBER.fullmatch(text) else _from_text(text)
    if isinstance(value, bool):
        return None
    if isinstance(value, int | float | Decimal):
        return _from_number(str(value))
    if isinstance(value, datetime):
        return _from_moment(value.replace(microsecond=0), _shortest(f"{value.microsecond:06d}"))
    if isinstance(value, date):
        return Stamp(f"{value.isoformat()}T00:00:00Z", naive=True)
    return None


def instant(stamp: str) -> str:
    """Return a text that sorts as the instants do: equal instants give equal texts, whatever their precision.

    Stamps of `utc_stamp` do not sort by themselves: `:00Z` comes after `:00.5Z`, and `:00.500Z` equals `:00.5Z`.
    """
    text = stamp[:-1]
    return text.rstrip("0").rstrip(".") if "." in text else text


def _from_server(text: str) -> Stamp | None:
    """Read `2026-03-01 09:00:00.25+00`. Its digits need no arithmetic, only their check: half the time of the general way."""
    moment, fraction = text[:19], text[20:-3]
    try:
        _parse(moment)
    except ValueError:
        return None
    padded = fraction.ljust((len(fraction) + 2) // 3 * 3, "0")
    return Stamp(f"{moment[:10]}T{moment[11:]}{'.' if padded else ''}{padded}Z")


def _from_text(text: str) -> Stamp | None:
    text = text.upper()
    for zone in (" UTC", " GMT"):
        if text.endswith(zone):
            text = text[: -len(zone)] + "Z"
    fraction = _FRACTION.search(text)
    try:
        moment = _parse(_FRACTION.sub("", text, count=1))
    except ValueError:
        return None
    return _from_moment(moment, fraction.group(1) if fraction else "")


def _from_moment(moment: datetime, fraction: str) -> Stamp | None:
    naive = moment.tzinfo is None
    try:
        moment = moment.replace(tzinfo=UTC) if naive else moment.astimezone(UTC)
    except OverflowError:
        return None
    padded = fraction.ljust((len(fraction) + 2) // 3 * 3, "0")
    return Stamp(moment.isoformat()[:19] + (f".{padded}" if padded else "") + "Z", naive)


def _from_number(text: str) -> Stamp | None:
    try:
        number = Decimal(text)
    except ArithmeticError:
        return None
    if not number.is_finite() or number < _SMALLEST_EPOCH:
        return None
    scale = next(scale for scale, limit in _SCALES if number < limit)
    seconds, rest = divmod(number, 10**scale)
    fraction = f"{int(rest):0{scale}d}" if scale else _shortest(f"{rest:.6f}"[2:])
    try:
        moment = _EPOCH + timedelta(seconds=int(seconds))
    except OverflowError:
        return None
    return _from_moment(moment, fraction)


def _shortest(micros: str) -> str:
    """Cut six digits of a typed stamp, which has no text of its own, to none or three where that loses nothing."""
    if micros == "000000":
        return ""
    return micros[:3] if micros.endswith("000") else micros
