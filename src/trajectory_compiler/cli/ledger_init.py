"""`trajc ledger init`: an append-only audit table in PostgreSQL or SQLite."""

from __future__ import annotations

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, print_json, say, show, table
from trajectory_compiler.ledger.initialise import InitReport, initialise, script
from trajectory_compiler.ledger.schema import TABLE, Names


@click.command(
    name="init",
    epilog=shared.example(
        "trajc ledger init agent_log.db",
        "trajc ledger init postgresql://postgres@localhost/agents",
        "trajc ledger init postgresql:// --print | less",
    ),
)
@click.argument("url")
@click.option(
    "--table", "name", metavar="NAME", default=TABLE, show_default=True, help="Its name, or schema.name in PostgreSQL."
)
@click.option("--print", "only_print", is_flag=True, help="Print the SQL to review and run by hand; connect to nothing.")
@shared.json_option
def command(url: str, name: str, *, only_print: bool, as_json: bool) -> int:
    """Create the audit table at URL with its roles, triggers and row hash. Running it again changes nothing.

    URL is postgresql://USER@HOST/DATABASE (13 or later, Supabase included) or an SQLite file. In PostgreSQL, run it as a
    superuser or as a role that may create roles.
    """
    names = Names.of(name)
    if only_print:
        sql = script(url, names)
        print_json({"ledger": names.qualified, "sql": sql}) if as_json else click.echo(sql, nl=False)
        return 0
    report = initialise(url, names)
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 0


def _print(report: InitReport) -> None:
    done = "created" if report.changed else "stands already; nothing was changed"
    say(f"{report.ledger} ({report.database}): {done}", style="bold")
    say()
    shown = table("guard", "stands", "what it is")
    for part in report.parts:
        stands = "yes" if part.stands else "no" if part.needed else "not allowed here"
        add_row(shown, part.name, stands, part.about)
    show(shown)
    for step in report.next:
        say(step)
