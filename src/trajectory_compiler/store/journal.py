"""The store's own history: runs, and who did what."""

from __future__ import annotations

import msgspec

from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import short_hash
from trajectory_compiler.store.codec import decoded_counts, json_of
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.records import Action, Run, RunStatus

SELECT_RUNS = (
    "SELECT id, kind, source, options, compiler_version, status, started_at, finished_at, totals FROM runs "
    "ORDER BY started_at, id"
)


def begin_run(database: Database, kind: str, source: str, options: str, compiler_version: str, now: str) -> str:
    """Write the start of a run inside the caller's transaction; return its id, unique among all stores. `options` is JSON."""
    store = database.row("SELECT value FROM meta WHERE key = 'store_id'")
    count = database.row("SELECT count(*) FROM runs")
    identity = short_hash("run", store[0] if store else "", str(count[0] if count else 0), kind, source, now)
    database.execute(
        "INSERT INTO runs (id, kind, source, options, compiler_version, status, started_at, finished_at, totals) "
        "VALUES (?, ?, ?, ?, ?, 'running', ?, NULL, '{}')",
        (identity, kind, source, options, compiler_version, now),
    )
    return identity


def finish_run(database: Database, run_id: str, status: RunStatus, totals: dict[str, int], now: str) -> None:
    """Write the end of a run inside the caller's transaction. Raises StoreError for an id that was never begun."""
    changed = database.execute(
        "UPDATE runs SET status = ?, finished_at = ?, totals = ? WHERE id = ?", (status, now, json_of(totals), run_id)
    )
    if changed != 1:
        raise StoreError(f"finish run '{run_id}'", "the store does not hold it", "Begin it first.")


def mark_interrupted(database: Database) -> None:
    """Write that every run which is still `running` was interrupted; whoever holds the run lock knows that none is alive."""
    database.execute("UPDATE runs SET status = 'interrupted' WHERE status = 'running'")


def runs(database: Database, *, alive: bool) -> tuple[Run, ...]:
    """Return all runs, oldest first; a running one is shown as interrupted unless a run is `alive`."""
    return tuple(
        Run(
            id=row[0],
            kind=row[1],
            source=row[2],
            options=row[3],
            compiler_version=row[4],
            status="interrupted" if row[5] == "running" and not alive else row[5],
            started_at=row[6],
            finished_at=row[7],
            totals=decoded_counts(row[8]),
        )
        for row in database.rows(SELECT_RUNS)
    )


def record_action(database: Database, action: Action) -> None:
    """Write who did what inside the caller's transaction."""
    detail = json_of(dict(sorted(action.detail.items())))
    count = database.row("SELECT count(*) FROM actions")
    identity = short_hash("action", str(count[0] if count else 0), action.kind, action.target, detail, action.created_at)
    database.execute(
        "INSERT INTO actions (id, kind, actor, target, detail, run_id, created_at) VALUES (?, ?, ?, ?, ?, NULL, ?)",
        (identity, action.kind, action.actor, action.target, detail, action.created_at),
    )


def actions(database: Database) -> tuple[Action, ...]:
    """Return all actions, oldest first."""
    rows = database.rows("SELECT kind, actor, target, detail, created_at FROM actions ORDER BY created_at, id")
    return tuple(
        Action(
            kind=row[0],
            actor=row[1],
            target=row[2],
            detail=msgspec.json.decode(row[3], type=dict[str, str]),
            created_at=row[4],
        )
        for row in rows
    )
