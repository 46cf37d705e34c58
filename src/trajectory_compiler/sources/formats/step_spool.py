"""Steps on disk, by session: traces come in the order in which spans ended, from many sessions at once.

A step that names no session has its parent's, else its trace's where the trace names only one, else the trace is the session.
"""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from itertools import groupby

import msgspec

from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.steps import Step
from trajectory_compiler.sources.private_database import private_database
from trajectory_compiler.sources.stamps import instant

_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Step).decode
_INHERIT = """
    UPDATE step SET session = (SELECT above.session FROM step above WHERE above.trace = step.trace AND above.id = step.parent)
    WHERE session IS NULL AND EXISTS
        (SELECT 1 FROM step above WHERE above.trace = step.trace AND above.id = step.parent AND above.session IS NOT NULL)
"""
_ONLY = """
    CREATE TABLE only_one AS SELECT trace, MIN(session) AS session FROM step WHERE session IS NOT NULL
    GROUP BY trace HAVING COUNT(DISTINCT session) = 1
"""
_IN_ORDER = """
    SELECT step.session, data FROM step
    JOIN (SELECT session, MIN(start) AS first FROM step GROUP BY session) AS known ON known.session = step.session
    ORDER BY known.first, step.session, step.start, step.place
"""


def by_session(steps: Iterable[Step], drops: Drops) -> Iterator[tuple[str, list[Step]]]:
    """Yield each session with its steps in the order in which they began; a step that comes again replaces the first.

    Raises: SourceError: the temporary folder cannot take them. Cost: the log's size on disk, the memory of one session.
    """
    try:
        connection = private_database()
    except (OSError, sqlite3.Error) as error:
        raise _no_room(error) from error
    try:
        _fill(connection, steps, drops)
        found = ((str(session), _decode(data)) for session, data in connection.execute(_IN_ORDER))
        for session, group in groupby(found, key=lambda item: item[0]):
            yield session, [step for _, step in group]
    except sqlite3.Error as error:
        raise _no_room(error) from error
    finally:
        connection.close()


def _fill(connection: sqlite3.Connection, steps: Iterable[Step], drops: Drops) -> None:
    run = connection.execute
    run(
        "CREATE TABLE step (trace TEXT, id TEXT, parent TEXT, session TEXT, start TEXT, place INTEGER, data BLOB,"
        " PRIMARY KEY (trace, id)) WITHOUT ROWID"
    )
    run("BEGIN")
    for place, step in enumerate(steps):
        if run("SELECT 1 FROM step WHERE trace = ? AND id = ?", (step.trace, step.id)).fetchone():
            drops.add("duplicate_row", step.place)
        start = instant(step.start) if step.start else ""
        row = (step.trace, step.id, step.parent, step.session, start, place, _encode(step))
        run("INSERT OR REPLACE INTO step VALUES (?, ?, ?, ?, ?, ?, ?)", row)
    while run(_INHERIT).rowcount > 0:
        pass
    run(_ONLY)
    run("CREATE INDEX of_trace ON only_one (trace)")
    run("UPDATE step SET session = (SELECT o.session FROM only_one o WHERE o.trace = step.trace) WHERE session IS NULL")
    run("UPDATE step SET session = trace WHERE session IS NULL")
    run("CREATE INDEX by_session ON step (session, start)")
    run("COMMIT")


def _no_room(error: Exception) -> SourceError:
    return SourceError(
        "sort the steps of traces by session",
        f"the temporary folder {tempfile.gettempdir()} cannot take them ({error})",
        "Make room there or point TMPDIR at a larger disk.",
    )
