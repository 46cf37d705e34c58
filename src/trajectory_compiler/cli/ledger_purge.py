"""`trajc ledger purge`: remove the payload of rows by lawful order, and leave a record."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler.cli import ledger_options as sealing
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import counted, print_json, say, warn
from trajectory_compiler.cli.who import actor
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.note import read_signer
from trajectory_compiler.ledger.purge import PurgeOrder, keep_signed, purge
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_table
from trajectory_compiler.store.clock import utc_now
from trajectory_compiler.store.lock import run_lock


@click.command(
    name="purge",
    epilog=shared.example(
        'trajc ledger purge postgresql://officer@host/db 5 7 --reference "request 2026-17" --reason "erasure, article 17"',
    ),
)
@click.argument("log")
@click.argument("rows", metavar="ROW...", nargs=-1, required=True, type=int)
@click.option("--reference", required=True, metavar="TEXT", help="Which order this follows, such as a case number.")
@click.option("--reason", required=True, metavar="TEXT", help="Why.")
@sealing.seals_option
@sealing.key_option
@sealing.table_options
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared.json_option
def command(
    log: str,
    rows: tuple[int, ...],
    reference: str,
    reason: str,
    seals: Path,
    key: Path,
    table: str | None,
    columns: dict[str, str],
    yes: bool,
    as_json: bool,
) -> None:
    """Remove arguments, response, error and extra of rows of a ledger that `trajc ledger init` made. It cannot be undone.

    The rows stay, with the hash that their payload had, so seals hold. The database keeps a record of who did it on whose
    order; where the log is sealed, the record is signed too, and `verify` reports the rows as purged with it. Backups are not
    reached.
    """
    if not yes:
        click.confirm(f"Remove the payload of {counted(len(set(rows)), 'row')} for ever?", abort=True, err=True)
    opened = open_table(log, SourceOptions(table=table, columns=columns))
    is_sealed = seals.exists() and key.exists()
    signer = read_signer(key) if is_sealed else None  # before anything is removed: a key that cannot be read stops it
    order = PurgeOrder(rows=tuple(sorted(set(rows))), reference=reference, reason=reason, actor=actor())
    record = purge(opened, order)
    if signer is not None:
        with run_lock(seals, "purge", utc_now()), SealStore.create(seals) as store:
            keep_signed(store, record, signer, order.rows)
    if as_json:
        print_json({"record": record, "signed": signer is not None})
        return
    say(f"{counted(len(order.rows), 'payload')} removed: record {record.record}, {record.created_at}", style="bold")
    if signer is None:
        warn("No key and no seals of this log are here, so the record is not signed.")
