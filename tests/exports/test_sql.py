"""Programs as SQL: on real engines the query gives the answer; nothing in a log can break out of its quotes."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from tests.building import session
from tests.postgres_server import postgres_address
from trajectory_compiler.dataflow.program import (
    Bridge,
    Call,
    Change,
    Changes,
    Condition,
    Count,
    Difference,
    Distinct,
    Expression,
    Extract,
    Field,
    Get,
    Item,
    Literal,
    Program,
    StateAt,
    Sum,
    Target,
    Walk,
    encode,
)
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.sql import DialectName, Origin, sql_of
from trajectory_compiler.model import Pair, Proof, Trajectory, canonical, json_text
from trajectory_compiler.sources.columns import Role
from trajectory_compiler.verification import ABSTENTION

__all__ = ["postgres_address"]
Ask = Callable[[str], list[tuple[Any, ...]]]
ROLES: tuple[Role, ...] = ("id", "session_id", "created_at", "agent", "tool", "arguments", "response")
ORIGIN = Origin(table="audit log", columns={role: f"{role} of row" for role in ROLES})
ODD = 'O\'Brien; DROP TABLE x; --\n"quoted" \\ 100%_'
SESSION = session(
    ("respond", {"content": "hi"}, "I need order O-1"),
    ("get_order", {"order_id": "O-1", "shop": 5}, {"customer": "C-9", "price": 12.5, "state": "open", "paid": False}),
    ("get_order", {"order_id": "O-2", "shop": 5.0}, {"customer": "C-8", "price": 30, "state": "open", "paid": True}),
    ("get_customer", {"customer_id": "C-9"}, {"city": "Leeds", "names": ["Ann", ODD]}),
    ("ship", {"order_id": "O-1", "path": "/data/out/label.pdf"}, "shipped"),
    ("get_order", {"order_id": "O-1", "shop": "5"}, {"customer": "C-9", "price": 12.5, "state": "shipped", "paid": True}),
    (
        "note",
        {"about": ODD},
        {"kept": "yes", "lines": [{"sku": "K-1", "due": {"day": "tue"}}, {"sku": 5, "due": {"day": "fri"}}]},
    ),
    ("reserve", {"skus": ["K-1", "5.0"]}, {"done": [[{"sku": "K-1", "dock": "north"}], {"sku": "K-7", "dock": "south"}]}),
    ("get_order", {"order_id": "O-1", "shop": 6}, {"customer": "C-9", "price": 11, "state": "closed", "paid": True}),
    session_id="it's s-1",
)
PRICE, STATE, PAID = (Field(path=f"/response/{key}") for key in ("price", "state", "paid"))
ORDER = Call(name="A", tool="get_order", pick="all")


def where(path: str, value: str, op: Any = "eq") -> tuple[Condition, ...]:
    """Return one condition on a literal."""
    return (Condition(path=path, op=op, value=Literal(value)),)


def order(pick: Any, name: str = "A", **more: Any) -> Call:
    """Return a call node for looking up order O-1."""
    return Call(name=name, tool="get_order", pick=pick, where=where("/arguments/order_id", "O-1"), **more)


def pair_of(
    answer: Expression, expected: str, *calls: Call, until: Target | None = None, withheld: tuple[int, ...] = ()
) -> Pair:
    """Return a pair with this program and answer."""
    program = Program(version=1, family="composition", calls=calls, answer=answer, until=until)
    return Pair(
        id="p" * 32,
        source="log",
        session_id=SESSION.session_id,
        trajectory_digest=SESSION.digest,
        qa_type="composition",
        program=msgspec.Raw(encode(program)),
        question="What\n was it?",
        answer=expected,
        answer_type="text",
        evidence=(),
        supporting_turns=(),
        row_ids=(),
        hops=1,
        width=1,
        span_turns=1,
        proof=Proof(gates={}),
        withheld_turns=withheld,
    )


CASES: dict[str, Pair] = {
    "get of one described call": pair_of(
        Get("A", Field(path="/response/city")), "Leeds", Call(name="A", tool="get_customer", pick="only")
    ),
    "two hops": pair_of(
        Get("B", Field(path="/response/city")),
        "Leeds",
        order("first"),
        Call(
            name="B",
            tool="get_customer",
            pick="only",
            where=(Condition(path="/arguments/customer_id", op="eq", value=Bridge("A", Field(path="/response/customer"))),),
        ),
    ),
    "count": pair_of(Count("A"), "4", ORDER),
    "count of any tool": pair_of(
        Count("A"), "4", Call(name="A", tool=None, pick="all", where=where("/arguments/order_id", "O-1"))
    ),
    "a number is one value however it is written": pair_of(
        Count("A"), "3", Call(name="A", tool="get_order", pick="all", where=where("/arguments/shop", "5"))
    ),
    "a truth value": pair_of(
        Count("A"), "3", Call(name="A", tool="get_order", pick="all", where=where("/response/paid", "true"))
    ),
    "sum": pair_of(Sum("A", PRICE), "66", ORDER),
    "distinct": pair_of(Distinct("A", STATE), "3", ORDER),
    "distinct tools": pair_of(Distinct("A", Field(path="/tool")), "5", Call(name="A", tool=None, pick="all")),
    "difference": pair_of(Difference(Get("A", PRICE), Get("B", PRICE)), "1.5", order("first"), order("last", "B")),
    "change": pair_of(Change(Get("A", STATE), Get("B", STATE)), "open -> closed", order("first"), order("last", "B")),
    "change of a truth value": pair_of(
        Change(Get("A", PAID), Get("B", PAID)), "false -> true", order("first"), order("last", "B")
    ),
    "state": pair_of(StateAt("A", STATE, 2), "shipped", order("all")),
    "changes": pair_of(Changes("A", STATE), "2", order("all")),
    "last before": pair_of(
        Get("A", STATE),
        "open",
        Call(name="X", tool="ship", pick="only"),
        Call(name="A", tool="get_order", pick="last", before="X"),
    ),
    "first after": pair_of(
        Get("A", STATE),
        "shipped",
        Call(name="X", tool="ship", pick="only"),
        Call(name="A", tool="get_order", pick="first", after="X"),
    ),
    "the second of them": pair_of(Get("A", STATE), "shipped", order("nth", k=2)),
    "the dearest": pair_of(
        Get("A", Field(path="/arguments/order_id")), "O-2", Call(name="A", tool="get_order", pick="max", by=PRICE)
    ),
    "the end of a path": pair_of(
        Count("A"), "1", Call(name="A", tool="ship", pick="all", where=where("/arguments/path", "label.pdf", "ends"))
    ),
    "a whole text": pair_of(Get("A", Field(path="/response")), "shipped", Call(name="A", tool="ship", pick="only")),
    "an item of a list, and text full of quotes": pair_of(
        Get("A", Field(path="/response/names/1")), ODD, Call(name="A", tool="get_customer", pick="only")
    ),
    "odd text as a literal": pair_of(
        Get("A", Field(path="/response/kept")),
        "yes",
        Call(name="A", tool="note", pick="only", where=where("/arguments/about", ODD)),
    ),
    "the agent": pair_of(Count("A"), "4", Call(name="A", tool="get_order", pick="all", where=where("/agent", "clerk"))),
    "a record that a literal names": pair_of(
        Get("A", Field(path="/due/day", item=Item(key="sku", value=Literal("5")))),
        "fri",
        Call(name="A", tool="note", pick="only"),
    ),
    "a record that another call names": pair_of(
        Get("A", Field(path="/due/day", item=Item(key="sku", value=Bridge("B", Field(path="/arguments/skus/0"))))),
        "tue",
        Call(name="B", tool="reserve", pick="only"),
        Call(name="A", tool="note", pick="only"),
    ),
    "a record deep inside": pair_of(
        Get("A", Field(path="/dock", item=Item(key="sku", value=Literal("K-1")))),
        "north",
        Call(name="A", tool="reserve", pick="only"),
    ),
    "a context that ends": pair_of(
        Get("A", STATE),
        "open",
        Call(name="A", tool="get_order", pick="last"),
        Call(name="X", tool="ship", pick="nth", k=1),
        until=Target("X", Field(path="/arguments/order_id")),
    ),
}


def rows(trajectory: Trajectory) -> list[tuple[Any, ...]]:
    """Return the turns as rows of text in the order of `ROLES`, shuffled, with JSON as text."""
    made = [
        (turn.row_id, trajectory.session_id, turn.created_at, turn.agent, turn.tool, json_text(turn.arguments), turn.response)
        for turn in trajectory.turns
    ]
    other = ("r99", "s-2", "2026-01-01T00:00:00Z", "clerk", "get_order", '{"order_id":"O-1"}', {"state": "other session"})
    return [*reversed(made), other]


@pytest.fixture
def sqlite_ask() -> Ask:
    """Return a way to query a SQLite table of the session; plain text responses are not JSON there."""
    connection = sqlite3.connect(":memory:")
    connection.execute(f'CREATE TABLE "audit log" ({", ".join(f"{chr(34)}{role} of row{chr(34)} TEXT" for role in ROLES)})')
    connection.executemany(
        'INSERT INTO "audit log" VALUES (?, ?, ?, ?, ?, ?, ?)', [(*row[:6], json_text(row[6])) for row in rows(SESSION)]
    )
    return lambda query: list(connection.execute(query))


@pytest.fixture
def postgres_ask(postgres_address: str) -> Ask:
    """Return a way to query a PostgreSQL table of the session with jsonb columns."""
    psycopg = pytest.importorskip("psycopg")
    connection = psycopg.connect(postgres_address, autocommit=True)
    types = {"created_at": "timestamptz", "arguments": "jsonb", "response": "jsonb"}
    columns = ", ".join(f'"{role} of row" {types.get(role, "text")}' for role in ROLES)
    connection.execute(f'CREATE TABLE "audit log" ({columns})')
    with connection.cursor() as cursor:
        cursor.executemany(
            'INSERT INTO "audit log" VALUES (%s, %s, %s, %s, %s, %s, %s)',
            [(*row[:6], msgspec.json.encode(row[6]).decode()) for row in rows(SESSION)],
        )
    return lambda query: list(connection.execute(query))


def answer(ask: Ask, pair: Pair, dialect: DialectName) -> str | None:
    """Run a pair's query and return its answer as programs print values."""
    found = ask(sql_of(pair, SESSION, ORIGIN, dialect))
    assert len(found) <= 1
    values = [float(value) if type(value).__name__ == "Decimal" else value for row in found for value in row]
    return " -> ".join(canonical(value) or "" for value in values) if values else None


@pytest.mark.parametrize("case", CASES)
def test_sqlite_gives_the_answer(sqlite_ask: Ask, case: str) -> None:
    """The query of each kind of program, run on a SQLite table, gives the pair's answer."""
    assert answer(sqlite_ask, CASES[case], "sqlite") == CASES[case].answer


@pytest.mark.parametrize("case", CASES)
def test_postgres_gives_the_answer(postgres_ask: Ask, case: str) -> None:
    """The same on PostgreSQL with jsonb columns."""
    assert answer(postgres_ask, CASES[case], "postgres") == CASES[case].answer


CUSTOMER = Call(name="A", tool="get_customer", pick="only")
UNDEFINED: dict[str, Pair] = {
    "get": pair_of(Get("A", Field(path="/response/city")), ABSTENTION, CUSTOMER, withheld=(3,)),
    "count": pair_of(Count("B"), ABSTENTION, CUSTOMER, order("all", "B", after="A"), withheld=(3,)),
    "sum": pair_of(Sum("B", PRICE), ABSTENTION, CUSTOMER, order("all", "B", after="A"), withheld=(3,)),
    "difference": pair_of(
        Difference(Get("A", PRICE), Get("B", PRICE)), ABSTENTION, CUSTOMER, order("first", "B"), withheld=(3,)
    ),
    "change": pair_of(Change(Get("A", STATE), Get("B", STATE)), ABSTENTION, CUSTOMER, order("first", "B"), withheld=(3,)),
}


@pytest.mark.parametrize("case", UNDEFINED)
def test_an_unanswerable_pair_gives_no_row(sqlite_ask: Ask, case: str) -> None:
    """With the withheld row left out the query finds nothing, where SQL would by itself give 0 or NULL, too."""
    assert answer(sqlite_ask, UNDEFINED[case], "sqlite") is None


@pytest.mark.parametrize("case", UNDEFINED)
def test_an_unanswerable_pair_gives_no_row_on_postgres(postgres_ask: Ask, case: str) -> None:
    """The same on PostgreSQL."""
    assert answer(postgres_ask, UNDEFINED[case], "postgres") is None


def test_the_rows_of_a_query_serve_as_a_table(sqlite_ask: Ask) -> None:
    """A log that was read by a query is asked through that query."""
    origin = msgspec.structs.replace(ORIGIN, table="", query='SELECT * FROM "audit log" WHERE 1;')
    assert sqlite_ask(sql_of(CASES["count"], SESSION, origin, "sqlite")) == [(4,)]


def test_a_table_without_stamp_and_id_is_read_in_its_own_order(sqlite_ask: Ask) -> None:
    """SQLite numbers rows by itself; PostgreSQL does not, and is refused."""
    columns = {role: column for role, column in ORIGIN.columns.items() if role not in ("id", "created_at")}
    origin = msgspec.structs.replace(ORIGIN, columns=columns)
    assert sqlite_ask(sql_of(CASES["count"], SESSION, origin, "sqlite")) == [(4,)]
    with pytest.raises(InputError, match="neither a stamp nor an id"):
        sql_of(CASES["count"], SESSION, origin, "postgres")


def test_a_redacted_answer_is_announced() -> None:
    """The query gives the original value where the pair shows a pseudonym; its second line says so, in every dialect."""
    pair = msgspec.structs.replace(CASES["two hops"], answer="<PERSON_1>")
    lines = sql_of(pair, SESSION, ORIGIN, "sqlite").splitlines()
    assert lines[0] == f"-- pair {'p' * 32}: What was it?"
    assert lines[1] == "-- The answer was redacted: this gives the original value."


REFUSED: dict[str, tuple[Pair, str]] = {
    "running text": (pair_of(Get("A", Field(path="/response", extract=Extract(kind="exit_code"))), "1", ORDER), "running text"),
    "anywhere": (
        pair_of(Count("A"), "1", Call(name="A", tool="get_order", pick="all", where=where("/response", "C-9", "has"))),
        "anywhere",
    ),
    "failures": (pair_of(Count("A"), "1", Call(name="A", tool="get_order", pick="all", ok=False)), "which calls failed"),
    "walk": (pair_of(Walk("A", "/response", "/arguments/x", 2, STATE), "[]", ORDER), "call to call"),
    "redacted": (
        pair_of(Count("A"), "1", Call(name="A", tool="mail", pick="all", where=where("/arguments/to", "<EMAIL_1>"))),
        "redacted",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
@pytest.mark.parametrize("dialect", ["sqlite", "postgres"])
def test_what_is_not_one_query_is_refused_with_its_reason(case: str, dialect: DialectName) -> None:
    """Extractors, searches, outcomes, walks and redacted text end in one sentence."""
    pair, reason = REFUSED[case]
    with pytest.raises(InputError, match=reason):
        sql_of(pair, SESSION, ORIGIN, dialect)


def test_a_missing_column_is_named() -> None:
    """Where no column is known to hold the responses the sentence says which option names it."""
    origin = msgspec.structs.replace(ORIGIN, columns={"session_id": "s", "tool": "t", "arguments": "a"})
    with pytest.raises(InputError, match="--column response=NAME"):
        sql_of(CASES["count"], SESSION, origin, "sqlite")
