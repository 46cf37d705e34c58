"""Keyed hashes of what was found in a session: by them a subject is found again in a store that holds no plain value.

    amy@example.com, found in session s-1   ->   (EMAIL, 5f1c..., <EMAIL_1>)   beside the session

Who knows an address and has the key can ask in which sessions it stood, and under which name; who has the store alone can
neither list the addresses nor test a guess. Secrets are not hashed: they are never kept in any form.
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from trajectory_compiler.redaction.checks import normal_form
from trajectory_compiler.redaction.keyfile import derive, keyed_hash
from trajectory_compiler.redaction.policy import NEVER_STORED, Kind
from trajectory_compiler.redaction.pseudonyms import Named

_PURPOSE = "identities"


class IdentityHash(msgspec.Struct, frozen=True):
    """One found identity of a session, by type, keyed hash and pseudonym."""

    kind: Kind
    hash: str
    name: str


def key_id(key: bytes) -> str:
    """Return a name for a key that says nothing about it: rows that were hashed under a lost key can be told apart."""
    return keyed_hash(derive(key, _PURPOSE), "key-id")[:16]


def hash_identities(named: Iterable[Named], key: bytes) -> tuple[IdentityHash, ...]:
    """Return the hashes of identities: of what their spellings share, and of each spelling, in a fixed order.

    Cost: about two microseconds a hash.
    """
    own = derive(key, _PURPOSE)
    rows = {
        IdentityHash(item.identity.kind, keyed_hash(own, folded(text)), item.name)
        for item in named
        if item.identity.kind not in NEVER_STORED
        for text in (item.identity.normal, *item.surfaces)
    }
    return tuple(sorted(rows, key=lambda row: (row.kind, row.name, row.hash)))


def hashes_of(value: str, kinds: Iterable[Kind], key: bytes) -> frozenset[str]:
    """Return the hashes under which a value that somebody names may be stored: as written, and as each type writes it."""
    own = derive(key, _PURPOSE)
    texts = {value, *(form for kind in kinds if (form := normal_form(kind, value)))}
    return frozenset(keyed_hash(own, folded(text)) for text in texts)


def folded(text: str) -> str:
    """Ignore case and the width of spaces: people write names as they like."""
    return " ".join(text.casefold().split())
