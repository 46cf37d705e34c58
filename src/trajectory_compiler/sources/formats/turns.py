"""The one shape into which every agent format is read: calls, results and messages as records of the common mapping.

A record has the roles of `MAPPING` as its keys. Calls and results are joined by `call_id` later (`sources.joining`), so that a
format only says what a line is, never keeps it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple, get_args

import msgspec

from trajectory_compiler.model import Json
from trajectory_compiler.sources.columns import Role
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.values import Values
from trajectory_compiler.sources.mapping import Mapping, Record
from trajectory_compiler.sources.recognition import Sureness

_COLUMNS: tuple[Role, ...] = get_args(Role)  # every role stands under its own name
MAPPING = Mapping(columns={r: r for r in _COLUMNS}, confidence=dict.fromkeys(_COLUMNS, 1.0), available=_COLUMNS, joins=True)
Placed = tuple[str, Record]


class LogFile(NamedTuple):
    """A file of a log. `name` is its path below the folder that was named, without suffixes: it may name a session."""

    path: Path
    name: str

    @property
    def by_line(self) -> bool:
        """Whether the file has an object on each line."""
        return Values(self.path).by_line

    def values(self, drops: Drops) -> Iterator[Placed]:
        """Yield the objects of the file with places that name it; what cannot be read is counted."""
        return Values(self.path).placed(drops)


class Format(msgspec.Struct, frozen=True, kw_only=True):
    """A format: its name, the name of a source of many files, how it is told, how its files are read.

    `signs_in` gets the first objects of a file and returns how sure it is and why, or None. `read` gets all files, in the order
    of their names; it is called anew for every pass. `sorted` says that its sessions leave one after the other, in order.
    """

    name: str
    source: str
    signs_in: Callable[[Sequence[Record]], tuple[Sureness, str] | None]
    read: Callable[[Sequence[LogFile], Drops], Iterator[Placed]]
    unit: str = "line"
    sorted: bool = False


def milliseconds_between(start: Json, end: Json) -> float | None:
    """Return the time between two ISO stamps, never below 0; None where one is no stamp."""
    try:
        span = datetime.fromisoformat(str(end)) - datetime.fromisoformat(str(start))
    except (ValueError, TypeError):
        return None
    return max(0.0, round(span.total_seconds() * 1000, 3))


def text_of(value: Json) -> str:
    """Return a text, or the empty text for anything else."""
    return value if isinstance(value, str) else ""


def objects_in(value: Json) -> list[Record]:
    """Return the objects of a list; nothing for anything else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def object_in(value: Json) -> Record:
    """Return an object, or an empty one for anything else."""
    return value if isinstance(value, dict) else {}
