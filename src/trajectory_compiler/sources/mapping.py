"""Which column of a log serves what: one guess for every source, with how sure it is, overridable column by column.

Names come first (`columns.SYNONYMS`), the first rows decide whether a name means what it says (a column `status` of words
that are no outcome serves nothing), and where no name fits, content alone may: a session id is an identifier that comes
back, a tool is a short name that comes back, and either is taken only if exactly one column looks so.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from collections.abc import Mapping as Columns
from typing import get_args

import msgspec

from trajectory_compiler.errors import MappingError, OptionError
from trajectory_compiler.model import Json, TurnKind
from trajectory_compiler.sources.columns import RANKS, ROLES, Role, plain, unit_in_milliseconds
from trajectory_compiler.sources.kinds import PARTS, kind_of_tool
from trajectory_compiler.sources.ledger_table import LEDGER_COLUMNS, is_ledger
from trajectory_compiler.sources.outcomes import outcome
from trajectory_compiler.sources.stamps import utc_stamp

SAMPLE_ROWS = 200
Record = dict[str, Json]
_NAME = re.compile(r"[A-Za-z_][\w.:/-]{0,99}")
_COLUMN = re.compile(r"[^\W\d][\w.:/$-]{0,63}( [\w.:/$()-]{1,20}){0,3}")
_IDENTIFIER = re.compile(r"[\w.:/@|-]{1,200}")


class Mapping(msgspec.Struct, frozen=True, kw_only=True):
    """The columns of a log by role. `confidence` runs from 0 to 1; 1 means the role's own name or the user's word.

    `available` lists every column seen, `kinds` the tools of the first rows that are no tool turns, `joins` says that calls
    and their results stand in separate rows, `duration_scale` turns the log's durations into milliseconds.
    """

    columns: dict[Role, str]
    confidence: dict[Role, float]
    available: tuple[str, ...] = ()
    kinds: dict[str, TurnKind] = {}
    joins: bool = False
    duration_scale: float = 1.0

    def column(self, role: Role) -> str | None:
        """Return the column that serves a role, or None."""
        return self.columns.get(role)

    @property
    def extra(self) -> tuple[str, ...]:
        """The columns that serve no role; they travel untouched in `Row.extra`."""
        served = set(self.columns.values())
        return tuple(name for name in self.available if name not in served)


def guess_mapping(log: str, sample: Sequence[Record], overrides: Columns[str, str]) -> Mapping:
    """Map the columns of a log from its first rows.

    `overrides` gives columns by role; an empty name leaves a role unserved.
    Raises: MappingError: no column serves `session_id` or `tool`, or a named column does not exist. OptionError: a role that
    does not exist.
    """
    available = tuple(dict.fromkeys(name for record in sample for name in record))
    columns = _overridden(log, available, overrides)
    if is_ledger(available):
        taken = {*columns.values()}
        columns |= {role: name for role, name in LEDGER_COLUMNS.items() if role not in overrides and name not in taken}
    confidence: dict[Role, float] = dict.fromkeys(columns, 1.0)
    values = {name: [r[name] for r in sample if r.get(name) not in (None, "")] for name in available}
    for score, role, name in _by_name(values):
        known = role in columns or role in overrides or is_ledger(available)
        if not known and name not in columns.values():
            columns[role], confidence[role] = name, round(score, 2)
    for role, looks in _LOOKS.items():
        if role not in columns and role not in overrides:
            fitting = [n for n in available if n not in columns.values() and values[n] and looks(values[n])]
            if len(fitting) == 1:
                columns[role], confidence[role] = fitting[0], 0.4
    columns = {role: name for role, name in columns.items() if name}
    _require(log, available, columns)
    tools = {str(tool) for tool in values.get(columns.get("tool", ""), ()) if isinstance(tool, str)}
    kinds = {tool: kind_of_tool(tool) for tool in sorted(tools) if kind_of_tool(tool) != "tool"}
    return Mapping(
        columns=columns,
        confidence={role: confidence[role] for role in columns},
        available=available,
        kinds=kinds,
        joins=_is_split(columns, sample),
        duration_scale=_duration_scale(columns, values),
    )


def _overridden(log: str, available: tuple[str, ...], overrides: Columns[str, str]) -> dict[Role, str]:
    columns: dict[Role, str] = {}
    for given, name in overrides.items():
        role = next((role for role in ROLES if role == given), None)
        if role is None:
            raise OptionError("map a column", f"there is no role '{given}'", f"Use one of: {', '.join(get_args(Role))}.")
        if name and name not in available:
            raise MappingError(
                f"map the columns of {log}", f"it has no column '{name}', but {_list(available)}", "Name one of these."
            )
        columns[role] = name
    return columns


def _by_name(values: Columns[str, list[Json]]) -> list[tuple[float, Role, str]]:
    """Return every plausible use of every column, the surest first; ties keep the order of roles, then of columns."""
    uses = [
        (RANKS[role][plain(name)] * _agreement(role, seen), role, name)
        for role in ROLES
        for name, seen in values.items()
        if plain(name) in RANKS[role]
    ]
    return sorted((use for use in uses if use[0] >= 0.25), key=lambda use: -use[0])


def _agreement(role: Role, seen: list[Json]) -> float:
    """Return how well the values of a column agree with a role: 1 well, 0 not at all."""
    if not seen:
        return 0.6  # an empty column may fill later
    if role == "created_at":
        return _share(seen, lambda value: utc_stamp(value) is not None)
    if role in ("cost", "duration"):
        return _share(seen, _is_number)
    if role == "kind":
        return 1.0 if _share(seen, lambda value: isinstance(value, str) and value.lower() in PARTS) > 0.5 else 0.0
    if role == "success":
        return 1.0 if _share(seen, _tells_outcome) > 0.5 else 0.5
    if role in ("session_id", "tool", "id", "call_id", "agent"):
        return _share(seen, lambda value: isinstance(value, str | int | float) and not isinstance(value, bool))
    return 1.0


def _tells_outcome(value: Json) -> bool:
    return outcome(value, None, is_error_column=False) is not None or not isinstance(value, str)


def _share(seen: list[Json], holds: Callable[[Json], bool]) -> float:
    return sum(map(holds, seen)) / len(seen)


def _is_number(value: Json) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"\s*[$£€]?\s*-?\d+(\.\d+)?([eE]-?\d+)?\s*", value))
    return not isinstance(value, bool | dict | list)


def _comes_back(seen: list[Json], shape: re.Pattern[str]) -> bool:
    """Say whether values of this shape come in runs or repeat: at most half of them are new."""
    fits = all(isinstance(value, str) and shape.fullmatch(value) for value in seen)
    return fits and len(seen) >= 4 and 1 < len(set(seen)) <= len(seen) / 2


def _looks_like_a_time(value: Json) -> bool:
    """Say whether a value alone, without a telling name, is a stamp: large numbers may also be ids, so years must be ours."""
    stamp = utc_stamp(value)
    return stamp is not None and "2010" <= stamp.text[:4] <= "2060"


def _is_object(value: Json) -> bool:
    return isinstance(value, dict) or (isinstance(value, str) and value.lstrip()[:1] == "{")


_LOOKS: dict[Role, Callable[[list[Json]], bool]] = {
    "created_at": lambda seen: all(map(_looks_like_a_time, seen)),
    "arguments": lambda seen: all(_is_object(value) for value in seen),
    "session_id": lambda seen: _comes_back(seen, _IDENTIFIER) and any(c.isdigit() for c in str(seen[0])),
    "tool": lambda seen: _comes_back(seen, _NAME) and not any(c.isdigit() for c in str(seen[0])),
}


def _require(log: str, available: tuple[str, ...], columns: dict[Role, str]) -> None:
    for role, what in (("session_id", "session id"), ("tool", "tool")):
        if role not in columns and not (role == "tool" and "kind" in columns):
            raise MappingError(
                f"map the columns of {log}",
                f"no column is known to hold the {what}; there are {_list(available)}",
                f"Name it with --column {role}=NAME.",
            )


def _list(available: tuple[str, ...]) -> str:
    """List columns for a message. A file without a header has data for names: what does not look like one is numbered."""
    shown = [name if _COLUMN.fullmatch(name) else f"(column {place})" for place, name in enumerate(available[:40], 1)]
    return (", ".join(shown) + (f" and {len(available) - 40} more" if len(available) > 40 else "")) or "no columns"


def _is_split(columns: dict[Role, str], sample: Sequence[Record]) -> bool:
    """Say whether calls and results, or messages, stand in rows of their own."""
    if "kind" in columns:
        return True
    if "call_id" not in columns:
        return False
    calls = [(r.get(columns["session_id"]), r.get(columns["call_id"])) for r in sample if r.get(columns["call_id"])]
    return len(set(map(str, calls))) < len(calls)


def _duration_scale(columns: dict[Role, str], values: Columns[str, list[Json]]) -> float:
    name = columns.get("duration")
    if name is None:
        return 1.0
    unit = unit_in_milliseconds(name)
    if unit is not None:
        return unit
    numbers = [value for value in values[name] if isinstance(value, float)]
    return 1000.0 if numbers and max(numbers) < 1000 and any(number % 1 for number in numbers) else 1.0
