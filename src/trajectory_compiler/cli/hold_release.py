"""`trajc hold release`: end a legal hold."""

from __future__ import annotations

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import print_json, say
from trajectory_compiler.store import Store
from trajectory_compiler.store.holds import SHORT


@click.command(name="release", epilog=shared.example("trajc hold release 3fa2b1"))
@click.argument("hold")
@shared.store_option
@shared.json_option
def command(hold: str, store: str, as_json: bool) -> None:
    """End a hold. HOLD is its id or the beginning of it, as `trajc hold list` prints it. Erases nothing by itself."""
    with Store.open(store, create=False) as opened:
        released = opened.erasure.release_hold(hold)
    if as_json:
        print_json(released)
    else:
        say(f"Hold {released.id[:SHORT]} on {released.kind} {released.subject} has ended.")
