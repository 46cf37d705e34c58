"""`trajc hold list`: the legal holds of a store."""

from __future__ import annotations

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, print_json, say, show, table
from trajectory_compiler.store import Store
from trajectory_compiler.store.holds import SHORT


@click.command(name="list", epilog=shared.example("trajc hold list", "trajc hold list --all"))
@click.option("--all", "with_released", is_flag=True, help="Released ones, too.")
@shared.store_option
@shared.json_option
def command(with_released: bool, store: str, as_json: bool) -> None:
    """List the holds that are in force."""
    with Store.open(store, read_only=True) as opened:
        holds = [hold for hold in opened.erasure.holds() if with_released or hold.released_at is None]
    if as_json:
        print_json(holds)
        return
    if not holds:
        say("No hold is in force.")
        return
    shown = table("hold", "on", "which", "reason", "by", "since", "released")
    for hold in holds:
        ended = hold.released_at or ""
        add_row(shown, hold.id[:SHORT], hold.kind, hold.subject, hold.reason, hold.actor, hold.created_at, ended)
    show(shown)
