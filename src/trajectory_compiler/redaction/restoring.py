"""Pseudonyms back to what they stand for, as far as a vault holds it."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable

import msgspec

from trajectory_compiler.model import Json, escape_token
from trajectory_compiler.redaction.alignment import put_back
from trajectory_compiler.redaction.scan import LABEL
from trajectory_compiler.redaction.vault import Original, Page

Wanted = Callable[[str], bool]  # says of a type whether it is to be restored


class Restorer:
    """Restores the rows of one session. `restored` counts what was put back, `left` the pseudonyms that stayed, by type."""

    def __init__(self, page: Page, wanted: Wanted) -> None:
        self._names = page.names
        self._wanted = wanted
        self._originals: dict[int, dict[str, list[Original]]] = defaultdict(lambda: defaultdict(list))
        for original in page.originals:
            self._originals[original.row][original.field].append(original)
        self.restored: Counter[str] = Counter()
        self.left: Counter[str] = Counter()

    def field(self, row: int, name: str, value: Json) -> Json:
        """Return a field of the copy's row (its number inside its session) with what may be restored in it."""
        found = self._originals.get(row, {}).get(name, [])
        leaves = {original.path: original for original in found if not original.is_key}
        keys = {original.path: original for original in found if original.is_key}
        return self._rebuilt(value, "", leaves, keys)

    def _rebuilt(self, value: Json, path: str, leaves: dict[str, Original], keys: dict[str, Original]) -> Json:
        if isinstance(value, dict):
            made: dict[str, Json] = {}
            for key, child in value.items():
                place = f"{path}/{escape_token(key)}"
                made[self._text(key, keys.get(place))] = self._rebuilt(child, place, leaves, keys)
            return made
        if isinstance(value, list):
            return [self._rebuilt(child, f"{path}/{number}", leaves, keys) for number, child in enumerate(value)]
        if not isinstance(value, str):
            return value
        original = leaves.get(path)
        text = self._text(value, original)
        return msgspec.json.decode(text) if original is not None and original.is_number and text != value else text

    def _text(self, text: str, original: Original | None) -> str:
        kinds = [_kind(name) for name in LABEL.findall(text) if name in self._names]
        if original is None:
            self.left.update(kinds)
            return text
        if original.whole is not None:
            is_wanted = all(map(self._wanted, kinds))
            (self.restored if is_wanted else self.left).update(kinds)
            return original.whole if is_wanted else text
        segments = {n: part for n, part in original.segments.items() if n < len(kinds) and self._wanted(kinds[n])}
        self.restored.update(kinds[n] for n in segments)
        self.left.update(kind for n, kind in enumerate(kinds) if n not in segments)
        return put_back(text, segments, self._names)


def _kind(name: str) -> str:
    return name.strip("<>").rpartition("_")[0]
