"""`trajc hold add`: put a legal hold on sessions."""

from __future__ import annotations

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import print_json, say
from trajectory_compiler.cli.who import actor
from trajectory_compiler.store import Store
from trajectory_compiler.store.clock import utc_now
from trajectory_compiler.store.holds import SHORT, Hold, HoldKind


@click.command(name="add", epilog=shared.example('trajc hold add --session s-41 --reason "claim 7"'))
@click.option("--session", metavar="ID", help="This session.")
@click.option("--agent", metavar="NAME", help="Every session in which this agent acts, also later ones.")
@click.option("--source", metavar="NAME", help="Every session of this log, also later ones.")
@click.option("--reason", required=True, metavar="TEXT", help="Why: a case number.")
@shared.store_option
@shared.json_option
def command(session: str | None, agent: str | None, source: str | None, reason: str, store: str, as_json: bool) -> None:
    """Keep a session, an agent's sessions or a whole source from being erased."""
    kinds: dict[HoldKind, str | None] = {"session": session, "agent": agent, "source": source}
    given = [(kind, subject) for kind, subject in kinds.items() if subject]
    if len(given) != 1:
        raise click.UsageError("Say what is held by one of --session, --agent, --source.")
    kind, subject = given[0]
    with Store.open(store, create=False) as opened:
        asked = Hold(id="", kind=kind, subject=subject, reason=reason, actor=actor(), created_at=utc_now())
        hold = opened.erasure.add_hold(asked)
    if as_json:
        print_json(hold)
    else:
        say(f"Hold {hold.id[:SHORT]} on {hold.kind} {hold.subject}: {hold.reason}")
