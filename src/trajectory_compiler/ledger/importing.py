"""A log that is already there into a ledger: every row of every source that we read, each once, however often it is run.

The key of a row is made of the source's name, the session and the row's id; where the log has no ids, of the row's content, so
that two logs of one name do not hide each other. Rows go session by session in their order. `called_at` is the log's stamp;
`created_at` is the time of the import, since nobody can say to an append-only log that a row is older than it is. What the log
said of the row's origin stands in `extra` under `$import`.

The spool of a recorder is taken, too: rows that a process left behind while the database was away, under their own keys.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec

from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.errors import LedgerError
from trajectory_compiler.ledger.counts import COUNTS
from trajectory_compiler.ledger.entry import Call, line_of
from trajectory_compiler.ledger.schema import TABLE
from trajectory_compiler.ledger.spool import folder_of, frames_of, orphans
from trajectory_compiler.ledger.writer import AwayError, RefusedError, UnreadyError, Writer, open_writer
from trajectory_compiler.model import Finding, Row, short_hash
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source

IMPORT = "$import"
SPOOL = "a recorder's spool"
_GATHERED_ROWS = 1000
_LONGEST_KEY = 200
_ROWS_NAMED = 5
Progress = Callable[[str, int, int | None], None]


class ImportOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How the log is read, and which table is written."""

    source: SourceOptions = SourceOptions()
    table: str = TABLE


class ImportReport(msgspec.Struct, frozen=True, kw_only=True):
    """What came of it. `new` rows were written, `there` were in the ledger already, `refused` it would not take.

    Of a spool, `sessions` counts the processes that left it.
    """

    log: str
    source: str
    format: str
    sessions: int
    rows: int
    new: int
    there: int
    refused: int
    findings: tuple[Finding, ...]


def import_log(log: str, to: str, options: ImportOptions, progress: Progress, now: float) -> ImportReport:
    """Read a log and write its rows into the ledger at `to`. Run again, it writes what is new.

    `now` (seconds since 1970) stands in for stamps that the log lacks.
    Raises: SourceError, MappingError: the log cannot be read. OptionError: `to` cannot be meant. LedgerError: the ledger is
    away or not set up; what was written until then stays, and the next run goes on.
    """
    writer = open_writer(to, options.table)
    spool = spool_of(Path(log).expanduser(), writer)
    if spool is not None:
        return _import_spool(spool, writer, log)
    source = open_source(log, options.source)
    sessions = open_sessions(source, SessionOptions(min_turns=1))
    has_ids = source.mapping.column("id") is not None
    sink = _Sink(writer, log)
    waiting: list[bytes] = []
    done = 0
    try:
        for done, session in enumerate(sessions, 1):
            stamped = all(row.created_at for row in session.rows)  # else one stamp for all, so that they keep their order
            for row in session.rows:
                waiting.append(line_of(_call(source.name, row, now, has_ids=has_ids, stamped=stamped)))
                if len(waiting) >= _GATHERED_ROWS:
                    sink.write(waiting)
                    waiting = []
            progress("import", done, None)
        sink.write(waiting)
    finally:
        sessions.close()
        writer.close()
    return ImportReport(
        log=log,
        source=source.name,
        format=source.format,
        sessions=done,
        rows=sink.rows,
        new=sink.new,
        there=sink.rows - sink.new - sink.refused,
        refused=sink.refused,
        findings=(*sessions.findings(), *sink.findings()),
    )


def spool_of(path: Path, writer: Writer) -> Path | None:
    """Return the folder of a writer's ledger where `path` is a spool, or `path` where it is one ledger's folder; else None."""
    if not path.is_dir():
        return None
    if any(path.glob(f"*/{COUNTS}")):
        return path
    return folder_of(path, writer.ledger) if any(path.glob(f"*/*/{COUNTS}")) else None


def _import_spool(path: Path, writer: Writer, log: str) -> ImportReport:
    """Deliver what recorders left whose processes have ended; their spools are removed, those of living ones are left alone."""
    sink = _Sink(writer, log)
    lost = spools = 0
    try:
        for orphan in orphans(path):
            whole = False
            try:
                for frame in orphan.frames():
                    sink.write(frame.rows)
                whole = sink.refused == 0
            finally:
                orphan.close(remove=whole)
            lost += orphan.lost
            spools += 1
    finally:
        writer.close()
    found = tuple(sink.findings())
    if lost:
        detail = "recorded, but not yet acknowledged when their processes ended"
        found = (*found, Finding(stage="ledger", reason="lost_at_a_kill", count=lost, detail=detail))
    return ImportReport(
        log=log,
        source=path.name,
        format=SPOOL,
        sessions=spools,
        rows=sink.rows,
        new=sink.new,
        there=sink.rows - sink.new - sink.refused,
        refused=sink.refused,
        findings=found,
    )


class _Sink:
    """Writes batches and counts; rows that the ledger refuses are found by halving and named."""

    def __init__(self, writer: Writer, log: str) -> None:
        self._writer, self._log = writer, log
        self.rows = self.new = self.refused = 0
        self._named: list[str] = []

    def write(self, lines: Sequence[bytes]) -> None:
        """Write rows. Raises LedgerError."""
        self.rows += len(lines)
        try:
            for frame in frames_of(lines):
                self._send(frame)
        except UnreadyError as error:
            raise LedgerError(self._goal(), str(error).rstrip("."), "Create the ledger with: trajc ledger init URL") from None
        except AwayError as error:
            action = "Run the same command again: rows that are there are not written twice."
            raise LedgerError(self._goal(), str(error).rstrip("."), action) from None

    def findings(self) -> Iterator[Finding]:
        """Say what the ledger refused."""
        if self.refused:
            more = self.refused - len(self._named)
            detail = ", ".join(self._named) + (f" and {more:,} more" if more else "")
            yield Finding(stage="ledger", reason="refused_by_ledger", count=self.refused, detail=detail)

    def _send(self, lines: Sequence[bytes]) -> None:
        try:
            self.new += self._writer.send(lines)
        except RefusedError:
            if len(lines) > 1:
                self._send(lines[: len(lines) // 2])
                self._send(lines[len(lines) // 2 :])
                return
            self.refused += 1
            if len(self._named) < _ROWS_NAMED:
                row = msgspec.json.decode(lines[0])
                name = row.get("extra", {}).get(IMPORT, {}).get("row") or row["idempotency_key"]
                self._named.append(f"row '{name}'")

    def _goal(self) -> str:
        return f"import {self._log}"


def _call(source: str, row: Row, now: float, *, has_ids: bool, stamped: bool) -> Call:
    origin: dict[str, Any] = {"source": source, "row": row.id, "created_at": row.created_at}
    key = f"{source}/{row.session_id}/{row.id}"
    if not has_ids:
        key = f"{source}/{short_hash(msgspec.json.encode(row).decode())}"
    return Call(
        session_id=row.session_id,
        agent=row.agent,
        tool=row.tool,
        arguments=row.arguments,
        response=row.response,
        idempotency_key=key if len(key) <= _LONGEST_KEY else f"{source[:50]}/{short_hash(key)}",
        now=now,
        called_at=None if row.created_at is None or not stamped else datetime.fromisoformat(row.created_at).timestamp(),
        status=None if row.success is None else ("ok" if row.success else "error"),
        cost_usd=row.cost_usd,
        duration_ms=row.duration_ms,
        extra={**row.extra, IMPORT: origin},
    )
