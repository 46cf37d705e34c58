"""What every source is: a named, mapped stream of rows that can be read again.

`rows()` reads afresh on every call; memory does not grow with the log. `session_ids()` reads the session of every raw row
and nothing else: the sessions layer asks it whether the sessions of a log are contiguous before it trusts a single pass.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Protocol, runtime_checkable

from trajectory_compiler.model import Finding, Row
from trajectory_compiler.sources.mapping import Mapping


@runtime_checkable
class Source(Protocol):
    """A log that can be read again.

    `name` is stable (pair ids are made from it), `format` is for people, `ordered` says that rows come session by session
    and in order. `findings()` gives what the last pass of `rows()` dropped or noted; a pass that was closed early counts what
    it saw.
    """

    @property
    def name(self) -> str:
        """The file's stem, the table's name, or the name that the user gave."""

    @property
    def format(self) -> str:
        """The format as people call it."""

    @property
    def mapping(self) -> Mapping:
        """Which column serves what."""

    @property
    def ordered(self) -> bool:
        """Whether the rows of a session come together, in order of stamp and id."""

    def rows(self) -> Iterator[Row]:
        """Read the log from its beginning."""

    def session_ids(self) -> Iterator[str]:
        """Yield the session id of each row that has one, as cheaply as the format allows."""

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""
