"""Names for what was found: `<EMAIL_1>`, `<SECRET_2>`. One value, one name: in its session, or in the whole log.

Session scope numbers the values of a type by first appearance. It needs no key, gives the same bytes on any machine, and says
nothing about other sessions: every session has its own `<EMAIL_1>`. Log scope takes fifteen digits of a keyed hash, so that
whoever holds the key gets the same name for the same value in every session of the log:

    session   <PERSON_1> wrote to <EMAIL_1>
    log       <PERSON_482913374650112> wrote to <EMAIL_091823746551204>

Among a million values the chance that two share fifteen digits is 1 in 2,000; inside one session they never do, nor does a
name ever equal one that the log already holds as text. Secrets and what could not be scanned are numbered in either scope:
nothing is gained by recognising them elsewhere.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable
from typing import NamedTuple

from trajectory_compiler.model import short_hash
from trajectory_compiler.redaction.checks import normal_form
from trajectory_compiler.redaction.policy import NEVER_STORED, Kind

LOG_DIGITS = 15


class Identity(NamedTuple):
    """What a found value is: two spellings of one phone number are one identity."""

    kind: Kind
    normal: str


class Named(NamedTuple):
    """An identity, its pseudonym, and how it was written. Raw values: it stays inside the boundary."""

    name: str
    identity: Identity
    surfaces: tuple[str, ...]


class Pseudonyms:
    """Names identities in the order in which they are asked for. `reserved` names stand in the log already.

    With a `key` names are log-stable; without one they are numbered.
    """

    def __init__(self, reserved: set[str], key: bytes | None = None) -> None:
        self._reserved = reserved
        self._key = key
        self._names: dict[Identity, str] = {}
        self._taken: set[str] = set()
        self._last: dict[Kind, int] = {}
        self._surfaces: dict[str, set[str]] = {}

    def name(self, kind: Kind, surface: str, normal: str | None = None) -> str:
        """Return the pseudonym of a value as it was written; `normal` is what its spellings share, if the caller knows."""
        name = self._name(Identity(kind, normal or normal_form(kind, surface) or surface))
        self._surfaces.setdefault(name, set()).add(surface)
        return name

    def name_unscanned(self, text: str | None) -> str:
        """Return the pseudonym of a leaf that could not be scanned; None is a part without a text, unlike any other."""
        content = str(len(self._names)) if text is None else short_hash("unscanned", text)
        name = self._name(Identity("UNSCANNED", content))
        self._surfaces.setdefault(name, set())
        return name

    def named(self) -> tuple[Named, ...]:
        """Return every identity that has a name, in the order of their first appearance."""
        return tuple(
            Named(name, identity, tuple(sorted(self._surfaces.get(name, ())))) for identity, name in self._names.items()
        )

    def frequencies(self, frequency: Callable[[str], int]) -> dict[str, int]:
        """Return in how many sessions each raw value occurs: the most frequent of its spellings, at least this session."""
        return {name: max((1, *(frequency(s) for s in sorted(surfaces)))) for name, surfaces in self._surfaces.items()}

    def _name(self, identity: Identity) -> str:
        if identity not in self._names:
            is_numbered = self._key is None or identity.kind in NEVER_STORED
            name = self._numbered(identity.kind) if is_numbered else self._digits(identity)
            self._taken.add(name)
            self._names[identity] = name
        return self._names[identity]

    def _numbered(self, kind: Kind) -> str:
        number = self._last.get(kind, 0) + 1
        while (name := f"<{kind}_{number}>") in self._reserved:
            number += 1
        self._last[kind] = number
        return name

    def _digits(self, identity: Identity) -> str:
        content = "\x00".join(identity).encode("utf-8", "surrogatepass")
        attempt = 0
        while True:
            mac = hmac.new(self._key or b"", b"pseudonym\x00%d\x00" % attempt + content, hashlib.sha256).digest()
            number = int.from_bytes(mac, "big") % 10**LOG_DIGITS
            name = f"<{identity.kind}_{number:0{LOG_DIGITS}d}>"
            if name not in self._reserved and name not in self._taken:
                return name
            attempt += 1
