"""Walk and rebuild parsed JSON with its keys as context. Both are iterative: a document of any depth is safe."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from trajectory_compiler.model import Json
from trajectory_compiler.redaction.keys import NAMING_KEYS, below, kind_of_key
from trajectory_compiler.redaction.policy import Kind


class TooDeep:
    """Stands for a part of a document that lies below the depth limit: it is not scanned, so it does not pass."""


Rewrite = Callable[[Json, Kind | None], Json]


def scalars(document: Json, max_depth: int, *, keys: bool) -> Iterator[tuple[Json, Kind | None]]:
    """Yield the dictionary keys and the scalars, each with what the keys above say about it; in no particular order.

    Booleans and nulls are left out. A part below the depth limit comes as a `TooDeep`.
    """
    stack: list[tuple[Json, Kind | None, int]] = [(document, None, 0)]
    while stack:
        value, kind, depth = stack.pop()
        if isinstance(value, dict | list) and depth >= max_depth:
            yield TooDeep(), None
        elif isinstance(value, dict):
            named = _named_kind(value) if keys else None
            for key, child in value.items():
                yield key, None
                child_kind = _kind_at(key, kind, named) if keys else None
                if isinstance(child, str):
                    yield child, child_kind
                elif child is not None and child is not True and child is not False:
                    stack.append((child, child_kind, depth + 1))
        elif isinstance(value, list):
            stack.extend((item, kind, depth + 1) for item in value)
        elif value is not None and value is not True and value is not False:
            yield value, kind


def rebuild(document: Json, max_depth: int, rewrite: Rewrite, *, keys: bool) -> Json:
    """Return a copy of a document in which `rewrite` has replaced scalars and dictionary keys, in document order.

    Keys that become equal keep apart: the later one gets `~2`, `~3`, and so on.
    """
    result: list[Json] = []
    stack: list[tuple[Json, Kind | None, int, Json, str | None]] = [(document, None, 0, result, None)]
    while stack:
        value, kind, depth, parent, key = stack.pop()
        made: Json
        children: list[tuple[Json, Kind | None, int, Json, str | None]] = []
        if isinstance(value, dict | list) and depth >= max_depth:
            made = rewrite(TooDeep(), None)
        elif isinstance(value, dict):
            made = {}
            named = _named_kind(value) if keys else None
            children = [(v, _kind_at(k, kind, named) if keys else None, depth + 1, made, k) for k, v in value.items()]
        elif isinstance(value, list):
            made = []
            children = [(item, kind, depth + 1, made, None) for item in value]
        else:
            made = value  # rewritten below, after its key: the order in which pseudonyms are numbered
        if isinstance(parent, list):
            parent.append(made if isinstance(value, dict | list) else rewrite(value, kind))
        else:
            name = _free_key(parent, rewrite(key, None))
            parent[name] = made if isinstance(value, dict | list) else rewrite(value, kind)
        stack.extend(reversed(children))
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


def _kind_at(key: str, above: Kind | None, named: Kind | None) -> Kind | None:
    return below(key, named or above)


def _named_kind(value: dict[str, Json]) -> Kind | None:
    if "value" not in value and "Value" not in value:
        return None
    for key in NAMING_KEYS:
        name = value.get(key)
        if isinstance(name, str) and len(name) <= 120 and (kind := kind_of_key(name)):
            return kind
    return None


def _free_key(parent: dict[str, Json], key: str) -> str:
    name, number = key, 2
    while name in parent:
        name, number = f"{key}~{number}", number + 1
    return name
