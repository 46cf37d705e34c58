"""How ready an audit table is to be compiled and to be believed: one verdict a question, with what was seen and what to do."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from trajectory_compiler.ledger.attempts import Attempt, Index, TableFacts

Verdict = Literal["ready", "partly", "missing", "unknown"]
SURE = 0.7
ENOUGH_SESSIONS = 20
_NEEDED = ("session_id", "tool", "created_at", "arguments", "response")
_USEFUL = ("id", "agent", "success")
_HELD = {"right": "refused, this login lacks the right", "guard": "refused", "ignored": "had no effect", "untold": "not tried"}


class Check(msgspec.Struct, frozen=True, kw_only=True):
    """One question about a log: the verdict, what was seen, and what to do where it is not `ready`."""

    name: str
    verdict: Verdict
    found: str
    do: str = ""


class LogFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass over a log found. `columns` gives (column, confidence) by role; the stamps are of sessions that qualify.

    `equal_stamps` counts rows with the stamp of the row before, `out_of_order` rows whose number contradicts their stamp.
    `cut_fields` names fields whose values end at one length, `cut_rows` counts rows that say themselves that they were cut.
    """

    rows: int
    lost_rows: int
    sessions: int
    qualified: int
    min_turns: int
    turns: int
    median_turns: int
    columns: dict[str, tuple[str, float]]
    without_stamp: int = 0
    equal_stamps: int = 0
    out_of_order: int = 0
    cut_fields: tuple[str, ...] = ()
    cut_rows: int = 0


def readiness(table: TableFacts | None, log: LogFacts) -> tuple[Check, ...]:
    """Judge a log. `table` is None where there is no table to try: a file, a query, a view."""
    return (
        _append_only(table),
        _columns(log),
        _sessions(log),
        _times(log),
        _payloads(log),
        _indexes(table, log),
        _enough(log),
    )


def _append_only(table: TableFacts | None) -> Check:
    name = "append-only"
    if table is None:
        return Check(
            name=name,
            verdict="unknown",
            found="There is no table to try it on: whoever may write a file can change it.",
            do="Seal it: trajc ledger seal. Or name the table with --table.",
        )
    seen = _tried(table.attempts)
    if any(attempt.outcome == "done" for attempt in table.attempts):
        return Check(name=name, verdict="missing", found=f"{seen} {_who(table)}", do=_close(table))
    untold = not table.attempts or all(attempt.outcome == "untold" for attempt in table.attempts if attempt.what != "TRUNCATE")
    if table.ledger:
        found = f"{'' if untold else f'{seen} '}It is a ledger of trajc ledger init, and all its guards stand."
        return Check(name=name, verdict="ready", found=found, do="A seal finds what a superuser does: trajc ledger seal.")
    if untold:
        return Check(name=name, verdict="unknown", found="Nothing could be tried: no row, or a server that takes no writes.")
    if table.database == "SQLite":
        found = f"{seen} Whoever may write the file can still drop the triggers."
        return Check(
            name=name, verdict="partly", found=found, do="Seal it and keep the checkpoints elsewhere: trajc ledger seal."
        )
    by_guard = all(attempt.outcome in ("guard", "ignored") for attempt in table.attempts)
    if by_guard:
        found = f"{seen} Guards refused it, whatever the rights. {_who(table)}"
        return Check(name=name, verdict="ready", found=found, do="A seal finds what a superuser does: trajc ledger seal.")
    if table.changers:
        return Check(name=name, verdict="missing", found=f"{seen} {_who(table)}", do=_close(table))
    if table.triggers:
        found = f"{seen} No other role has the right. Triggers stand before UPDATE and DELETE, but this login cannot try them."
        return Check(
            name=name, verdict="partly", found=found, do=f"Inspect it once as the owner, {table.owner}, to try the triggers."
        )
    found = f"{seen} No other role has the right, but the owner, {table.owner}, can change rows."
    action = f"Add triggers that refuse the owner, too, or give the table to a role that cannot log in ({table.owner} can)."
    if not table.owner_logs_in:
        action = "Add triggers that refuse the owner, too; or seal it: trajc ledger seal."
    return Check(name=name, verdict="partly", found=found, do=action)


def _tried(attempts: tuple[Attempt, ...]) -> str:
    told = [
        f"{attempt.what} {_HELD.get(attempt.outcome, 'went through')}" for attempt in attempts if attempt.what != "TRUNCATE"
    ]
    allowed = any(attempt.what == "TRUNCATE" and attempt.outcome == "done" for attempt in attempts)
    more = " TRUNCATE would be allowed (judged by rights: it locks the table)." if allowed else ""
    return f"Tried on one row and rolled back: {', '.join(told)}.{more}"


def _who(table: TableFacts) -> str:
    if table.database == "SQLite":
        return "SQLite has no roles: this holds for everybody who may write the file."
    what = "a superuser" if table.superuser else "of the owner's role" if table.owns else "neither owner nor superuser"
    others = f" Roles that may change rows: {_few(table.changers)}." if table.changers else ""
    return f"This login, {table.login}, is {what}.{others}"


def _close(table: TableFacts) -> str:
    if table.database == "SQLite":
        return "Add triggers, as trajc ledger init --print shows them; or start a ledger and import: trajc ledger import."
    revoke = f"REVOKE UPDATE, DELETE, TRUNCATE ON {table.table} FROM {', '.join(table.changers)}; " if table.changers else ""
    return f"{revoke}add triggers as trajc ledger init --print shows them; until then, seal it: trajc ledger seal."


def _columns(log: LogFacts) -> Check:
    missing = [role for role in _NEEDED if role not in log.columns]
    guesses = [f"{role} ({log.columns[role][0]})" for role in _NEEDED if role in log.columns and log.columns[role][1] < SURE]
    absent = [role for role in _USEFUL if role not in log.columns]
    found = [f"{len(log.columns)} columns serve a role."]
    if missing:
        found.append(f"Nothing serves {', '.join(missing)}.")
    if guesses:
        found.append(f"Guessed: {', '.join(guesses)}.")
    if absent:
        found.append(f"It would help to have {', '.join(absent)}.")
    role = next((role for role in _NEEDED if role not in log.columns or log.columns[role][1] < SURE), "")
    return Check(
        name="columns",
        verdict="missing" if {"arguments", "response"} <= set(missing) else "partly" if missing or guesses else "ready",
        found=" ".join(found),
        do=f"Name it: --column {role}=NAME." if role else "",
    )


def _sessions(log: LogFacts) -> Check:
    found = f"{log.rows:,} rows in {log.sessions:,} sessions."
    if log.lost_rows:
        found += f" {log.lost_rows:,} rows cannot be used."
    if log.sessions == log.rows > 1:
        return Check(
            name="sessions",
            verdict="missing",
            found=f"{found} Every row is a session of its own.",
            do="Name the column that keeps a session together: --column session_id=NAME.",
        )
    many = log.lost_rows > log.rows // 20
    action = "See what was left out and why, above." if many else ""
    return Check(name="sessions", verdict="partly" if many or not log.rows else "ready", found=found, do=action)


def _times(log: LogFacts) -> Check:
    if "created_at" not in log.columns:
        action = "Name the column: --column created_at=NAME. Without one, no question asks what came first."
        return Check(name="times", verdict="missing", found="No column holds time stamps.", do=action)
    if not log.turns:
        return Check(name="times", verdict="unknown", found="No session qualifies, so no stamps were compared.")
    shares = {
        "without a usable stamp": log.without_stamp,
        "with the stamp of the row before": log.equal_stamps,
        "whose id contradicts their stamp": log.out_of_order,
    }
    told = [f"{100 * number / log.turns:.0f}% {what}" for what, number in shares.items() if number * 100 >= log.turns]
    found = (
        f"Of {log.turns:,} rows: {', '.join(told)}." if told else f"All {log.turns:,} rows have a stamp, nearly all their own."
    )
    poor = max(log.without_stamp, log.equal_stamps) * 5 > log.turns or log.out_of_order * 20 > log.turns
    action = "Write stamps with fractions of a second; rows of one stamp are asked no question about order." if told else ""
    if log.out_of_order * 100 >= log.turns:
        action = (
            "Rows arrived out of order or were back-dated: keep the time of writing, set by the database, beside the call's."
        )
    return Check(name="times", verdict="partly" if poor else "ready", found=found, do=action)


def _payloads(log: LogFacts) -> Check:
    said = f" {log.cut_rows:,} rows say that they were cut." if log.cut_rows else ""
    if not log.cut_fields:
        found = f"No field ends at a wall of equal lengths.{said}"
        few = log.cut_rows * 20 <= log.turns
        return Check(
            name="payloads", verdict="ready" if few else "partly", found=found, do="" if few else "Raise the writer's limit."
        )
    return Check(
        name="payloads",
        verdict="partly",
        found=f"Values seem cut: {_few(log.cut_fields)}.{said}",
        do="Log them whole, or say in a column that a row was cut; questions rest on half the text.",
    )


def _indexes(table: TableFacts | None, log: LogFacts) -> Check:
    if table is None:
        return Check(name="indexes", verdict="unknown", found="There is no table to index.")
    order = [log.columns[role][0] for role in ("session_id", "created_at", "id") if role in log.columns]
    advice = list(_advice(table, order, log))
    if not advice:
        return Check(name="indexes", verdict="ready", found=f"{len(table.indexes)} indexes serve reading by session and by id.")
    sorts = not any(_serves(index, order[:2]) for index in table.indexes)
    lack = "reading by session sorts the whole table" if sorts else "nothing keeps the ids unique"
    found = f"{len(table.indexes)} indexes; {lack}."
    return Check(name="indexes", verdict="partly", found=found, do=" ".join(advice))


def _advice(table: TableFacts, order: list[str], log: LogFacts) -> Iterator[str]:
    how = "CREATE INDEX CONCURRENTLY" if table.database == "PostgreSQL" else "CREATE INDEX"
    if not any(_serves(index, order[:2]) for index in table.indexes):
        named = "" if table.database == "PostgreSQL" else " by_session"
        yield f"{how}{named} ON {table.table} ({', '.join(order)});"
    if "id" in log.columns and not any(index.unique and index.columns == (log.columns["id"][0],) for index in table.indexes):
        named = "" if table.database == "PostgreSQL" else " by_id"
        yield f"{how.replace('INDEX', 'UNIQUE INDEX', 1)}{named} ON {table.table} ({log.columns['id'][0]});"


def _serves(index: Index, order: list[str]) -> bool:
    columns = index.columns if index.sorts is None else index.sorts
    return list(columns[: len(order)]) == order


def _enough(log: LogFacts) -> Check:
    found = f"{log.qualified:,} of {log.sessions:,} sessions have {log.min_turns} turns or more"
    found += f"; the median of them has {log.median_turns:,}." if log.qualified else "."
    verdict: Verdict = "ready" if log.qualified >= ENOUGH_SESSIONS else "partly" if log.qualified else "missing"
    action = "" if verdict == "ready" else "Collect more, or lower --min-turns."
    return Check(name="sessions that qualify", verdict=verdict, found=found, do=action)


def _few(names: tuple[str, ...]) -> str:
    more = len(names) - 4
    return ", ".join(names[:4]) + (f" and {more} more" if more > 0 else "")
