"""A month of an agent's log as it really arrives: rows come late, sessions come back, clocks are wrong, zones change.

Sessions of the demo's business are laid over thirty days. Each row has two times: the stamp that its writer gave it, and the
moment at which it arrives in the database; nothing but the second decides what a run can see.
"""

from __future__ import annotations

import json
import random
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, NamedTuple

from tests.cli.logs import write_small_log

START = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = 30
CREATE = """CREATE TABLE audit (
    id TEXT PRIMARY KEY, session_id TEXT NOT NULL, created_at TEXT, agent TEXT, tool TEXT, arguments TEXT, response TEXT
)"""
COLUMNS = ("id", "session_id", "created_at", "agent", "tool", "arguments", "response")


class Arrival(NamedTuple):
    """One row and the moment at which the database has it."""

    at: datetime
    row: dict[str, Any]


def sessions_of(folder: Path, count: int) -> dict[str, list[dict[str, Any]]]:
    """Return sessions of the demo log by id."""
    found: dict[str, list[dict[str, Any]]] = {}
    path = write_small_log(folder / "sessions.jsonl", count)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["session_id"], []).append(row)
    return found


def month(sessions: dict[str, list[dict[str, Any]]], dice: random.Random) -> list[Arrival]:
    """Lay sessions over a month; return the rows in the order of their arrival."""
    arrivals: list[Arrival] = []
    for rows in sessions.values():
        when = START + timedelta(days=dice.uniform(0, DAYS - 4))
        pause = dice.choice((20, 60, 600, 4 * 3_600))  # seconds: the slowest sessions are open for days
        skew = timedelta(hours=dice.choice((0, 0, 0, 0, -30, -2, 3, 50)))
        reopens_at = dice.randrange(len(rows)) if dice.random() < 0.4 else -1
        is_late = dice.random() < 0.3
        written = dice.choice(("utc", "utc", "summer", "epoch"))
        for place, row in enumerate(rows):
            when += timedelta(seconds=dice.uniform(1, pause))
            if place == reopens_at:
                when += timedelta(days=dice.uniform(0.2, 6))
            delay = timedelta(days=dice.uniform(0, 5)) if is_late and dice.random() < 0.3 else timedelta(seconds=2)
            arrivals.append(Arrival(when + delay, {**row, "created_at": _written(when + skew, written)}))
    return sorted(arrivals, key=lambda arrival: (arrival.at, arrival.row["id"]))


def _written(when: datetime, form: str) -> str:
    """Write a stamp in one of the forms that logs have; `summer` moves its clock by an hour in the middle of the month."""
    if form == "epoch":
        return str(int(when.timestamp()))
    if form == "summer":
        hours = 1 if when < START + timedelta(days=DAYS / 2) else 2
        local = when + timedelta(hours=hours)
        return f"{local:%Y-%m-%dT%H:%M:%S}+0{hours}:00"
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"


class SqliteLog:
    """The month's log in an SQLite file."""

    def __init__(self, path: Path) -> None:
        self.location = str(path)
        with closing(sqlite3.connect(path)) as connection, connection:
            connection.execute(CREATE)

    def insert(self, rows: list[dict[str, Any]]) -> None:
        """Write rows in one transaction."""
        with closing(sqlite3.connect(self.location)) as connection, connection:
            connection.executemany(
                f"INSERT INTO audit ({', '.join(COLUMNS)}) VALUES ({', '.join('?' * len(COLUMNS))})",
                [[_cell(row[name]) for name in COLUMNS] for row in rows],
            )


def _cell(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


def stamp(when: datetime) -> str:
    """Return a moment as the store writes it."""
    return f"{when:%Y-%m-%dT%H:%M:%SZ}"
