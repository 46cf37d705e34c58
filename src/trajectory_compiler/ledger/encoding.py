"""Any Python value to JSON text by one stated rule: nothing is lost without a word, nothing raises into the caller's tool.

    what JSON has                          itself; numbers keep all their digits
    NaN, Infinity                          the texts "NaN", "Infinity", "-Infinity"
    date, time, duration, UUID, Decimal    text (ISO 8601 where there is a form)
    enumeration                            its value
    bytes                                  base64 text
    tuple, set, range and the like         a list
    data class, Struct, attrs, pydantic    an object of its fields
    path, exception                        its text; "ValueError: what it said"
    a key that is no text                  its text; " (2)" is added where two keys would become one
    NUL, half of a surrogate pair          U+2400, U+FFFD: PostgreSQL's text cannot hold them
    a value inside itself                  {"$cycle": "dict"}
    anything else, or deeper than 100      {"$type": "module.Class", "$repr": "..."}

`changed` says that one of the last five rules was needed, or that a number had to become a text: the row says so in `extra`.
"""

from __future__ import annotations

import collections
import dataclasses
import datetime
import decimal
import enum
import marshal
import os
import re
import uuid
from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

import msgspec

MAX_DEPTH = 100  # three frames a level, below whatever depth the caller is at
_TRIES = 3
_REPR_CHARACTERS = 10_000
_encode = msgspec.json.Encoder().encode
_NO_NUMBER = re.compile(rb"g.{6}[\xf0-\xff][\x7f\xff]", re.DOTALL)  # a float in marshal's format whose exponent is full
_NUL = b"\\u0000"
_UNHOLDABLE = re.compile("[\0\ud800-\udfff]")
_LEAVES = (datetime.date, datetime.time, datetime.timedelta, uuid.UUID, decimal.Decimal, bytes, bytearray, memoryview)
_LISTS: tuple[type[Iterable[Any]], ...] = (
    list,
    tuple,
    set,
    frozenset,
    collections.deque,
    range,
    type({}.keys()),
    type({}.values()),
)


class Encoded(NamedTuple):
    """JSON text, and whether the value had to be changed to fit into JSON."""

    text: bytes
    changed: bool = False


def encode(value: Any) -> Encoded:
    """Return the JSON text of any value. Never raises an Exception.

    Cost: about 2 microseconds a kilobyte for what JSON has; where the text holds a null, a second look for NaN as much again.
    """
    try:
        text = _encode(value)
        if (b"null" not in text or not may_hold_nan(value)) and _NUL not in text:
            return Encoded(text)
    except Exception:  # noqa: BLE001, S110  # the values are the caller's: whatever they do, the slow way takes them
        pass
    return _encode_by_rule(value)


def clean(text: Any) -> str:
    """Return a name or a message as text that every database can hold."""
    if not isinstance(text, str):
        text = _said(text, str)
    return str.__str__(_UNHOLDABLE.sub(_holdable, text))


def _holdable(found: re.Match[str]) -> str:
    return "\u2400" if found.group() == "\0" else "\ufffd"


def may_hold_nan(value: Any) -> bool:
    """Say whether a value may hold NaN or an infinity: msgspec writes them as null.

    Looks at the binary form of the value, which takes a tenth of the time of walking over it; what has none may hold anything.
    """
    try:
        return _NO_NUMBER.search(marshal.dumps(value, 2)) is not None
    except ValueError:
        return True


def _encode_by_rule(value: Any) -> Encoded:
    for _ in range(_TRIES):
        walk = _Walk()
        try:
            return Encoded(_encode(walk.plain(value, 0)), walk.changed)
        except RuntimeError:  # another thread changed a container under our hands: look again
            continue
        except Exception:  # noqa: BLE001  # see `encode`
            break
    return Encoded(_encode(_described(value)), changed=True)


class _Walk:
    """One walk over a value; remembers where it is, and whether it had to change anything."""

    def __init__(self) -> None:
        self.changed = False
        self._open: set[int] = set()

    def plain(self, value: Any, depth: int) -> Any:
        """Return what JSON has for a value."""
        if value is None or value is True or value is False:
            return value
        if isinstance(value, enum.Enum):
            return self.plain(value.value, depth)
        if isinstance(value, str):
            return self._text(value)
        if isinstance(value, int):
            return int(value)
        if isinstance(value, float):
            return self._number(float(value))
        if isinstance(value, _LEAVES):
            return msgspec.to_builtins(value)
        if isinstance(value, os.PathLike):
            return self._text(os.fsdecode(value))
        if isinstance(value, BaseException):
            return self._text(f"{type(value).__name__}: {_said(value, str)}")
        return self._container(value, depth)

    def _container(self, value: Any, depth: int) -> Any:
        if id(value) in self._open:
            self.changed = True
            return {"$cycle": type(value).__name__}
        if depth >= MAX_DEPTH:
            return self._other(value)
        self._open.add(id(value))
        try:
            fields = _fields_of(value)
            if fields is not None:
                return self._object(fields, depth)
            if isinstance(value, _LISTS):
                return [self.plain(item, depth + 1) for item in value]
            return self._other(value)
        finally:
            self._open.discard(id(value))

    def _object(self, fields: Iterable[tuple[Any, Any]], depth: int) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, item in fields:
            name = wanted = self._key(key)
            number = 2
            while name in made:
                name, number = f"{wanted} ({number})", number + 1
            made[name] = self.plain(item, depth + 1)
        return made

    def _key(self, key: Any) -> str:
        if isinstance(key, enum.Enum):
            key = key.value
        if isinstance(key, str):
            return self._text(key)
        self.changed = self.changed or not isinstance(key, int | float)
        if key is None or isinstance(key, bool):
            return {None: "null", True: "true", False: "false"}[key]
        return clean(key)

    def _text(self, text: str) -> str:
        cleaned = clean(text)
        self.changed = self.changed or cleaned != text
        return cleaned

    def _number(self, number: float) -> float | str:
        if number - number == 0:
            return number
        self.changed = True
        return {"nan": "NaN", "inf": "Infinity"}.get(repr(number), "-Infinity")

    def _other(self, value: Any) -> dict[str, str]:
        self.changed = True
        return _described(value)


def _fields_of(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """Return the names and values of what is an object to JSON, or None."""
    if isinstance(value, Mapping):
        return list(value.items())
    if isinstance(value, type):
        return None
    if isinstance(value, msgspec.Struct):
        return [(name, getattr(value, name)) for name in value.__struct_fields__]
    if dataclasses.is_dataclass(value):
        return [(field.name, getattr(value, field.name, None)) for field in dataclasses.fields(value)]
    for names in ("model_fields", "__attrs_attrs__"):  # pydantic, attrs
        declared = getattr(type(value), names, None)
        if declared:
            return [(name, getattr(value, name, None)) for name in (getattr(each, "name", each) for each in declared)]
    return None


def _described(value: Any) -> dict[str, str]:
    kind = type(value)
    return {"$type": f"{kind.__module__}.{kind.__qualname__}", "$repr": clean(_said(value, repr))}


def _said(value: Any, how: Any) -> str:
    """Return `str(value)` or `repr(value)`, cut to ten thousand characters, or what went wrong with it."""
    try:
        text = how(value)
    except Exception as error:  # noqa: BLE001  # a broken __repr__ is the caller's, and no reason to lose the row
        return f"<{how.__name__}() raised {type(error).__name__}>"
    return text if len(text) <= _REPR_CHARACTERS else f"{text[:_REPR_CHARACTERS]}... ({len(text)} characters)"
