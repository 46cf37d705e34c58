"""From an empty file or an older schema to the present one, in one transaction, with a copy of the file made first.

A fresh store runs `schema.sql`. An older one runs the steps that it lacks, each a `.sql` file of portable statements; a test
holds the two ways to the same tables. A newer store is refused: guessing what an unknown column means loses data.
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Sequence
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from trajectory_compiler.errors import StoreError, StoreVersionError
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.database import Database

_COMMENT = re.compile(r"--[^\n]*")


class Step(NamedTuple):
    """One migration: the version that it leads to, its name, its SQL."""

    version: int
    name: str
    sql: str


def _step(version: int, name: str) -> Step:
    file = resources.files("trajectory_compiler.store") / "steps" / f"{version:04d}_{name}.sql"
    return Step(version, name, file.read_text(encoding="utf-8"))


STEPS: tuple[Step, ...] = (_step(2, "identities"), _step(3, "stages"), _step(4, "daily"))
SCHEMA_VERSION = 4


def schema() -> str:
    """Return the present schema as SQL."""
    return resources.files("trajectory_compiler.store").joinpath("schema.sql").read_text(encoding="utf-8")


def statements(sql: str) -> list[str]:
    """Split SQL into its statements. Shape: each ends at a semicolon that ends a line; comments are dropped."""
    parts = re.split(r";[ \t]*(?:\n|$)", _COMMENT.sub("", sql))
    return [part.strip() for part in parts if part.strip()]


def version_of(database: Database) -> int | None:
    """Return the schema version of a store, or None for an empty file. Raises StoreError for another program's database."""
    tables = database.tables()
    if not tables:
        return None
    row = database.row("SELECT value FROM meta WHERE key = 'schema_version'") if {"meta", "migrations"} <= tables else None
    if row is None or not str(row[0]).isdigit():
        raise StoreError(
            f"open store '{database.name}'",
            f"it is a {database.engine} database of another program",
            "Name another one with --store.",
        )
    return int(row[0])


def refuse_other_versions(database: Database, version: int | None, target: int = SCHEMA_VERSION) -> None:
    """Raise unless a store can be read as it is: StoreVersionError where it is newer, StoreError where it is older or empty."""
    _refuse_newer(database, version, target)
    if version is None:
        raise StoreError(f"read store '{database.name}'", "it is empty", "Fill it with: trajc compile LOG")
    if version < target:
        raise StoreError(
            f"read store '{database.name}'",
            f"its schema has version {version} and this program reads {target}",
            "Run `trajc compile` once, which brings it up to date.",
        )


def bring_up_to_date(database: Database, path: Path, clock: Clock, steps: Sequence[Step] = STEPS) -> None:
    """Create the tables of an empty store, or migrate an older one after copying it to `NAME.vN.backup`.

    Raises: StoreVersionError: the store is newer. StoreError: it belongs to another program, or the copy cannot be made.
    """
    target = max([SCHEMA_VERSION, *(step.version for step in steps)])
    version = version_of(database)
    _refuse_newer(database, version, target)
    if version is not None and version < target:
        database.backup(path.with_name(f"{path.name}.v{version}.backup"))
    if version != target:
        with database.transaction():
            _apply(database, clock(), steps, target)


def _apply(database: Database, now: str, steps: Sequence[Step], target: int) -> None:
    version = version_of(database)  # again, inside the transaction: another process may have been faster
    if version is None:
        for statement in statements(schema()):
            database.execute(statement)
        # A store's identity keeps run ids apart when two stores are mirrored into one; no pair, order or file depends on it.
        for key, value in (("schema_version", str(SCHEMA_VERSION)), ("store_id", secrets.token_hex(8)), ("created_at", now)):
            database.execute("INSERT INTO meta (key, value) VALUES (?, ?)", (key, value))
        _record(database, Step(SCHEMA_VERSION, "schema", ""), now)
        version = SCHEMA_VERSION
    for step in steps:
        if version < step.version <= target:
            for statement in statements(step.sql):
                database.execute(statement)
            _record(database, step, now)
    database.execute("UPDATE meta SET value = ? WHERE key = 'schema_version'", (str(target),))


def _record(database: Database, step: Step, now: str) -> None:
    database.execute("INSERT INTO migrations (version, name, applied_at) VALUES (?, ?, ?)", (step.version, step.name, now))


def _refuse_newer(database: Database, version: int | None, target: int) -> None:
    if version is not None and version > target:
        raise StoreVersionError(
            f"open store '{database.name}'",
            f"its schema has version {version} and this program knows versions up to {target}",
            "Upgrade trajectory-compiler.",
        )
