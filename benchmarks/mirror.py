"""`python -m benchmarks.mirror`: rows a second into a mirror, beside COPY of the same rows into the same tables.

The floor has no digests, no comparison, no keys to merge by and one transaction: what the server and the driver cost by
themselves. It is measured in the same run, so figures of two machines compare by the ratio.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.postgres_server import new_database
from tests.store.samples import KEY, clock, pair, session
from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.store import SessionResult, Store
from trajectory_compiler.store.address import parse_address
from trajectory_compiler.store.migrations import bring_up_to_date
from trajectory_compiler.store.mirror_tables import KINDS, tables
from trajectory_compiler.store.postgres import connect_server

SESSIONS, QUICK_SESSIONS = 3_000, 200
PAIRS = 5


def fill(store: Store, sessions: int) -> None:
    """Save sessions of some kilobytes that do not compress, with their pairs."""
    run = store.begin_run("compile", "log", "{}", "1")
    for number in range(sessions):
        trajectory = session(f"s-{number:05d}", 12, words=random.Random(number).randbytes(400).hex())
        made = tuple(pair(trajectory, each) for each in range(PAIRS))
        store.save_session(SessionResult(run_id=run, trajectory=trajectory, compile_key=KEY, pairs=made))


def rows_of(path: Path) -> dict[str, list[tuple[Any, ...]]]:
    """Return all rows that a mirror takes, by table, parents first."""
    with Store.open(path, read_only=True) as store:
        names = dict.fromkeys(part.table for kind in KINDS for part in kind.parts)
        return {name: list(store._database.rows(f"SELECT {', '.join(tables()[name].columns)} FROM {name}")) for name in names}  # noqa: SLF001  # the floor is below the store


def floor_seconds(rows: dict[str, list[tuple[Any, ...]]]) -> float:
    """Return how long COPY takes for the rows, table by table, in one transaction."""
    database = connect_server(parse_address(new_database()))
    database.make_schema()
    bring_up_to_date(database, Path("floor"), clock)
    began = time.perf_counter()
    with database.transaction(), database.connection.cursor() as cursor:
        for name, listed in rows.items():
            with cursor.copy(f"COPY {name} ({', '.join(tables()[name].columns)}) FROM STDIN") as copy:
                for row in listed:
                    copy.write_row(row)
    return time.perf_counter() - began


def main(arguments: list[str] | None = None) -> int:
    """Measure the first run, a run with nothing to do, a check; print a line each."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.mirror", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small store")
    sessions = QUICK_SESSIONS if parser.parse_args(arguments).quick else SESSIONS
    with tempfile.TemporaryDirectory(prefix="trajc-bench-") as folder:
        path = Path(folder) / "store.db"
        with Store.open(path, clock=clock) as store:
            fill(store, sessions)
            rows = rows_of(path)
            count = sum(map(len, rows.values()))
            floor = floor_seconds(rows)
            options = MirrorOptions(url=new_database())
            work: dict[str, Callable[[], object]] = {
                "first run": lambda: store.mirror_into(options),
                "nothing to do": lambda: store.mirror_into(options),
                "check": lambda: store.compare_with(options),
            }
            print("| what | rows | seconds | rows/s | floor rows/s | x floor |\n|---|---:|---:|---:|---:|---:|")
            for what, run in work.items():
                began = time.perf_counter()
                run()
                spent = time.perf_counter() - began
                print(
                    f"| {what} | {count:,} | {spent:.2f} | {count / spent:,.0f} | {count / floor:,.0f} | {spent / floor:.1f} |"
                )
    return 0


if __name__ == "__main__":
    sys.exit(main())
