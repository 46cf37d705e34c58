"""What is new in a log: which sessions, told by what, and that their rows are those of the whole log."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.sources.touched import Look, Position, SessionTally, Watched
from trajectory_compiler.sources.watching import open_watched

NOW = "2026-03-02T12:00:00Z"
ODD = ("it's", 'a "quoted" one', "100%; DROP TABLE audit; --", "\\", "\\' OR true --", "Zoë ☃", "nul\0here")
TYPED = "id INTEGER PRIMARY KEY, session_id TEXT"
COLUMNS = "id, session_id, created_at, tool, arguments, response"


def sqlite_log(
    path: Path, *rows: tuple[Any, ...], declared: str = "id INTEGER PRIMARY KEY, session_id TEXT", more: str = ""
) -> Path:
    """Write a log of (id, session) rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(f"CREATE TABLE audit ({declared}, created_at TEXT, tool TEXT, arguments TEXT, response TEXT){more}")
    add(path, *rows)
    return path


def add(path: Path, *rows: tuple[Any, ...]) -> None:
    """Add rows."""
    with closing(sqlite3.connect(path)) as connection, connection:
        values = [(*row, "2026-03-01T09:00:00Z", "look", "{}", "{}") for row in rows]
        connection.executemany(f"INSERT INTO audit ({COLUMNS}) VALUES (?, ?, ?, ?, ?, ?)", values)


def opened(location: object, **options: Any) -> Watched:
    """Open a log to be watched."""
    return open_watched(str(location), SourceOptions(**options))


def look(watched: Watched, since: Position | None = None) -> Look:
    """Look for what is new."""
    return watched.look(since, NOW, 0.0)


def test_sqlite_rows_are_found_by_their_number(tmp_path: Path) -> None:
    """The first look is at everything, the second at the sessions of rows that were written since, a third at none."""
    path = sqlite_log(tmp_path / "log.db", (1, "a"), (2, "b"))
    first = look(opened(path))
    assert (first.sessions, first.position) == (None, Position(basis="rows", mark="2", below=2))
    add(path, (3, "b"), (4, "c"))
    second = look(opened(path), first.position)
    assert (second.sessions, second.disturbed) == (frozenset({"b", "c"}), False)
    assert look(opened(path), second.position).sessions == frozenset()


def test_a_row_below_the_mark_disturbs(tmp_path: Path) -> None:
    """A row that was written with a smaller number, or taken away, makes the rows below the mark another number."""
    path = sqlite_log(tmp_path / "log.db", (1, "a"), (5, "b"))
    mark = look(opened(path)).position
    add(path, (3, "late"))
    assert look(opened(path), mark).disturbed
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM audit WHERE id < 5")
    assert look(opened(path), mark).disturbed


def test_sessions_of_any_name_are_read_alone(tmp_path: Path) -> None:
    """Quotes, percent signs, semicolons: a session's rows are the same read alone as read with all others."""
    rows = [(number, name) for number, name in enumerate([*ODD, *ODD], start=1)]
    watched = opened(sqlite_log(tmp_path / "log.db", *rows))
    whole = list(watched.source.rows())
    assert len(whole) == len(rows)
    for name in ODD:
        assert list(watched.rows_of([name]).rows()) == [row for row in whole if row.session_id == name]
        assert list(watched.rows_of([name]).session_ids()) == [name, name]
    assert list(watched.rows_of([]).rows()) == []
    assert {tally.session_id for tally in watched.tallies() or ()} == set(ODD)


def test_whole_numbers_name_sessions(tmp_path: Path) -> None:
    """A session column of whole numbers is asked with its texts."""
    path = sqlite_log(tmp_path / "log.db", (1, 7), (2, 12), (3, 7), declared="id INTEGER PRIMARY KEY, session_id INTEGER")
    watched = opened(path)
    assert [row.id for row in watched.rows_of(["7"]).rows()] == ["1", "3"]
    assert list(watched.tallies() or ()) == [SessionTally("7", 2, "3"), SessionTally("12", 1, "2")]


@pytest.mark.parametrize(
    ("declared", "more", "options"),
    [
        ("id TEXT PRIMARY KEY, session_id TEXT", " WITHOUT ROWID", {}),
        ("id INTEGER PRIMARY KEY, session_id", "", {}),
        ("id INTEGER PRIMARY KEY, session_id TEXT", "", {"query": "SELECT * FROM audit"}),
        ("id INTEGER PRIMARY KEY, session_id TEXT", "", {"columns": {"id": ""}}),
    ],
    ids=["no row numbers", "sessions without a type", "a query", "no id column"],
)
def test_what_cannot_be_told_by_number_is_read_as_a_file(
    declared: str, more: str, options: dict[str, Any], tmp_path: Path
) -> None:
    """Such a table is read as a whole once its file has changed, and not at all while it has not."""
    path = sqlite_log(tmp_path / "log.db", ("1", "a"), ("2", "b"), declared=declared, more=more)
    first = look(opened(path, **options))
    assert (opened(path, **options).basis, first.sessions) == ("files", None)
    assert look(opened(path, **options), first.position).sessions == frozenset()
    add(path, ("3", "b"))
    assert look(opened(path, **options), first.position).sessions is None
    assert [row.session_id for row in opened(path, **options).rows_of(["b"]).rows()] == ["b", "b"]


def test_what_is_written_while_a_file_is_opened_is_new_to_the_next_look(tmp_path: Path) -> None:
    """The state of a file is taken before it is opened: rows that come in between are never taken for read."""
    path = tmp_path / "log.jsonl"
    line = '{"id": "%s", "session_id": "a", "created_at": "2026-03-01T09:00:00Z", "tool": "look", "arguments": {}}\n'
    path.write_text(line % 1, encoding="utf-8")
    watched = opened(path)
    with path.open("a", encoding="utf-8") as file:
        file.write(line % 2)
    mark = look(watched).position
    assert len(list(watched.source.rows())) == 1
    assert look(opened(path), mark).sessions is None
