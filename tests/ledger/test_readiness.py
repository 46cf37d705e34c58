"""The verdicts of a readiness report follow from what was seen, and each that is not `ready` says what to do."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from trajectory_compiler.ledger.attempts import Attempt, Index, Outcome, TableFacts
from trajectory_compiler.ledger.readiness import Check, LogFacts, readiness

COLUMNS = ("id", "session_id", "created_at", "agent", "tool", "arguments", "response", "success")
LOG = LogFacts(
    rows=1_000,
    lost_rows=0,
    sessions=100,
    qualified=80,
    min_turns=6,
    turns=900,
    median_turns=11,
    columns={name: (name, 1.0) for name in COLUMNS},
)
INDEXES = (Index(columns=("id",), unique=True), Index(columns=("session_id", "created_at", "id"), unique=False))


def table(update: Outcome, delete: Outcome, **more: Any) -> TableFacts:
    """Return a table of PostgreSQL on which this was tried."""
    attempts = (Attempt(what="UPDATE", outcome=update), Attempt(what="DELETE", outcome=delete))
    given: dict[str, Any] = {"database": "PostgreSQL", "login": "me", "owner": "boss", "indexes": INDEXES, "attempts": attempts}
    return TableFacts(table="public.calls", **(given | more))


GUARDED = table("guard", "guard")


def check(name: str, facts: TableFacts | None = GUARDED, **log: Any) -> Check:
    """Return one check of a log that is as it should be but for `log`."""
    checks = {found.name: found for found in readiness(facts, msgspec.structs.replace(LOG, **log))}
    return checks[name]


def test_a_good_table_is_ready_in_every_respect() -> None:
    """Guards, columns, times, indexes and enough sessions: seven verdicts, all ready."""
    assert {found.verdict for found in readiness(GUARDED, LOG)} == {"ready"}
    assert len(readiness(GUARDED, LOG)) == 7


@pytest.mark.parametrize(
    ("facts", "verdict", "said", "action"),
    [
        (table("guard", "ignored"), "ready", "whatever the rights", "ledger seal"),
        (table("done", "guard"), "missing", "UPDATE went through, DELETE refused", "add triggers"),
        (table("done", "done", superuser=True), "missing", "is a superuser", "add triggers"),
        (table("right", "right"), "partly", "the owner, boss, can change rows", "triggers"),
        (table("right", "right", owner_logs_in=True), "partly", "boss, can change", "cannot log in (boss can)"),
        (
            table("right", "right", changers=("app", "PUBLIC")),
            "missing",
            "Roles that may change rows: app, PUBLIC",
            "FROM app, PUBLIC;",
        ),
        (table("right", "right", triggers=True), "partly", "this login cannot try them", "as the owner, boss"),
        (table("right", "right", ledger=True, triggers=True), "ready", "a ledger of trajc ledger init", "seal"),
        (table("untold", "untold", ledger=True), "ready", "It is a ledger of trajc ledger init", "seal"),
        (table("untold", "untold"), "unknown", "Nothing could be tried", ""),
        (table("right", "right", attempts=()), "unknown", "a server that takes no writes", ""),
        (table("guard", "guard", database="SQLite"), "partly", "can still drop the triggers", "keep the checkpoints elsewhere"),
        (table("done", "done", database="SQLite"), "missing", "SQLite has no roles", "Add triggers"),
        (None, "unknown", "no table to try it on", "Seal it"),
    ],
)
def test_append_only(facts: TableFacts | None, verdict: str, said: str, action: str) -> None:
    """What went through is worse than who could; rights alone leave the owner; a file is nobody's to guard."""
    if facts is not None and facts.database == "SQLite":
        facts = msgspec.structs.replace(facts, login="")
    found = check("append-only", facts)
    assert (found.verdict, said in found.found, action in found.do) == (verdict, True, True), found


def test_truncate_is_judged_and_not_tried() -> None:
    """A right to truncate shows as such: trying it would lock the table."""
    attempts = (*GUARDED.attempts, Attempt(what="TRUNCATE", outcome="done"))
    found = check("append-only", msgspec.structs.replace(GUARDED, attempts=attempts))
    assert found.verdict == "missing"
    assert "UPDATE refused, DELETE refused. TRUNCATE would be allowed (judged by rights" in found.found


def test_columns() -> None:
    """A missing needed column and a guess are named with the option; without arguments and response nothing can be asked."""
    without = {name: served for name, served in LOG.columns.items() if name not in ("created_at", "success")}
    found = check("columns", columns=without)
    assert (found.verdict, found.do) == ("partly", "Name it: --column created_at=NAME.")
    assert "Nothing serves created_at." in found.found
    assert "It would help to have success." in found.found
    assert "Guessed: tool (action)" in check("columns", columns=LOG.columns | {"tool": ("action", 0.6)}).found
    bare = {name: (name, 1.0) for name in ("session_id", "tool", "created_at")}
    assert check("columns", columns=bare).verdict == "missing"


def test_sessions() -> None:
    """A session a row is the wrong column; many lost rows are a reason to look; too few sessions are too few."""
    assert check("sessions", sessions=1_000).verdict == "missing"
    assert check("sessions", lost_rows=51).verdict == "partly"
    assert check("sessions", lost_rows=50).verdict == "ready"
    assert [check("sessions that qualify", qualified=number).verdict for number in (0, 19, 20)] == [
        "missing",
        "partly",
        "ready",
    ]
    assert "lower --min-turns" in check("sessions that qualify", qualified=0).do


def test_times() -> None:
    """Stamps that are missing, shared, or at odds with the rows' numbers are counted in parts of a hundred."""
    assert check("times").found == "All 900 rows have a stamp, nearly all their own."
    shared = check("times", equal_stamps=450)
    assert (shared.verdict, "50% with the stamp of the row before" in shared.found) == ("partly", True)
    assert "fractions of a second" in shared.do
    assert check("times", equal_stamps=100).verdict == "ready"
    disordered = check("times", out_of_order=100)
    assert (disordered.verdict, "back-dated" in disordered.do) == ("partly", True)
    assert check("times", without_stamp=300).verdict == "partly"
    assert check("times", columns={}).verdict == "missing"
    assert check("times", turns=0).verdict == "unknown"


def test_payloads() -> None:
    """A wall of equal lengths is named with its length; rows that say that they were cut are counted."""
    found = check("payloads", cut_fields=("response at 500 characters",))
    assert (found.verdict, "response at 500 characters" in found.found) == ("partly", True)
    assert [check("payloads", cut_rows=number).verdict for number in (45, 46)] == ["ready", "partly"]
    assert "46 rows say that they were cut" in check("payloads", cut_rows=46).found


def test_indexes() -> None:
    """What is missing is given as SQL in the database's own words; an index that serves is not asked for again."""
    bare = check("indexes", msgspec.structs.replace(GUARDED, indexes=()))
    assert bare.verdict == "partly"
    assert "CREATE INDEX CONCURRENTLY ON public.calls (session_id, created_at, id);" in bare.do
    assert "CREATE UNIQUE INDEX CONCURRENTLY ON public.calls (id);" in bare.do
    only_id = check("indexes", msgspec.structs.replace(GUARDED, indexes=INDEXES[:1]))
    assert "UNIQUE" not in only_id.do
    file = check("indexes", msgspec.structs.replace(GUARDED, indexes=(), database="SQLite"))
    assert "CREATE INDEX by_session ON public.calls" in file.do
    no_unique = check("indexes", msgspec.structs.replace(GUARDED, indexes=INDEXES[1:]))
    assert (no_unique.verdict, "sorts" in no_unique.found) == ("partly", False)
    assert check("indexes", None).verdict == "unknown"
