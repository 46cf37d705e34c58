"""Names for what was found: `<EMAIL_1>`, `<SECRET_2>`. One session, one value, one name."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from trajectory_compiler.model import short_hash
from trajectory_compiler.redaction.checks import normal_form
from trajectory_compiler.redaction.policy import Kind


class Identity(NamedTuple):
    """What a found value is: two spellings of one phone number are one identity."""

    kind: Kind
    normal: str


class Pseudonyms:
    """Numbers identities by kind in the order in which they are asked for. `reserved` names stand in the log already."""

    def __init__(self, reserved: set[str]) -> None:
        self._reserved = reserved
        self._names: dict[Identity, str] = {}
        self._last: dict[Kind, int] = {}
        self._surfaces: dict[str, set[str]] = {}

    def name(self, kind: Kind, surface: str) -> str:
        """Return the pseudonym of a value as it was written."""
        name = self._name(Identity(kind, normal_form(kind, surface) or surface))
        self._surfaces.setdefault(name, set()).add(surface)
        return name

    def name_unscanned(self, text: str | None) -> str:
        """Return the pseudonym of a leaf that could not be scanned; None is a part without a text, unlike any other."""
        content = str(len(self._names)) if text is None else short_hash("unscanned", text)
        name = self._name(Identity("UNSCANNED", content))
        self._surfaces.setdefault(name, set())
        return name

    def frequencies(self, frequency: Callable[[str], int]) -> dict[str, int]:
        """Return in how many sessions each raw value occurs: the most frequent of its spellings, at least this session."""
        return {name: max((1, *(frequency(s) for s in sorted(surfaces)))) for name, surfaces in self._surfaces.items()}

    def _name(self, identity: Identity) -> str:
        if identity not in self._names:
            number = self._last.get(identity.kind, 0) + 1
            while (name := f"<{identity.kind}_{number}>") in self._reserved:
                number += 1
            self._last[identity.kind] = number
            self._names[identity] = name
        return self._names[identity]
