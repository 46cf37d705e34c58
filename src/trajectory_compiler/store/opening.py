"""Where a store lies: a private file that is made on first use, or a schema on a PostgreSQL server."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from trajectory_compiler.errors import StoreError
from trajectory_compiler.store import migrations
from trajectory_compiler.store.address import is_address, parse_address
from trajectory_compiler.store.clock import Clock
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.sqlite import connect, connect_read_only, create_private

DEFAULT_STORE = Path(".trajc") / "store.db"
MIRROR_MARK = "mirror_since"  # a row of `meta` in a schema that is a mirror and not a store of its own


class Opened(NamedTuple):
    """A database that is ready, where it lies, and the local path beside which its key is kept."""

    database: Database
    location: str
    beside: Path


def open_database(location: Path | str, clock: Clock, *, create: bool, read_only: bool) -> Opened:
    """Open a store's database at a path or an address, creating or migrating it first. Raises StoreError, StoreVersionError."""
    if is_address(location):
        return _on_server(str(location), clock, read_only=read_only)
    place = Path(location)
    if place.is_dir():
        raise StoreError(f"open store '{place}'", "it is a folder", f"Name the file, such as {place / 'store.db'}.")
    if not place.exists():
        if read_only or not create:
            action = "Make one with `trajc compile LOG`, or name another with --store."
            raise StoreError(f"open store '{place}'", "there is no such file", action)
        make_folder(place.parent)
        create_private(place)
    database = connect_read_only(place) if read_only else connect(place)
    _prepare(database, place, clock, read_only=read_only)
    return Opened(database, str(place), place)


def _on_server(location: str, clock: Clock, *, read_only: bool) -> Opened:
    from trajectory_compiler.store.postgres import connect_server  # noqa: PLC0415  # only where there is a server

    address = parse_address(location)
    database = connect_server(address, read_only=read_only)
    if not read_only:
        database.make_schema()
    _prepare(database, DEFAULT_STORE.with_name(address.schema), clock, read_only=read_only)
    try:
        meta = dict(database.rows("SELECT key, value FROM meta"))
        if MIRROR_MARK in meta and not read_only:
            raise StoreError(
                f"write store '{database.name}'",
                "it is a mirror of other stores",
                "Name another schema with ?schema=NAME; a mirror may be read.",
            )
        beside = DEFAULT_STORE.with_name(f"store-{meta['store_id']}")  # a key never lies on the server
        if not read_only:
            make_folder(beside.parent)
    except BaseException:
        database.close()
        raise
    return Opened(database, location, beside)


def _prepare(database: Database, beside: Path, clock: Clock, *, read_only: bool) -> None:
    try:
        if read_only:
            migrations.refuse_other_versions(database, migrations.version_of(database))
        else:
            migrations.bring_up_to_date(database, beside, clock)
    except BaseException:
        database.close()
        raise


def make_folder(folder: Path) -> None:
    """Create a folder for the store that only its owner may enter and that version control leaves alone."""
    if folder.exists():
        return
    try:
        folder.mkdir(mode=0o700, parents=True)
        (folder / ".gitignore").write_text("*\n", encoding="utf-8")
    except OSError as error:
        raise StoreError(
            f"create folder '{folder}'",
            error.strerror or type(error).__name__,
            "Name a place that may be written with --store.",
        ) from error
