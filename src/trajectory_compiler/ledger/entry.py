"""One row on its way to the ledger: from what a caller said to the JSON line that is spooled and sent."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Any, TypedDict

import msgspec

from trajectory_compiler.ledger.encoding import Encoded, clean, encode, may_hold_nan
from trajectory_compiler.ledger.schema import STATUSES

NOTES = "$recorder"  # the key of `extra` under which the recorder says what it did to a row
_TEXTS = ("session_id", "agent", "tool", "parent_id", "idempotency_key")
_LONGEST = 1e12
_LIMITS = {"cost_usd": 1e9, "duration_ms": _LONGEST}  # as the ledger's
_KNOWN = frozenset((*STATUSES, None))
_QUICK = frozenset("session_id agent idempotency_key called_at status duration_ms parent_id extra".split())
_NAMELESS = "unknown"  # what stands for an empty name: the ledger takes none
ABSENT = msgspec.Raw()  # stands for SQL's null, and is left out of the line
_line = msgspec.json.Encoder().encode


class Fields(TypedDict, total=False):
    """What a caller may say of a row beside tool, arguments and response.

    `called_at` is seconds since 1970 (the time of recording if left out). `parent_id` and `idempotency_key` are keys as
    `record` returns them. `truncated` says that the caller had to cut something. `extra` is anything else worth keeping.
    """

    session_id: str
    agent: str
    status: str
    error: str
    cost_usd: float
    duration_ms: float
    parent_id: str
    truncated: bool
    called_at: float
    idempotency_key: str
    extra: dict[str, Any]


class Entry(msgspec.Struct, kw_only=True, omit_defaults=True):
    """A row as it is spooled and sent. The fields are the writer's columns; JSON stays the text that it is."""

    session_id: str
    called_at: str
    agent: str
    tool: str
    idempotency_key: str
    arguments: msgspec.Raw = ABSENT
    response: msgspec.Raw = ABSENT
    status: str | None = None
    error: str | None = None
    cost_usd: float | None = None
    duration_ms: float | None = None
    parent_id: str | None = None
    truncated: bool = False
    extra: msgspec.Raw = ABSENT


class Call(msgspec.Struct, kw_only=True):
    """A row as the caller gave it: any Python values. `now` stands in for a `called_at` that is no time."""

    session_id: str
    agent: str
    tool: str
    arguments: Any
    response: Any
    idempotency_key: str
    now: float
    called_at: float | None = None
    status: str | None = None
    error: str | None = None
    cost_usd: float | None = None
    duration_ms: float | None = None
    parent_id: str | None = None
    truncated: bool = False
    extra: dict[str, Any] | None = None


def quick_line(tool: str, arguments: Any, response: Any, said: dict[str, Any]) -> bytes | None:
    """Return the line of a row with nothing odd about it, encoded at one go, or None where it needs care (`line_of`).

    `said` holds the `Fields`, the first five of `Entry` but for the tool among them. May raise whatever the values' own code
    raises. Cost: 3 microseconds for a small row; ten times that where the processor did something else meanwhile.
    """
    get = said.get
    session, agent, key, parent = said["session_id"], said["agent"], said["idempotency_key"], get("parent_id")
    status, duration, extra = get("status"), get("duration_ms"), get("extra")
    if not (type(tool) is type(agent) is type(session) is type(key) is str and tool and agent and session and key):
        return None
    if not _QUICK.issuperset(said) or status not in _KNOWN or (extra is not None and type(extra) is not dict):
        return None
    if (parent is not None and type(parent) is not str) or (duration is not None and not 0 <= duration < _LONGEST):
        return None
    looked_at = type(arguments) is Encoded
    if looked_at:
        if arguments.changed:
            return None
        arguments = msgspec.Raw(arguments.text)
    line = _line(
        Entry(
            session_id=session,
            called_at=_iso(said["called_at"]),
            agent=agent,
            tool=tool,
            idempotency_key=key,
            arguments=ABSENT if arguments is None else arguments,
            response=ABSENT if response is None else response,
            status=status,
            duration_ms=duration if duration is None else round(duration, 3),
            parent_id=parent,
            extra=extra or ABSENT,  # type: ignore[arg-type]  # encoded as it is
        )
    )
    if b"\\u0000" in line or (b"null" in line and may_hold_nan((None if looked_at else arguments, response, extra))):
        return None
    return line


def call_of(said: dict[str, Any]) -> Call:
    """Return what was said as a `Call`; what has a name that no field has stands in `extra`."""
    unknown = {name: value for name, value in said.items() if name not in Call.__struct_fields__}
    if not unknown:
        return Call(**said)
    known = {name: value for name, value in said.items() if name not in unknown}
    extra = known.get("extra")
    return Call(**{**known, "extra": {**(extra if isinstance(extra, dict) else {"extra": extra} if extra else {}), **unknown}})


def line_of(call: Call, max_field_bytes: int | None = None) -> bytes:
    """Return the row as one line of JSON. A field over the limit is cut, and the row says so in `truncated`.

    What had to be changed to fit into JSON, and what was cut (its size and SHA-256), stands in `extra` under `$recorder`.
    Cost: three times that of `quick_line`.
    """
    notes: dict[str, Any] = {}
    arguments = _field("arguments", call.arguments, max_field_bytes, notes)
    response = _field("response", call.response, max_field_bytes, notes)
    error = call.error
    if error is not None:
        error = _error(clean(error), max_field_bytes, notes)
    entry = Entry(
        session_id=call.session_id,
        called_at=_stamp(call, notes),
        agent=call.agent,
        tool=call.tool,
        idempotency_key=call.idempotency_key,
        arguments=arguments,
        response=response,
        status=_status(call.status, error, notes),
        error=error,
        cost_usd=None if call.cost_usd is None else _amount("cost_usd", call.cost_usd, notes),
        duration_ms=None if call.duration_ms is None else _amount("duration_ms", call.duration_ms, notes),
        parent_id=call.parent_id,
        truncated="cut" in notes or bool(call.truncated),
        extra=_extra(call.extra, notes),
    )
    return _line(_with_clean_texts(entry))


def _field(name: str, value: Any, limit: int | None, notes: dict[str, Any]) -> msgspec.Raw:
    """Return the JSON of a payload field, cut to the limit as a JSON text where it is longer."""
    if value is None:
        return ABSENT
    text, changed = value if type(value) is Encoded else encode(value)
    if changed:
        notes.setdefault("changed", []).append(name)
    if limit is not None and len(text) > limit:
        _note_cut(name, text, notes)
        kept = value.encode(errors="replace") if isinstance(value, str) else text
        return msgspec.Raw(_line(clean(kept[:limit].decode(errors="ignore"))))
    return msgspec.Raw(text)


def _error(text: str, limit: int | None, notes: dict[str, Any]) -> str:
    data = text.encode()
    if limit is None or len(data) <= limit:
        return text
    _note_cut("error", data, notes)
    return data[:limit].decode(errors="ignore")


def _note_cut(name: str, whole: bytes, notes: dict[str, Any]) -> None:
    notes.setdefault("cut", {})[name] = {"bytes": len(whole), "sha256": hashlib.sha256(whole).hexdigest()}


def _stamp(call: Call, notes: dict[str, Any]) -> str:
    """Return when the call was made; where what was given is no time, it stands in the notes."""
    if call.called_at is not None:
        try:
            return _iso(call.called_at)
        except (TypeError, ValueError, OverflowError, OSError):
            notes["called_at"] = clean(call.called_at)
    return _iso(call.now)


def _iso(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="microseconds").removesuffix("+00:00") + "Z"


def _status(status: str | None, error: str | None, notes: dict[str, Any]) -> str | None:
    """Return a status that the ledger knows: an error is none of them `ok`, and an unknown word stands in the notes."""
    if status is not None and status not in STATUSES:
        notes["status"] = clean(status)
        status = None
    return "error" if error is not None and status in (None, "ok") else status


def _amount(name: str, value: Any, notes: dict[str, Any]) -> float | None:
    """Return an amount as the ledger holds it, or None where it is no number: then it stands in the notes."""
    try:
        number = float(value)
        if 0 <= number < _LIMITS[name]:
            return round(number, 9 if name == "cost_usd" else 3)
    except (TypeError, ValueError, OverflowError):
        pass
    notes[name] = clean(value)
    return None


def _extra(given: Any, notes: dict[str, Any]) -> msgspec.Raw:
    if not given and not notes:
        return ABSENT
    text, changed = encode(given if given else {})
    if changed:
        notes.setdefault("changed", []).append("extra")
    if not notes and text[:1] == b"{":
        return msgspec.Raw(text)
    members = [] if text == b"{}" else [text[1:-1] if text[:1] == b"{" else b'"value":' + text]
    if notes:
        members.append(b'"%b":%b' % (NOTES.encode(), _line(notes)))
    return msgspec.Raw(b"{" + b",".join(members) + b"}")


def _with_clean_texts(entry: Entry) -> Entry:
    texts = {name: clean(value) or _NAMELESS for name in _TEXTS if (value := getattr(entry, name)) is not None}
    return msgspec.structs.replace(entry, **texts)
