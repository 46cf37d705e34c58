"""From a source to how it is watched; files and everything without a cheaper way are read as a whole."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.model import short_hash
from trajectory_compiler.sources.mapped import MappedSource
from trajectory_compiler.sources.opening import open_source
from trajectory_compiler.sources.postgres import ADDRESSES, PostgresReader
from trajectory_compiler.sources.source import Source
from trajectory_compiler.sources.sqlite_table import SqliteReader, sqlite_path
from trajectory_compiler.sources.touched import Basis, FilteredSource, Look, Position, Watched
from trajectory_compiler.sources.touched_postgres import PostgresWatch
from trajectory_compiler.sources.touched_sqlite import SqliteWatch


def open_watched(location: str, options: SourceOptions) -> Watched:
    """Open a log and return the cheapest way to find what is new in it that misses nothing. Errors as `open_source`.

    A database log without an id column is read as a whole: its rows are named by their places, which new rows move.
    """
    state = state_of(location)  # first: what is written from now on is new to the next run, whether this one reads it or not
    source = open_source(location, options)
    if isinstance(source, MappedSource):
        reader = source.reader
        if isinstance(reader, PostgresReader) and source.mapping.column("id") is not None:
            return PostgresWatch(source, reader)
        if isinstance(reader, SqliteReader):
            watched = SqliteWatch(source, reader)
            return watched if watched.is_watchable() else FileWatch(source, state)
    return FileWatch(source, state)


def state_of(location: str) -> str:
    """Return a hash over names, sizes and times of a log's files, and of what SQLite keeps beside them; empty for a server."""
    if location.startswith(ADDRESSES):
        return ""
    path = sqlite_path(location)
    files = sorted(path.rglob("*")) if path.is_dir() else [path, Path(f"{path}-wal")]
    parts: list[str] = []
    for file in files:
        if file.is_file():
            state = file.stat()
            parts += [str(file), str(state.st_size), str(state.st_mtime_ns)]
    return short_hash("files", *parts)


class FileWatch:
    """Watches files by size and time of change. Where one changed, every session is read: the digests tell what is new."""

    def __init__(self, source: Source, state: str) -> None:
        self.source, self._state = source, state
        self.basis: Basis = "files" if state else "whole"

    def look(self, since: Position | None, now: str, lag_seconds: float) -> Look:  # noqa: ARG002  # files need no time
        """See `Watched`."""
        position = Position(basis=self.basis, mark=self._state)
        unchanged = since is not None and self.basis == "files" and since.mark == position.mark
        return Look(sessions=frozenset() if unchanged else None, position=position)

    def sessions_since(self, stamp: str) -> None:
        """See `Watched`."""

    def tallies(self) -> None:
        """See `Watched`."""

    def rows_of(self, sessions: Collection[str]) -> Source:
        """See `Watched`."""
        return FilteredSource(self.source, sessions)
