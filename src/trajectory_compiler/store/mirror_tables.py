"""What a mirror holds: the tables of `schema.sql`, gathered into items that are written whole or not at all.

An item is a session with all that hangs on it, a run with what it left out, or a row that stands alone (a policy, a snapshot, a
data set with its items, a tombstone ...). Its name is a JSON list, such as `["session","log","s-41"]`.

Four tables stay at home, because they say what this very store is and does next: `meta`, `migrations`, `watermarks`, `waiting`.
`mirrored` stands on both sides: here it names the targets, there it says which store holds which item.
"""

from __future__ import annotations

import re
from functools import cache
from typing import NamedTuple

import msgspec

from trajectory_compiler.store.migrations import schema, statements

AT_HOME = frozenset({"meta", "migrations", "watermarks", "waiting", "mirrored"})
# The same policy is written down by every store at its own time: it is one policy all the same.
NOT_COMPARED = {("policies", "created_at")}
Key = tuple[str, ...]
Row = tuple[object, ...]
_CREATE = re.compile(r"CREATE TABLE (\w+) \((.*)\)", re.DOTALL)


class Table(NamedTuple):
    """A table of the schema: its columns in order, and those of its primary key."""

    name: str
    columns: tuple[str, ...]
    key: tuple[str, ...]


class Part(NamedTuple):
    """The rows of one table that belong to a kind of item.

    `columns` are those that hold the item's key, `also` a further condition. `by_pair` rows belong to a session through their
    pair, whose id is in `columns`.
    """

    table: str
    columns: tuple[str, ...]
    also: str = ""
    by_pair: bool = False

    def condition(self, keys: str, key_columns: tuple[str, ...]) -> str:
        """Return SQL that is true for the rows of some keys; `keys` is SQL over `key_columns`, as the first part has them."""
        where = f"{self.columns[0]} IN (SELECT id FROM pairs WHERE {keys})" if self.by_pair else keys
        for theirs, ours in zip(key_columns, () if self.by_pair else self.columns, strict=False):
            where = re.sub(rf"\b{theirs}\b", ours, where)
        return f"{where}{f' AND {self.also}' if self.also else ''}"


class Kind(NamedTuple):
    """A kind of item: `keys` lists them with their weight, `parts` are written in this order and deleted in the reverse one."""

    name: str
    key: tuple[str, ...]
    keys: str
    parts: tuple[Part, ...]


def _alone(name: str, table: str, *key: str) -> Kind:
    return Kind(name, key, f"SELECT {', '.join(key)}, 1 FROM {table}", (Part(table, key),))


_SESSION = ("source", "session_id")
_SESSION_KEYS = (
    "SELECT source, session_id, max(turns) FROM (SELECT source, session_id, turns FROM sessions "
    "UNION ALL SELECT source, session_id, 0 FROM model_calls WHERE source IS NOT NULL AND session_id IS NOT NULL "
    "UNION ALL SELECT source, session_id, 0 FROM findings WHERE scope <> 'run' AND session_id IS NOT NULL) k "
    "GROUP BY source, session_id"
)
KINDS: tuple[Kind, ...] = (
    Kind(
        "run",
        ("id",),
        "SELECT id, 1 FROM runs",
        (
            Part("runs", ("id",)),
            Part("findings", ("run_id",), "(scope = 'run' OR session_id IS NULL)"),
            Part("model_calls", ("run_id",), "(source IS NULL OR session_id IS NULL)"),
        ),
    ),
    _alone("policy", "policies", "hash"),
    _alone("snapshot", "snapshots", "source", "digest"),
    Kind(
        "session",
        _SESSION,
        _SESSION_KEYS,
        (
            *(Part(table, _SESSION) for table in ("sessions", "trajectories", "identities", "stages", "pairs")),
            *(Part(table, ("pair_id",), by_pair=True) for table in ("proofs", "reviews")),
            Part("findings", _SESSION, "scope <> 'run'"),
            Part("model_calls", _SESSION),
        ),
    ),
    Kind(
        "dataset",
        ("digest",),
        "SELECT digest, 1 FROM dataset_versions",
        (Part("dataset_versions", ("digest",)), Part("dataset_items", ("dataset_digest",))),
    ),
    _alone("erasure", "erasures", "id"),
    _alone("action", "actions", "id"),
    _alone("calibration", "calibrations", "id"),
    _alone("hold", "holds", "id"),
)


@cache
def tables() -> dict[str, Table]:
    """Return the tables of the schema, by name, as its own text says."""
    found = {}
    for statement in statements(schema()):
        if match := _CREATE.fullmatch(statement):
            name, body = match.groups()
            lines = [line.strip() for line in body.splitlines() if line.strip()]
            columns = tuple(line.split()[0] for line in lines if line[0].islower())
            alone = tuple(line.split()[0] for line in lines if line[0].islower() and "PRIMARY KEY" in line)
            listed = re.search(r"^PRIMARY KEY \(([^)]*)\)", "\n".join(lines), re.MULTILINE)
            key = tuple(part.strip() for part in listed.group(1).split(",")) if listed else alone
            found[name] = Table(name, columns, key)
    return found


def item_name(kind: Kind, key: Key) -> str:
    """Return the name of an item."""
    return msgspec.json.encode([kind.name, *key]).decode()


def kind_and_key(item: str) -> tuple[Kind | None, Key]:
    """Take a name apart; the kind is None where a newer program has written it."""
    name, *key = msgspec.json.decode(item, type=list[str])
    return next((kind for kind in KINDS if kind.name == name), None), tuple(key)
