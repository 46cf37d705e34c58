"""What redaction changed in a document: the original and the redacted one, walked side by side.

Redaction keeps the shape of a document, so both are read in step: same lists, same keys in the same order, some of them
renamed. Where a container became a text, it could not be scanned.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from trajectory_compiler.model import Json, escape_token


class Change(NamedTuple):
    """One changed leaf or dictionary key. `path` is a pointer in the redacted document: of the leaf, or of the key's entry.

    `before` is raw: it stays inside the boundary.
    """

    path: str
    is_key: bool
    before: Json
    after: str


def changes(original: Json, redacted: Json) -> Iterator[Change]:
    """Yield what differs, in document order. Cost: parts that are shared between both documents are skipped at once."""
    stack: list[tuple[str, Json, Json]] = [("", original, redacted)]
    while stack:
        path, before, after = stack.pop()
        if before is after:
            continue
        children: list[tuple[str, Json, Json]] = []
        if isinstance(before, dict) and isinstance(after, dict):
            for (old_key, old), (new_key, new) in zip(before.items(), after.items(), strict=True):
                place = f"{path}/{escape_token(new_key)}"
                if old_key != new_key:
                    yield Change(place, is_key=True, before=old_key, after=new_key)
                children.append((place, old, new))
        elif isinstance(before, list) and isinstance(after, list):
            children = [(f"{path}/{n}", old, new) for n, (old, new) in enumerate(zip(before, after, strict=True))]
        elif isinstance(after, str) and before != after:
            yield Change(path, is_key=False, before=before, after=after)
        stack.extend(reversed(children))
