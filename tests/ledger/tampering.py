"""Eight kinds of tampering with a sealed table, by somebody who owns the database, each with what `verify` must say."""

from __future__ import annotations

import random
from collections.abc import Callable

from tests.ledger.sealed import SealedLog
from trajectory_compiler.ledger.rows import RowId

Named = set[tuple[str, RowId]]
Tamper = Callable[[SealedLog, random.Random], Named]
_MINUTES_BACK = (1, 60, 60 * 24 * 400)


def edit_payload(log: SealedLog, chance: random.Random) -> Named:
    """Change what a tool gave back."""
    row_id = chance.choice(log.ids())
    log.update(row_id, "response", f'{{"forged": {chance.random()}}}')
    return {("edited", row_id)}


def edit_field(log: SealedLog, chance: random.Random) -> Named:
    """Change who did what, or what it cost; or take a value away."""
    row_id = chance.choice(log.ids())
    column, value = chance.choice(
        (("agent", "somebody"), ("tool", "nothing"), ("session_id", "s-none"), ("cost_usd", 77.25), ("arguments", None))
    )
    log.update(row_id, column, value)
    return {("edited", row_id)}


def back_date(log: SealedLog, chance: random.Random) -> Named:
    """Give a row an earlier time."""
    row_id = chance.choice(log.ids())
    minutes = chance.choice(_MINUTES_BACK)
    if log.is_postgres:
        log.execute(f"UPDATE {log.table} SET created_at = created_at - interval '{minutes} minutes' WHERE id = %s", [row_id])
    else:
        earlier = f"strftime('%Y-%m-%dT%H:%M:%fZ', created_at, '-{minutes} minutes')"
        log.execute(f"UPDATE {log.table} SET created_at = {earlier} WHERE id = ?", [row_id])
    return {("back-dated", row_id)}


def delete(log: SealedLog, chance: random.Random) -> Named:
    """Delete rows that others follow."""
    chosen = chance.sample(log.ids()[:-1], chance.choice((1, 1, 3)))
    for row_id in chosen:
        log.delete(row_id)
    return {("deleted", row_id) for row_id in chosen}


def cut_off(log: SealedLog, chance: random.Random) -> Named:
    """Delete the last rows, or all of them."""
    ids = log.ids()
    chosen = ids[-chance.choice((1, 2, 7, len(ids))) :]
    for row_id in chosen:
        log.delete(row_id)
    return {("cut-off", row_id) for row_id in chosen}


def back_insert(log: SealedLog, chance: random.Random) -> Named:
    """Slip a row in below the sealed ones: in a gap, at zero, below zero; with a time of the past."""
    number = chance.randrange(1, len(log.ids()) - 1)
    row_id: RowId = chance.choice((number * 3 + 1, 0, -1, -(10**12), number * 3 + 2))
    if log.is_text:
        row_id = f"row-slipped-{chance.random()}"
    values = log.values(row_id, number, chance)
    if log.kind == "postgres-own" and chance.random() < 0.5:
        values["transaction_id"] = "3"
    log.insert(values)
    return {("back-inserted", row_id)}


def insert_again(log: SealedLog, chance: random.Random) -> Named:
    """Take a row out and put its content back under another id and time."""
    row_id = chance.choice(log.ids())
    log.delete(row_id)
    new = "'row-again'" if log.is_text else chance.choice((10**9 + chance.randrange(10**6), -7, 1))
    stamp = chance.choice(("2026-02-01T00:00:30Z", "2026-03-02T09:00:00Z"))
    moment = f"'{stamp}'::timestamptz" if log.is_postgres else f"'{stamp}'"
    names = ", ".join(name for name in log.columns if name not in ("id", "created_at", "transaction_id"))
    overriding = "OVERRIDING SYSTEM VALUE " if log.kind == "postgres-own" else ""
    log.execute(
        f"INSERT INTO {log.table} (id, created_at, {names}) {overriding}"
        f"SELECT {new}, {moment}, {names} FROM kept WHERE id = {log.mark}",
        [row_id],
    )
    return {("re-inserted", row_id)}


def exchange(log: SealedLog, chance: random.Random) -> Named:
    """Let two rows change places: every value stays in the table, under the other's id."""
    one, other = chance.sample(log.ids(), 2)
    names = [name for name in log.columns if name not in ("id", "created_at", "transaction_id", "idempotency_key")]
    swap = ", ".join(f"{name} = kept.{name}" for name in names)
    pair = f"({log.table}.id = {log.mark} AND kept.id = {log.mark})"
    log.execute(f"UPDATE {log.table} SET {swap} FROM kept WHERE {pair} OR {pair}", [one, other, other, one])
    return {("edited", one), ("edited", other)}


KINDS: tuple[Tamper, ...] = (edit_payload, edit_field, back_date, delete, cut_off, back_insert, insert_again, exchange)
