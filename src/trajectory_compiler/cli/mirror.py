"""`trajc mirror`: the store in a PostgreSQL schema, caught up, compared, and the role that writes it."""

from __future__ import annotations

import os
from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.mirroring import mirror_line
from trajectory_compiler.cli.screen import add_row, print_json, progress_bar, say, show, table
from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.store import Store
from trajectory_compiler.store.address import DEFAULT_SCHEMA, parse_address
from trajectory_compiler.store.clock import utc_now
from trajectory_compiler.store.mirror import MirrorReport
from trajectory_compiler.store.mirror_check import MirrorCheck
from trajectory_compiler.store.mirror_options import read_mirror_options
from trajectory_compiler.store.mirror_role import role_script

LISTED = 10


@click.command(
    name="mirror",
    epilog=shared.example(
        "trajc mirror postgresql://trajc_mirror@db.example.com/postgres",
        "trajc mirror --check",
        "trajc mirror --print-role | less",
    ),
)
@click.argument("url", required=False)
@click.option("--schema", metavar="NAME", help=f"The schema that holds the mirror.  [default: {DEFAULT_SCHEMA}]")
@click.option("--check", "only_check", is_flag=True, help="Write nothing: compare both sides by digest; exit 1 if unequal.")
@click.option("--print-role", is_flag=True, help="Print SQL that makes the schema and a role of least rights; connect nowhere.")
@shared.store_option
@shared.json_option
def command(url: str | None, schema: str | None, store: str, *, only_check: bool, print_role: bool, as_json: bool) -> int:
    """Make the mirror at URL what the store is: send what differs, delete what is gone. Run it again after any outage.

    URL is postgresql://USER@HOST/DATABASE, Supabase included; without it the mirror of ./trajc.toml is meant. Several stores
    may share one mirror. The password is best left to ~/.pgpass or PGPASSWORD; it is never printed.
    """
    if print_role:
        given = parse_address(url or "postgresql://localhost/", schema)
        sql = role_script(given.schema, utc_now)
        print_json({"schema": given.schema, "sql": sql}) if as_json else click.echo(sql, nl=False)
        return 0
    options = _options(url, schema)
    with Store.open(store, create=False) as opened, progress_bar("items") as progress:
        if only_check:
            checked = opened.compare_with(options, progress)
        else:
            report = opened.mirror_into(options, progress)
    if only_check:
        print_json({"equal": checked.equal, **_plain(checked)}) if as_json else _print_check(checked)
        return 0 if checked.equal else 1
    print_json({"complete": report.complete, **_plain(report)}) if as_json else _print_report(report)
    return 0 if report.complete else 1


def _options(url: str | None, schema: str | None) -> MirrorOptions:
    if url is not None:
        return MirrorOptions(url=url, schema=schema)
    found = read_mirror_options(Path(shared.CONFIG_NAME), os.environ)
    if found is None:
        raise click.UsageError(f"Name a URL, or write mirror = 'postgresql://...' into {shared.CONFIG_NAME}.")
    return found if schema is None else MirrorOptions(url=found.url, schema=schema)


def _plain(document: MirrorReport | MirrorCheck) -> dict[str, object]:
    return {name: getattr(document, name) for name in document.__struct_fields__}


def _print_report(report: MirrorReport) -> None:
    say(mirror_line(report), style="bold")
    _list("held by another store, which compiled them first", report.held)
    _list("refused: a value does not fit (a NUL character, a number that is too large)", report.refused)
    if report.held:
        say("Give one of the logs another name with --source-name, or mirror into another schema with --schema.")


def _print_check(checked: MirrorCheck) -> None:
    shown = table("table", "rows here", "rows there", "digest here", "digest there", "equal", right=(1, 2))
    for line in checked.tables:
        digests = line.digest_here[:12], line.digest_there[:12]
        equal = "yes" if line.equal else "no"
        add_row(shown, line.table, line.rows_here, line.rows_there, *digests, equal, style="" if line.equal else "red")
    show(shown)
    _list("differ", checked.differing)
    _list("held by another store", checked.held)
    _list("belong to no store", checked.foreign)
    say(f"Mirror {checked.target}: {'equal' if checked.equal else 'not equal'}", style="bold")


def _list(what: str, names: tuple[str, ...]) -> None:
    for name in names[:LISTED]:
        say(f"{what}: {name}", style="red")
    if len(names) > LISTED:
        say(f"... and {len(names) - LISTED:,} more (--json lists all)", style="red")
