"""Whole sessions as a database sent them: grouped, counted and named by their text, with nothing decoded yet.

Most of what a nightly run reads has not changed. To know that, a session's text is enough: `SessionText.digest` names it, and
only a session whose digest is new goes through `decoded`. An undecoded session has a type of its own, so that nothing can take
its text for a row.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable

import msgspec

from trajectory_compiler.model import Json, Row
from trajectory_compiler.sources.source import Source

Values = tuple[tuple[str, ...], tuple[Json, ...]]  # column names, shared by all rows, and what SQLite holds in them
UndecodedRow = bytes | Values  # the bytes are a line of COPY's text
_DIGEST_BYTES = 16


class SessionText(msgspec.Struct, frozen=True):
    """The rows of one session in the order of the log. `first` is the place of the first; the others follow it."""

    session_id: str
    first: int
    rows: Sequence[UndecodedRow]

    @property
    def digest(self) -> str:
        """128 bits of BLAKE2b over the rows as they came, as hex: equal rows of one table give equal ones."""
        hasher = hashlib.blake2b(digest_size=_DIGEST_BYTES)
        for row in self.rows:
            hasher.update(row if isinstance(row, bytes) else repr(row).encode("utf-8", "surrogatepass"))
        return hasher.hexdigest()


@runtime_checkable
class TextSource(Source, Protocol):
    """An ordered source that can hand over sessions undecoded: `decoded(session_texts())` gives what `rows()` gives."""

    def session_texts(self) -> Iterator[SessionText]:
        """Read the log from its beginning, a session at a time. Raises SourceError."""

    def decoded(self, texts: Iterable[SessionText]) -> Iterator[Row]:
        """Decode sessions of this source; what is dropped is counted in `findings`, as in a pass of `rows`."""
