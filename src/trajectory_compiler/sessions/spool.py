"""A temporary file of rows by session, for logs whose sessions are interleaved: written once, read as often as needed.

The rows are not redacted yet, so the file is kept from other users and has no name (`sources.private_database`).
"""

from __future__ import annotations

import sqlite3
import tempfile
import weakref
from collections.abc import Iterable, Iterator

import msgspec

from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Row
from trajectory_compiler.sources.private_database import private_database

_FETCH = 256
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Row).decode


class Spool:
    """Rows on disk, by session. Sessions come in the order of their first row, rows in the order of the log.

    Raises: SourceError: the temporary folder cannot take the rows.
    Cost: the log's size on disk, about 64 MiB of memory, one write and one look-up per row.
    """

    def __init__(self, rows: Iterable[Row]) -> None:
        try:
            self._connection = private_database()
            self._close = weakref.finalize(self, self._connection.close)
            self._fill(rows)
        except (OSError, sqlite3.Error) as error:
            raise SourceError(
                "sort the sessions of an interleaved log",
                f"the temporary folder {tempfile.gettempdir()} cannot take its rows ({error})",
                "Make room there or point TMPDIR at a larger disk.",
            ) from error

    def _fill(self, rows: Iterable[Row]) -> None:
        run = self._connection.execute
        run("CREATE TABLE row (session TEXT NOT NULL, data BLOB NOT NULL)")
        run("BEGIN")
        self._connection.executemany("INSERT INTO row VALUES (?, ?)", ((row.session_id, _encode(row)) for row in rows))
        run("CREATE INDEX by_session ON row (session)")
        run("CREATE TABLE session AS SELECT session AS id, MIN(rowid) AS first FROM row GROUP BY session")
        run("CREATE INDEX by_first ON session (first)")
        run("COMMIT")
        (self.session_count,) = run("SELECT COUNT(*) FROM session").fetchone()

    def sessions(self) -> Iterator[list[Row]]:
        """Yield the rows of each session."""
        outer = self._connection.execute("SELECT id FROM session ORDER BY first")
        while batch := outer.fetchmany(_FETCH):
            for (session,) in batch:
                found = self._connection.execute("SELECT data FROM row WHERE session = ? ORDER BY rowid", (session,))
                yield [_decode(data) for (data,) in found]

    def close(self) -> None:
        """Give the space back now instead of at the end of the process."""
        self._close()
