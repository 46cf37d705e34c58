"""`--sql` of random pairs on the original PostgreSQL table: the stored answer, through the vault where it was redacted.

pytest tests/real/test_sql_postgres.py --long -s        300 pairs over the three recorded logs; prints the counts
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from tests.postgres_server import new_database
from tests.real.logs import RECORDED
from trajectory_compiler.config import CompileOptions, DataflowOptions, SourceOptions
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.sql import Origin, sql_of
from trajectory_compiler.model import Json, Pair, Trajectory, canonical, decimal_text, json_text, resolve
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.redact_log import CopyJob, redact_log
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.restoring import Restorer
from trajectory_compiler.redaction.scan import LABEL
from trajectory_compiler.redaction.vault import Pages, Vault
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.columns import Role
from trajectory_compiler.store import PairQuery, Store

ROLES: tuple[Role, ...] = ("id", "session_id", "created_at", "agent", "tool", "arguments", "response")
TYPES = {"created_at": "timestamptz", "arguments": "jsonb", "response": "jsonb"}
TEXT = "text"
WANTED = 300
SEED = 7
MAX_PAIRS = 400  # a session, more than a run takes by default: two of the logs have few sessions and the sample is to be large
KEY = bytes(range(32))


class Log(NamedTuple):
    """One recorded log in a PostgreSQL table, what was compiled from it, and the vault of its redaction."""

    name: str
    connection: Any
    store: Store
    pages: Pages


class Tally(NamedTuple):
    """What came of the sample: pairs asked by log, type and way, and pairs that are no query by reason."""

    asked: Counter[str]
    types: Counter[str]
    refused: Counter[str]


def table_of(log: Path) -> str:
    """Write a recorded log into a table of a new database, as an audit trigger might have, and return its address."""
    psycopg = pytest.importorskip("psycopg")
    address = new_database()
    with psycopg.connect(address, autocommit=True) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE audit_log ({', '.join(f'{role} {TYPES.get(role, TEXT)}' for role in ROLES)})")
        for line in log.read_bytes().splitlines():
            row = msgspec.json.decode(line)
            values = [json_text(row[role]) if role not in ("arguments", "response") else _document(row[role]) for role in ROLES]
            cursor.execute(f"INSERT INTO audit_log VALUES ({', '.join(['%s'] * len(ROLES))})", values)
    return address


def _document(value: Json) -> str:
    return msgspec.json.encode(value).decode().replace("\\u0000", "")  # jsonb holds no null character


def opened(log: Path, folder: Path) -> Iterator[Log]:
    """Compile a log from its PostgreSQL table and redact it again with a vault, both by the standard policy."""
    psycopg = pytest.importorskip("psycopg")
    address = table_of(log)
    source = SourceOptions(table="audit_log", name=log.stem)
    vault, path = Vault(KEY), folder / f"{log.stem}.vault"
    with path.open("wb") as file:
        file.write(vault.head())
        policy = load_policy("standard")
        job = CopyJob(policy=policy, keep=lambda page: _keep(file.write(vault.line(page))), goal="copy the log")
        redact_log(open_source(address, source), job, lambda _: None)
    with psycopg.connect(address, autocommit=True) as connection, Store.open(folder / f"{log.stem}.db") as store:
        compile_into(store, address, CompileOptions(source=source, dataflow=DataflowOptions(max_pairs=MAX_PAIRS)))
        yield Log(log.stem, connection, store, vault.pages(path))


def _keep(_: int) -> None:
    """Forget how many bytes were written."""


def expected(pair: Pair, trajectory: Trajectory, pages: Pages) -> str | None:
    """Return the answer that the original rows hold: as stored, with what was redacted put back; None for an abstention.

    A redacted answer is read where its evidence stands, in the turn as the vault restores it.
    """
    if pair.withheld_turns:
        return None
    if not LABEL.search(pair.answer):
        return pair.answer
    page = pages.page(trajectory.session_id)
    assert page is not None
    restorer = Restorer(page, lambda _: True)
    return " -> ".join(_original(part, pair, trajectory, restorer) for part in pair.answer.split(" -> "))


def _original(part: str, pair: Pair, trajectory: Trajectory, restorer: Restorer) -> str:
    if not LABEL.search(part):
        return part
    place = next(item for item in pair.evidence if item.quote == part)
    turn = trajectory.turns[place.turn]
    restored = {name: restorer.field(turn.index, name, getattr(turn, name)) for name in ("arguments", "response")}
    original = canonical(resolve(restored, place.path))
    assert original is not None
    assert not LABEL.search(original)
    return original


def found(log: Log, query: str) -> str | None:
    """Run a pair's query on the original table and return its answer as programs print values; None for no row."""
    rows = log.connection.execute(query).fetchall()
    assert len(rows) <= 1
    return " -> ".join(_printed(value) for value in rows[0]) if rows else None


def _printed(value: object) -> str:
    return decimal_text(value) if isinstance(value, Decimal) else str(canonical(value))


def check(log: Log, limit: int) -> Tally:
    """Ask the table for the answers of random pairs, at most `limit`; each must be the stored one, or the run ends."""
    asked, types, refused = Counter[str](), Counter[str](), Counter[str]()
    origin = Origin(table="audit_log", columns={role: role for role in ROLES})
    for pair in log.store.pairs(PairQuery(seed=SEED)):
        if asked.total() == limit:
            break
        trajectory = log.store.trajectory_of(pair)
        try:
            query = sql_of(pair, trajectory, origin, "postgres")
        except InputError as error:
            refused[LABEL.sub("<...>", error.seen)] += 1
            continue
        wanted = expected(pair, trajectory, log.pages)
        assert found(log, query) == wanted, f"pair {pair.id} of {log.name}"
        types[pair.qa_type] += 1
        asked["gives no row" if wanted is None else "through the vault" if wanted != pair.answer else "as stored"] += 1
    return Tally(asked, types, refused)


def test_postgres_gives_the_stored_answers(recorded: Path, tmp_path: Path) -> None:
    """Forty random pairs of a recorded log, some of whose answers were redacted, have the table's own answers."""
    for log in opened(recorded / "tau_airline.jsonl", tmp_path):
        tally = check(log, 40)
        assert tally.asked.total() == 40
        assert len(tally.types) >= 3


@pytest.mark.long
def test_three_hundred_random_pairs_of_three_logs(recorded: Path, tmp_path: Path) -> None:
    """Each of 300 random pairs over the three recorded logs has the answer of the original PostgreSQL table."""
    tallies: dict[str, Tally] = {}
    for name in reversed(RECORDED):  # the log with most sessions last: it makes up for what the others lack
        for log in opened(recorded / f"{name}.jsonl", tmp_path):
            left = WANTED - sum(tally.asked.total() for tally in tallies.values())
            tallies[name] = check(log, left // (len(RECORDED) - len(tallies)))
    for name, tally in tallies.items():
        print(f"{name}: {dict(tally.asked)} {dict(tally.types)} refused {dict(tally.refused)}")  # noqa: T201
    asked = sum((tally.asked for tally in tallies.values()), Counter[str]())
    print(f"{asked.total()} pairs asked, all equal: {dict(asked)}")  # noqa: T201
    assert asked.total() == WANTED
    assert asked["through the vault"] >= 10
    assert len(set().union(*(tally.types for tally in tallies.values()))) >= 7
