"""What is measured: against the parse floor, over growing logs, and on ever longer sessions.

CPU seconds include all processes and are what ratios are made of: they hardly depend on what else the machine is doing.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from benchmarks.logs import RECORDED, copies, demo_log, one_session, write_log
from benchmarks.measure import POLICIES, Job, Log, Measure, measured
from benchmarks.renaming import Renamer


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How large the logs are: scales of the demo log, its rows in the last, bytes of recorded log, turns of a session."""

    demo_scales: tuple[int, ...]
    many_rows: int
    recorded_bytes: int
    long_turns: tuple[int, ...]


FULL = Scale(demo_scales=(1, 10, 100), many_rows=1_000_000, recorded_bytes=100_000_000, long_turns=(1_000, 10_000, 100_000))
QUICK = Scale(demo_scales=(1,), many_rows=0, recorded_bytes=4_000_000, long_turns=(250, 1_000))


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table: what was done, the measure, and its CPU seconds as a multiple of the floor's."""

    what: str
    measure: Measure
    times_floor: float


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One suite's result. `notes` are sentences below the table."""

    title: str
    lines: tuple[Line, ...] = ()
    notes: tuple[str, ...] = ()


def against_the_floor(folder: Path, scale: Scale) -> Table:
    """Measure the recorded airline log, repeated with renamed identifiers, against reading and parsing it."""
    title = "Against the floor: the recorded airline log, repeated with identifiers renamed in each copy"
    if not RECORDED.is_file():
        return Table(title=title, notes=("Skipped: the recorded logs (../shared/data) are not beside this checkout.",))
    with RECORDED.open("rb") as file:
        renamer = Renamer(file)
    original = write_log(folder / "original.jsonl", "recorded", renamer.copy(0))
    wanted = -(-scale.recorded_bytes // original.bytes)
    log = write_log(folder / "recorded.jsonl", f"recorded x{wanted}", copies(renamer, wanted))
    lines = tuple(_all_jobs(log))
    single = measured(Job(kind="compile", log=original)).counts["pairs"]
    many = next(line.measure for line in lines if line.measure.job.per_copy).counts
    mean = many["pairs"] / wanted
    note = (
        f"Proved pairs: {single} from the original, {mean:.1f} a copy from {wanted} copies ({mean / single - 1:+.1%}; "
        f"fewest {many['fewest']}, most {many['most']})."
    )
    Path(log.path).unlink()
    return Table(title=title, lines=lines, notes=(note,))


def over_growing_logs(folder: Path, scale: Scale) -> Table:
    """Measure the demo log at 1, 10 and 100 times its size, and at a million rows."""
    path = folder / "demo.jsonl"
    rows = demo_log(path, 1).rows
    sizes = [*scale.demo_scales, *([-(-scale.many_rows // rows)] if scale.many_rows else [])]
    lines: list[Line] = []
    for number in sizes:
        lines += _all_jobs(demo_log(path, number))
        path.unlink()
    return Table(title="Growth: the demo log, generated ever larger", lines=tuple(lines))


def on_long_sessions(folder: Path, scale: Scale) -> Table:
    """Measure single sessions of growing length."""
    demo_log(folder / "demo.jsonl", 1)
    with (folder / "demo.jsonl").open("rb") as file:
        renamer = Renamer(file)
    lines: list[Line] = []
    for turns in scale.long_turns:
        log = write_log(folder / "long.jsonl", f"{turns:,} turns", one_session(renamer, turns))
        floor = measured(Job(kind="floor", log=log), best_of=3)
        lines += [_line(f"compile, policy {p}", Job(kind="compile", log=log, policy=p), floor) for p in POLICIES]
    return Table(title="One session of many turns (rows of the demo log, renamed copy after copy)", lines=tuple(lines))


SUITES = {"floor": against_the_floor, "growth": over_growing_logs, "long": on_long_sessions}


def _all_jobs(log: Log) -> Iterator[Line]:
    """Yield the floor and everything that is measured against it."""
    floor = measured(Job(kind="floor", log=log), best_of=3)
    yield Line(what="floor: read, orjson", measure=floor, times_floor=1.0)
    yield _line("inspect: read, map, group", Job(kind="inspect", log=log), floor)
    for policy in POLICIES:
        job = Job(kind="compile", log=log, policy=policy, per_copy=policy == "off")
        yield _line(f"compile, policy {policy}, 1 process", job, floor)
    yield _line("compile, policy standard, all cores", Job(kind="compile", log=log, policy="standard", workers=0), floor)


def _line(what: str, job: Job, floor: Measure) -> Line:
    measure = measured(job)
    return Line(what=what, measure=measure, times_floor=measure.cpu_seconds / floor.cpu_seconds)
