"""A pair's rows in its log as they are now, and whether they are those that it was compiled from.

The store keeps no raw row and no unkeyed hash of one. Whoever has log, store and key reads the session again: its keyed digest
is compared with the stored one, and each row that the pair rests on gets a plain hash, by which others find it in a copy.
"""

from __future__ import annotations

import hashlib

import msgspec

from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.model import Pair
from trajectory_compiler.redaction.keyfile import derive, keyed_hash
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.store.lineage import Lineage


class SourceRow(msgspec.Struct, frozen=True, kw_only=True):
    """A row of the log that a pair rests on. `sha256` is over the row as JSON, keys as `model.Row` has them."""

    row_id: str
    sha256: str


class SourceTrace(msgspec.Struct, frozen=True, kw_only=True):
    """What the log holds of a pair's session now. `unchanged`: its rows are those that the pair was compiled from."""

    log: str
    found: bool
    unchanged: bool
    rows: tuple[SourceRow, ...]


def source_options(noted: dict[str, str], name: str) -> SourceOptions:
    """Return how a log was read, by what the run that compiled it noted."""
    columns = msgspec.json.decode(noted["columns"], type=dict[str, str]) if noted.get("columns") else {}
    return SourceOptions(columns=columns, table=noted.get("table") or None, query=noted.get("query") or None, name=name or None)


def trace(pair: Pair, lineage: Lineage, location: str, options: SourceOptions, key: bytes) -> SourceTrace:
    """Look a pair's rows up in its log.

    A session whose id was redacted is found by its digest alone, so not once its rows have changed.
    Raises: InputError: the log cannot be read. Cost: one reading of the log, up to the session.
    """
    own = derive(key, "rows")
    for raw in open_sessions(open_source(location, options), SessionOptions(min_turns=1)):
        unchanged = keyed_hash(own, raw.digest) == lineage.rows_digest
        if unchanged or raw.session_id == pair.session_id:
            wanted = {row.turn: row.row_id for row in lineage.rows}
            chosen = [row for turn, row in enumerate(raw.rows) if turn in wanted] if unchanged else []
            chosen = chosen or [row for row in raw.rows if row.id in wanted.values()]
            rows = tuple(
                SourceRow(row_id=row.id, sha256=hashlib.sha256(msgspec.json.encode(row)).hexdigest()) for row in chosen
            )
            return SourceTrace(log=location, found=True, unchanged=unchanged, rows=rows)
    return SourceTrace(log=location, found=False, unchanged=False, rows=())
