"""What was erased stays out: a run that meets an erased session in the log leaves it alone.

The store keeps no id of an erased session, only a keyed mark of it and the keyed digest of its rows. Either is enough, so
neither new rows nor another redaction policy (which gives an id that is an address another form) bring it back.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Protocol

import msgspec

from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import Finding, RawTrajectory
from trajectory_compiler.redaction.identities import key_id
from trajectory_compiler.redaction.keyfile import derive, keyed_hash
from trajectory_compiler.redaction.marks import session_mark
from trajectory_compiler.store import Store
from trajectory_compiler.store.erasing import GONE

_WORD = re.compile(r"[^\s,']+")


class Chosen(Protocol):
    """Sessions that are read as they are needed, and what reading them dropped."""

    def __iter__(self) -> Iterator[RawTrajectory]:
        """Read them from the beginning."""

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""


class ErasedSessions:
    """The erased sessions of a source. `met` counts those that were left out so far.

    Raises: StoreError: the marks were made with another key, so that an erased session would not be known again.
    """

    def __init__(self, store: Store, source: str, key: bytes) -> None:
        marks = store.erasure.marks(source)
        self._key, self._source = key, source
        self._own = derive(key, "rows")
        self._marks = frozenset(mark.mark for mark in marks)
        self._digests = frozenset(mark.raw_digest for mark in marks) - {""}
        self.met = 0
        lost = sum(mark.key_id != key_id(key) for mark in marks)
        if lost:
            raise StoreError(
                f"compile '{source}'",
                f"{lost} of its sessions were erased, and are known again only by the key that lay beside the store then",
                "Put that key file back; if it is lost for good, take those sessions out of the log and use a new --store.",
            )

    def is_erased(self, session_id: str) -> bool:
        """Say whether the session of this id, raw or redacted, was erased."""
        return bool(self._marks) and session_mark(self._key, self._source, session_id) in self._marks

    def holds(self, raw: RawTrajectory) -> bool:
        """Say whether a session of the log was erased, by its id or by its rows."""
        return bool(self._marks) and (self.is_erased(raw.session_id) or keyed_hash(self._own, raw.digest) in self._digests)

    def told(self, findings: Iterable[Finding]) -> list[Finding]:
        """Return findings without the names of erased sessions among their places, a file's name included."""
        if not self._marks:
            return list(findings)
        return [msgspec.structs.replace(finding, detail=_WORD.sub(self._word, finding.detail)) for finding in findings]

    def _word(self, match: re.Match[str]) -> str:
        word = match.group()
        stems = {word, word.rpartition(":")[0], word.partition(".")[0]}
        return GONE if any(stem and self.is_erased(stem) for stem in stems) else word


class RemainingSessions:
    """The sessions of a log that were not erased, with findings that do not name the others."""

    def __init__(self, sessions: Chosen, erased: ErasedSessions) -> None:
        self._sessions, self._erased = sessions, erased

    def __iter__(self) -> Iterator[RawTrajectory]:
        """Read them from the beginning. The erased ones are counted anew: the last pass is the one that is told."""
        self._erased.met = 0
        for raw in self._sessions:
            if self._erased.holds(raw):
                self._erased.met += 1
            else:
                yield raw

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""
        return tuple(self._erased.told(self._sessions.findings()))
