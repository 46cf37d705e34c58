"""A redacted copy of a log: same rows, same ids, same order, and a report of what was replaced.

The log is read once. Its rows go to a temporary file that has no name (nobody else can open it), are redacted session by
session, and are written in the order in which they were read. What the log holds beside the columns that the compiler knows is
redacted, too. Pseudonyms are those that `trajc compile` gives by the same policy: columns that it does not read, and rows that
it drops as repeated, are numbered after everything that it reads.
"""

from __future__ import annotations

import tempfile
from array import array
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

import msgspec

from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, RawTrajectory, Row, Trajectory
from trajectory_compiler.pipeline.deadline import deadline
from trajectory_compiler.redaction import Boundary, Policy, Redaction, redact_and_name
from trajectory_compiler.redaction.findings import PARTS
from trajectory_compiler.redaction.outbound import Outbound, kept_in
from trajectory_compiler.redaction.report import RedactionReport, Tally, changes_of
from trajectory_compiler.redaction.vault import Page, page_of
from trajectory_compiler.sessions.assembly import drop_repeated, order_rows
from trajectory_compiler.sources import Source
from trajectory_compiler.sources.findings import REASONS, Drops

_NOWHERE = 2**64 - 1
_encode_row = msgspec.json.Encoder().encode
_decode_row = msgspec.json.Decoder(Row).decode


class CopyJob(msgspec.Struct, frozen=True, kw_only=True):
    """How a log is copied. `key` is needed for log-stable pseudonyms; `keep` gets what a vault may hold of each session."""

    policy: Policy
    goal: str
    key: bytes | None = None
    keep: Callable[[Page], None] | None = None
    progress: Callable[[int, int], None] = lambda done, total: None  # noqa: ARG005  # shows nothing unless asked


class _Placed(NamedTuple):
    """A row of one session, and its place in the log."""

    place: int
    row: Row


def redact_log(source: Source, job: CopyJob, write: Callable[[bytes], object]) -> RedactionReport:
    """Write the redacted copy of a log as JSONL and return the report.

    A session that cannot be redacted is left out and reported. Raises: InputError: the log cannot be read. BoundaryError: a
    line of the copy holds what may not leave.
    Cost: two temporary files of the log's size, 24 bytes of memory a row, and one session.
    """
    tally = Tally(job.policy)
    outbound = Outbound(job.policy, job.goal)
    with tempfile.TemporaryFile() as rows, tempfile.TemporaryFile() as lines:
        offsets = _spool(source, rows, tally)
        places = array("Q", [_NOWHERE]) * tally.rows
        tally.sessions = len(offsets)
        for number, session in enumerate(offsets.values(), start=1):
            for place, line in _copied(source.name, list(_rows(rows, session)), job, tally):
                places[place] = lines.tell()
                lines.write(line)
            job.progress(number, len(offsets))
        for place, offset in enumerate(places):
            if offset != _NOWHERE:
                lines.seek(offset)
                write(_checked(lines.readline(), place, outbound, job.policy))
                tally.rows_written += 1
    found = source.findings()
    return tally.report(source.name, {f.reason: f.count for f in found if f.reason not in REASONS or REASONS[f.reason].drops})


def _spool(source: Source, file: IO[bytes], tally: Tally) -> dict[str, array[int]]:
    """Write every row to a file; return, by session, pairs of place and offset."""
    offsets: dict[str, array[int]] = {}
    offset = 0
    for place, row in enumerate(source.rows()):
        line = _encode_row(row) + b"\n"
        file.write(line)
        offsets.setdefault(row.session_id, array("Q")).extend((place, offset))
        offset += len(line)
        tally.rows += 1
    return offsets


def _rows(file: IO[bytes], session: array[int]) -> Iterator[_Placed]:
    for at in range(0, len(session), 2):
        file.seek(session[at + 1])
        yield _Placed(session[at], _decode_row(file.readline()))


def _copied(source: str, rows: list[_Placed], job: CopyJob, tally: Tally) -> Iterator[tuple[int, bytes]]:
    """Yield place and line of each row of a session, or nothing where the session is blocked."""
    ordered = _in_reading_order(rows)
    extras = [_Placed(item.place, _extra_row(item.row)) for item in ordered if item.row.extra]
    raw = RawTrajectory(
        source=source,
        session_id=rows[0].row.session_id,
        rows=tuple(item.row for item in (*ordered, *extras)),
        digest="",
    )
    try:
        with deadline(job.policy.limits.max_session_seconds):
            redaction = redact_and_name(raw, job.policy, Boundary(lambda _: False, lambda _: 1, job.key))
    except BoundaryError as error:
        name = error.goal.removeprefix("redact session ").strip("'")
        tally.add_blocked(name, error.seen, len(rows))
        return
    own = {item.place: number for number, item in enumerate(ordered)}
    of_row = [own[item.place] for item in (*ordered, *extras)]
    changed = [
        (of_row[number], field if number < len(ordered) else "extra", change)
        for number, field, change in changes_of(raw, redaction.trajectory)
    ]
    tally.add(redaction.trajectory, redaction.named, changed)
    if job.keep is not None:
        rank = {item.place: number for number, item in enumerate(rows)}
        in_log_order = ((rank[ordered[number].place], field, change) for number, field, change in changed)
        job.keep(page_of(redaction.trajectory.session_id, redaction.named, in_log_order, job.policy))
    yield from _lines(ordered, extras, redaction)


def _in_reading_order(rows: list[_Placed]) -> list[_Placed]:
    """Order the rows as a compile run reads them; those that it drops as repeated come last."""
    by_row = {id(item.row): item for item in rows}
    kept = order_rows(drop_repeated([item.row for item in rows], Drops("copy")), Drops("copy"))
    first = [by_row[id(row)] for row in kept]
    there = {id(row) for row in kept}
    return [*first, *(item for item in rows if id(item.row) not in there)]


def _extra_row(row: Row) -> Row:
    return Row(id="", session_id=row.session_id, created_at=None, agent="", tool="", arguments=row.extra, response=None)


def _lines(ordered: list[_Placed], extras: list[_Placed], redaction: Redaction) -> Iterator[tuple[int, bytes]]:
    trajectory: Trajectory = redaction.trajectory
    further = {item.place: turn.arguments for item, turn in zip(extras, trajectory.turns[len(ordered) :], strict=True)}
    for item, turn in zip(ordered, trajectory.turns[: len(ordered)], strict=True):
        line: dict[str, Json] = {
            "id": turn.row_id,
            "session_id": trajectory.session_id,
            "created_at": turn.created_at,
            "agent": turn.agent,
            "tool": turn.tool,
            "arguments": turn.arguments,
            "response": turn.response,
            "cost_usd": turn.cost_usd,
            "duration_ms": turn.duration_ms,
            "success": turn.ok,
        }
        extra = further.get(item.place, {})
        taken = {name: value for name, value in line.items() if value is not None or name in ("arguments", "response")}
        yield item.place, _encode_row(taken | {name: value for name, value in extra.items() if name not in line}) + b"\n"


def _checked(line: bytes, place: int, outbound: Outbound, policy: Policy) -> bytes:
    allowed: tuple[str, ...] = ()
    if policy.fields:
        row = msgspec.json.decode(line)
        allowed = kept_in(((part, row.get(part)) for part in PARTS), policy)
    outbound(line, f"row {place}", allowed)
    return line
