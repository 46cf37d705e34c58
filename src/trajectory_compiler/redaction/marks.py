"""Keyed marks of what was erased: they say that something is gone, to whoever has the store's key and knows what to ask for.

    session 's-41' of source 'log'   ->   erased:9c1f...    a run that meets the session again leaves it alone
    amy@example.com                  ->   7d02...           the subject of a tombstone

Without the key no guess can be tested against a mark, so a tombstone is no copy of what it stands for.
"""

from __future__ import annotations

from collections.abc import Iterable

from trajectory_compiler.redaction.identities import folded
from trajectory_compiler.redaction.keyfile import derive, keyed_hash

PREFIX = "erased:"
_PURPOSE = "erasures"


def session_mark(key: bytes, source: str, session_id: str) -> str:
    """Return the mark of a session, in the form of a session id that no log has."""
    return PREFIX + keyed_hash(derive(key, _PURPOSE), "session", source, session_id)


def subject_mark(key: bytes, values: Iterable[str]) -> str:
    """Return the mark of a subject, known by one value or several: their order, case and spacing do not matter."""
    return keyed_hash(derive(key, _PURPOSE), "subject", *sorted({folded(value) for value in values}))


def name_mark(key: bytes, kind: str, names: Iterable[str]) -> str:
    """Return the mark of other things that an erasure went by: an agent, a list of sessions."""
    return keyed_hash(derive(key, _PURPOSE), kind, *sorted(names))
