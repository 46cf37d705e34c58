"""Where a subject stands: for an access request, and as the first step of an erasure.

Three ways, each of which may find what the others miss:

    hash   the keyed hashes that redaction kept of what it replaced: as written, and as each type writes it
    text   the value itself in a stored turn: redaction was off, or its rules missed it
    id     the value in the id of a session

What was hashed under another key, and what a policy never hashes (secrets), is found by its text or not at all; `unreachable`
counts the sessions whose hashes another key made.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Literal

import msgspec

from trajectory_compiler.model import Json, Trajectory
from trajectory_compiler.redaction.identities import folded, hashes_of, key_id
from trajectory_compiler.redaction.policy import KINDS
from trajectory_compiler.store import Store
from trajectory_compiler.store.erasing import SessionKey

Way = Literal["hash", "text", "id"]


class FoundSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session in which a subject stands: by which ways it was found, under which pseudonyms, and its pairs."""

    source: str
    session_id: str
    ways: tuple[Way, ...]
    names: tuple[str, ...]
    pairs: tuple[str, ...]

    @property
    def key(self) -> SessionKey:
        """The session as the store names it."""
        return SessionKey(self.source, self.session_id)


class Found(msgspec.Struct, frozen=True, kw_only=True):
    """Where a subject stands. Never the value: `sessions` name it by its pseudonyms."""

    sessions: tuple[FoundSession, ...]
    searched: int
    unreachable: int


def find_subject(store: Store, key: bytes, values: Collection[str], source: str | None = None) -> Found:
    """Find a subject that is known by some values (an address, a name, a number), of one source where named.

    Cost: a look-up by index for the hashes, and one reading of every stored turn for the text.
    """
    erasure = store.erasure
    known = erasure.known(source)
    kinds = dict.fromkeys((*KINDS, *erasure.kinds()))
    hashes = frozenset().union(*(hashes_of(value, kinds, key) for value in values))
    names: dict[SessionKey, tuple[str, ...]] = {SessionKey(k.source, k.session_id): k.names for k in store.known_in(hashes)}
    wanted = [text for value in values if (text := folded(value))]
    in_text = {SessionKey(t.source, t.session_id) for t in erasure.trajectories() if _stands_in(t, wanted)}
    in_id = {place for place in known if any(stands(place.session_id, text) for text in wanted)}
    ways: tuple[tuple[Way, Collection[SessionKey]], ...] = (("hash", names), ("text", in_text), ("id", in_id))
    return Found(
        sessions=tuple(
            FoundSession(
                source=place.source,
                session_id=place.session_id,
                ways=tuple(way for way, places in ways if place in places),
                names=names.get(place, ()),
                pairs=erasure.pair_ids(place),
            )
            for place in known
            if any(place in places for _, places in ways)
        ),
        searched=len(known),
        unreachable=store.sessions_under_other_keys(key_id(key)),
    )


def _stands_in(trajectory: Trajectory, wanted: Collection[str]) -> bool:
    for turn in trajectory.turns:
        for text in (turn.agent, turn.tool, turn.row_id, *_texts(turn.arguments), *_texts(turn.response)):
            if any(stands(text, value) for value in wanted):
                return True
    return False


def _texts(value: Json) -> Iterator[str]:
    """Yield every text, number and key of a document."""
    open_values = [value]
    while open_values:
        one = open_values.pop()
        if isinstance(one, dict):
            yield from one
            open_values.extend(one.values())
        elif isinstance(one, list):
            open_values.extend(one)
        elif isinstance(one, str):
            yield one
        elif isinstance(one, int | float):
            yield str(one)


def stands(text: str, value: str) -> bool:
    """Say whether a folded value stands in a text as a whole: `amy` is not in `camylle`."""
    text = folded(text)
    start = text.find(value)
    while start >= 0:
        end = start + len(value)
        before, after = text[start - 1 : start] if start else "", text[end : end + 1]
        if not (before.isalnum() and value[0].isalnum()) and not (after.isalnum() and value[-1].isalnum()):
            return True
        start = text.find(value, start + 1)
    return False
