"""`python -m benchmarks.recording`: what a recorded call costs the agent's thread, and how fast rows reach the database.

Each figure stands beside a floor of the same run: putting the row into a list, and writing it as JSON, which every recorder
must do in some way. Calls are paced, as an agent's are: then the processor's caches are cold, for the floor too. Or they come
as fast as they can: then the background threads are at work beside them.
"""

from __future__ import annotations

import argparse
import gc
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from tests.ledger.written import Written, postgres_written, sqlite_written
from tests.postgres_server import server
from trajectory_compiler.ledger import Recorder
from trajectory_compiler.ledger.entry import Call, line_of
from trajectory_compiler.ledger.writer import open_writer

PACE_SECONDS = 0.0005
CALLS, QUICK_CALLS = 20_000, 400
ROWS, QUICK_ROWS = 50_000, 1_000
_encode = msgspec.json.Encoder().encode


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Microseconds a call: the median and the 99th percentile, and the median as a multiple of writing the row as JSON."""

    what: str
    row_bytes: int
    paced: bool
    median_us: float
    p99_us: float
    times_json: float


class Throughput(msgspec.Struct, frozen=True, kw_only=True):
    """Rows a second from `record` to committed, and the same rows sent by one batch after the other, nothing else."""

    database: str
    rows: int
    rows_per_second: float
    floor_rows_per_second: float


def response_of(items: int) -> dict[str, Any]:
    """Return a response of so many items, some 60 bytes each."""
    orders = [{"id": f"O-{n:05d}", "amount": 12.5 * n, "state": "open", "lines": [1, 2, 3]} for n in range(items)]
    return {"orders": orders}


def costs(recorder: Recorder, calls: int) -> Iterator[Cost]:
    """Measure every way to record, at three sizes, paced and not."""
    arguments = {"query": "orders of customer C-4113", "limit": 10, "filters": {"state": "open", "since": "2026-03-01"}}
    for items in (1, 20, 300):
        response = response_of(items)
        row = {"tool": "find_orders", "arguments": arguments, "response": response}
        with_null = {**response, "next": None}
        kept: list[Any] = []

        @recorder.tool
        def find_orders(query: str, limit: int, filters: dict[str, str]) -> dict[str, Any]:  # noqa: ARG001  # recorded
            return response  # noqa: B023  # measured before the loop goes on

        ways: dict[str, Callable[[], Any]] = {
            "floor: list.append": lambda: kept.append(row),  # noqa: B023
            "floor: JSON by msgspec": lambda: _encode(row),  # noqa: B023
            "record()": lambda: recorder.record("find_orders", arguments, response, status="ok"),  # noqa: B023
            "record(), a null in the row": lambda: recorder.record("find_orders", arguments, with_null),  # noqa: B023
            "decorated tool": lambda: find_orders(**arguments),  # type: ignore[arg-type]
        }
        for pace in (PACE_SECONDS, 0.0):
            floor = 0.0
            for what, call in ways.items():
                number = calls if items < 300 else calls // 10
                times = timed(call, number, pace)
                recorder.flush(committed=True)
                median = statistics.median(times) * 1e6
                floor = median if what == "floor: JSON by msgspec" else floor
                yield Cost(
                    what=what,
                    row_bytes=len(_encode(row)),
                    paced=pace > 0,
                    median_us=median,
                    p99_us=sorted(times)[len(times) * 99 // 100] * 1e6,
                    times_json=median / floor if floor else 0.0,
                )


def timed(call: Callable[[], Any], number: int, pace: float) -> list[float]:
    """Return the seconds that each call took."""
    times: list[float] = []
    clock = time.perf_counter
    gc.collect()
    for _ in range(number):
        began = clock()
        call()
        times.append(clock() - began)
        if pace:
            time.sleep(pace)
    return times


def throughput(database: str, written: Written, rows: int) -> Throughput:
    """Record rows until they are committed; then send as many prepared rows, batch after batch."""
    response = response_of(5)
    recorder = written.recorder(exit_seconds=600)
    began = time.perf_counter()
    for number in range(rows):
        recorder.record("find_orders", {"n": number}, response)
    recorder.flush(committed=True)
    seconds = time.perf_counter() - began
    recorder.close()
    call = {"session_id": "floor", "agent": "a", "tool": "find_orders", "response": response, "now": 0.0}
    lines = [line_of(Call(arguments={"n": n}, idempotency_key=f"floor-{n}", **call)) for n in range(rows)]  # type: ignore[arg-type]
    writer = open_writer(written.address)
    began = time.perf_counter()
    for start in range(0, rows, 1000):
        writer.send(lines[start : start + 1000])
    floor = time.perf_counter() - began
    writer.close()
    return Throughput(database=database, rows=rows, rows_per_second=rows / seconds, floor_rows_per_second=rows / floor)


@contextmanager
def ledgers() -> Iterator[dict[str, Written]]:
    """Make a ledger in each database."""
    with tempfile.TemporaryDirectory(prefix="trajc-bench-") as folder:
        places = {name: Path(folder) / name for name in ("SQLite", "PostgreSQL")}
        for place in places.values():
            place.mkdir()
        postgres = postgres_written(server().get_uri(), places["PostgreSQL"])
        yield {"SQLite": sqlite_written(places["SQLite"]), "PostgreSQL": postgres}


def main(arguments: list[str] | None = None) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.recording", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few calls, some seconds in all")
    parser.add_argument("--json", action="store_true", help="print the measures as JSON")
    options = parser.parse_args(arguments)
    with ledgers() as made:
        with made["PostgreSQL"].recorder(exit_seconds=600) as recorder:
            measured = list(costs(recorder, QUICK_CALLS if options.quick else CALLS))
        rows = QUICK_ROWS if options.quick else ROWS
        speeds = [throughput(name, written, rows) for name, written in made.items()]
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode({"costs": measured, "throughput": speeds}) + b"\n")
        return 0
    print("| a call | row bytes | calls | median us | p99 us | x JSON |\n|---|---:|---|---:|---:|---:|")
    for cost in measured:
        pace = "paced" if cost.paced else "without pause"
        figures = f"{cost.median_us:.1f} | {cost.p99_us:.1f} | {cost.times_json:.1f}"
        print(f"| {cost.what} | {cost.row_bytes:,} | {pace} | {figures} |")
    print("\n| end to end | rows | rows/s | floor: batches alone, rows/s |\n|---|---:|---:|---:|")
    for speed in speeds:
        print(f"| {speed.database} | {speed.rows:,} | {speed.rows_per_second:,.0f} | {speed.floor_rows_per_second:,.0f} |")
    return 0


if __name__ == "__main__":
    sys.exit(main())
