"""Walk and rebuild parsed JSON with its keys as context. Both are iterative: a document of any depth is safe.

Keys are object keys, the column names of a result (`{"columns": ["id", "dob"], "rows": [[7, "1964-09-18"]]}`), a first row of
names, the `name` beside a `value`, and what an index is by (`by_phone`, `accountNumbers`), which tells what its own keys are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple

from trajectory_compiler.model import Json
from trajectory_compiler.redaction.key_index import KeyIndex, Meaning, identifier_key
from trajectory_compiler.redaction.keys import ASKED, NAMED_KEYS, NAMING_KEYS

_COLUMNS = ("columns", "column_names", "columnNames", "header", "headers", "fields", "cols", "schema")
_LONGEST_NAME = 120


class TooDeep:
    """Stands for a part of a document that lies below the depth limit: it is not scanned, so it does not pass."""


class _Place(NamedTuple):
    """A value on its way through a walk. `columns` say what stands in the cells, where the value is a table or its row.

    `naming` says what its own key is: `{"by_phone": {"01134960001": ...}}` has numbers for keys.
    """

    value: Json
    meaning: Meaning | None
    depth: int
    columns: Sequence[Meaning | None] | None = None
    key: str | None = None
    naming: Meaning | None = None


Rewrite = Callable[[Json, Meaning | None], Json]


def scalars(document: Json, max_depth: int, index: KeyIndex) -> Iterator[tuple[Json, Meaning | None]]:
    """Yield the dictionary keys and the scalars, each with what the keys above say about it; in no particular order.

    Booleans and nulls are left out. A part below the depth limit comes as a `TooDeep`.
    """
    stack = [_Place(document, None, 0)]
    while stack:
        place = stack.pop()
        value = place.value
        if isinstance(value, dict | list) and place.depth >= max_depth:
            yield TooDeep(), None
        elif isinstance(value, dict | list):
            for child in _children(place, index):
                if child.key is not None:
                    yield child.key, child.naming
                if isinstance(child.value, str):
                    yield child.value, child.meaning
                elif child.value is not None and child.value is not True and child.value is not False:
                    stack.append(child)
        elif value is not None and value is not True and value is not False:
            yield value, place.meaning


def rebuild(document: Json, max_depth: int, rewrite: Rewrite, index: KeyIndex) -> Json:
    """Return a copy of a document in which `rewrite` has replaced scalars and dictionary keys, in document order.

    Keys that become equal keep apart: the later one gets `~2`, `~3`, and so on.
    """
    result: list[Json] = []
    stack: list[tuple[_Place, Json]] = [(_Place(document, None, 0), result)]
    while stack:
        place, parent = stack.pop()
        value = place.value
        is_container = isinstance(value, dict | list) and place.depth < max_depth
        made: Json = ({} if isinstance(value, dict) else []) if is_container else None
        # The key comes before its value: the order in which pseudonyms are numbered.
        name = None if isinstance(parent, list) else _free_key(parent, rewrite(place.key, place.naming))
        if not is_container:
            too_deep = isinstance(value, dict | list)
            made = rewrite(TooDeep(), None) if too_deep else rewrite(value, place.meaning)
        if name is None:
            parent.append(made)
        else:
            parent[name] = made
        if is_container:
            stack.extend((child, made) for child in reversed(_children(place, index)))
    return result[0]


def is_deeper_than(document: Json, max_depth: int) -> bool:
    """Say whether containers nest deeper than the limit: level by level, so that depth costs no recursion."""
    level = [document]
    for _ in range(max_depth):
        level = [
            child
            for value in level
            for child in (value.values() if isinstance(value, dict) else value if isinstance(value, list) else ())
            if isinstance(child, dict | list)
        ]
        if not level:
            return False
    return True


def _children(place: _Place, index: KeyIndex) -> list[_Place]:
    value, depth = place.value, place.depth + 1
    if isinstance(value, list):
        columns = place.columns
        if columns is None:
            columns = _header(value, index)
        elif columns and not (value and isinstance(value[0], dict | list)):  # the row of a table
            return [_Place(cell, columns[i] if i < len(columns) else place.meaning, depth) for i, cell in enumerate(value)]
        return [_Place(item, place.meaning, depth, columns) for item in value]
    beside = frozenset(value)
    named = _named(value, index)
    naming = index.naming(place.key) if place.key is not None else None
    columns = next((_meanings(value[name], index) for name in _COLUMNS if isinstance(value.get(name), list)), None)
    return [
        _Place(
            child,
            index.below(key, beside, named or place.meaning),
            depth,
            columns if isinstance(child, list) and child and isinstance(child[0], list) else None,
            key,
            naming or (identifier_key(key) if index.has_rules and key.isdigit() else None),
        )
        for key, child in value.items()
    ]


def _header(rows: list[Json], index: KeyIndex) -> Sequence[Meaning | None] | None:
    """Return what the columns of a table mean whose first row holds their names."""
    first = rows[0] if len(rows) > 1 else None
    if not isinstance(first, list) or not all(isinstance(name, str) for name in first):
        return None
    return _meanings(first, index)


def _meanings(names: list[Json], index: KeyIndex) -> Sequence[Meaning | None] | None:
    """Return what column names mean, or None where none of them tells anything. A column may be an object with its name."""
    plain = [name.get("name") if isinstance(name, dict) else name for name in names]
    beside = frozenset(name for name in plain if isinstance(name, str) and len(name) <= _LONGEST_NAME)
    meanings = [index.meaning(name, beside) if isinstance(name, str) and name in beside else None for name in plain]
    return meanings if any(meanings) else None


def _named(value: dict[str, Json], index: KeyIndex) -> Meaning | None:
    if not any(key in value for key in NAMED_KEYS):
        return None
    for key in NAMING_KEYS:
        name = value.get(key)
        if isinstance(name, str) and len(name) <= _LONGEST_NAME:
            meaning = index.meaning(name) or index.meaning(ASKED.sub("", name))
            if meaning:
                return meaning
    return None


def _free_key(parent: dict[str, Json], key: str) -> str:
    name, number = key, 2
    while name in parent:
        name, number = f"{key}~{number}", number + 1
    return name
