"""One record of a log, by any source, to one `Row`."""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from functools import partial

from trajectory_compiler.model import Json, Row, TurnKind
from trajectory_compiler.sources.bytestream import MAX_ROW_BYTES
from trajectory_compiler.sources.columns import ERROR_COLUMNS, Role, plain
from trajectory_compiler.sources.documents import UnreadableError, parse_text
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.kinds import kind_of_tool
from trajectory_compiler.sources.mapping import Mapping, Record
from trajectory_compiler.sources.outcomes import outcome
from trajectory_compiler.sources.stamps import utc_stamp

UNKNOWN_AGENT = "agent"
UNMAPPED = "\0 no column"  # no record has this key, so that unserved roles need no test of their own
_KINDS_REMEMBERED = 10_000


class RowBuilder:
    """Builds rows by one mapping and counts what it must drop. One builder serves one pass over a log."""

    def __init__(self, mapping: Mapping, drops: Drops) -> None:
        self.drops = drops

        def column(role: Role) -> str:
            return mapping.columns.get(role, UNMAPPED)

        self._session, self._tool, self._id = column("session_id"), column("tool"), column("id")
        self._stamp, self._agent = column("created_at"), column("agent")
        self._arguments, self._response = column("arguments"), column("response")
        self._cost, self._duration, self._success = column("cost"), column("duration"), column("success")
        self._says_error = plain(self._success) in ERROR_COLUMNS
        self._scale = mapping.duration_scale
        self._kinds: dict[str, TurnKind] = {}

    def build(self, record: Record, number: int | str, *, tool: str | None = None) -> Row | None:
        """Return the row of a record, or None where it must be dropped (counted). Consumes `record`.

        `number` is the row's place in the log; it makes the id where the log has none. `tool` names the tool of rows that
        need not name one themselves (messages, results).
        """
        pop = record.pop
        drops = self.drops
        session = _identifier(pop(self._session, None))
        if not session:
            drops.add("no_session_id", number)
            return None
        tool = tool or _identifier(pop(self._tool, None))
        if not tool:
            drops.add("no_tool", number)
            return None
        arguments = pop(self._arguments, None)
        response = pop(self._response, None)
        try:
            if isinstance(response, str) and len(response) > MAX_ROW_BYTES:
                raise UnreadableError("row_too_large")
            if isinstance(arguments, str):
                arguments = parse_text(arguments, partial(drops.add, place=number))
            if isinstance(response, str):
                response = parse_text(response, partial(drops.add, place=number))
        except UnreadableError as error:
            drops.add(error.reason, number)
            return None
        kind = self._kinds.get(tool) or self._kind(tool)
        cost, duration = pop(self._cost, None), pop(self._duration, None)
        said = pop(self._success, None)
        return Row(
            id=_identifier(pop(self._id, None)) or f"{drops.unit}-{number:0>9}",
            session_id=session,
            created_at=self._created_at(pop(self._stamp, None), number),
            agent=_identifier(pop(self._agent, None)) or UNKNOWN_AGENT,
            tool=tool,
            arguments={} if arguments is None else arguments,
            response=response,
            cost_usd=None if cost is None else number_of(cost),
            duration_ms=None if duration is None else _scaled(number_of(duration), self._scale),
            success=outcome(said, response, is_error_column=self._says_error),
            kind=kind,
            extra=record,
        )

    def _created_at(self, value: Json, number: int | str) -> str | None:
        if value is None or value == "":
            return None
        stamp = utc_stamp(value)
        if stamp is None:
            self.drops.add("unusable_stamp", number)
            return None
        if stamp.naive:
            self.drops.add("naive_stamp", number)
        return stamp.text

    def _kind(self, tool: str) -> TurnKind:
        kind = kind_of_tool(tool)
        if len(self._kinds) < _KINDS_REMEMBERED:
            self._kinds[tool] = kind
        return kind


def _identifier(value: Json) -> str:
    """Return an identifier as text: 5, 5.0 and "5" are one id; what can be no id gives the empty text."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | dict | list):
        return ""
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() else str(value)
    return str(value)


def number_of(value: Json) -> float | None:
    """Return a cost or duration as a float; a currency sign before it is read over, anything else is no number."""
    if isinstance(value, str):
        try:
            value = float(value.strip().lstrip("$£€ "))
        except ValueError:
            return None
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if abs(number) < float("inf") else None


def _scaled(number: float | None, scale: float) -> float | None:
    return number if number is None or scale == 1.0 else number * scale


def session_of(value: Json) -> str:
    """Return the session id that `RowBuilder` would read from a raw value; empty where it would drop the row."""
    return _identifier(value)


def json_value(value: Json, drops: Drops, number: int) -> Json:
    """Return what a database or Parquet hands over as plain JSON: stamps, decimals and bytes become text or numbers."""
    if value is None or isinstance(value, str | bool | int):
        return value
    if isinstance(value, float):
        if value - value == 0:
            return value
        drops.add("number_as_text", number)
        return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}[repr(value)]
    if isinstance(value, dict):
        return {str(key): json_value(item, drops, number) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [json_value(item, drops, number) for item in value]
    if isinstance(value, datetime | date):
        stamp = utc_stamp(value)
        return stamp.text if stamp else str(value)
    if isinstance(value, Decimal):
        return json_value(float(value), drops, number) if value.is_finite() else str(value)
    if isinstance(value, bytes | bytearray | memoryview):
        return _text_of(bytes(value))
    return str(value)


def _text_of(data: bytes) -> str:
    """Return a binary value as the text that it holds, else (a hash, a picture) in hexadecimal."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.hex()
