"""`trajc ledger import`: a log that is already there into a ledger."""

from __future__ import annotations

import time

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.importing import SPOOL, ImportOptions, ImportReport, import_log
from trajectory_compiler.ledger.schema import TABLE
from trajectory_compiler.sources.findings import REASONS

OWN_REASONS = {
    "refused_by_ledger": "the ledger does not take the row",
    "lost_at_a_kill": "the row is lost",
}


@click.command(
    name="import",
    epilog=shared.example(
        "trajc ledger import agent_log.jsonl --to ledger.db",
        "trajc ledger import ~/.claude/projects --to postgresql://agent_login@localhost/agents",
        "trajc ledger import old.db --table calls --column session_id=conversation --to ledger.db --json",
    ),
)
@click.argument("log")
@click.option("--to", "url", metavar="URL", required=True, help="The ledger: postgresql://... or an SQLite file.")
@click.option("--to-table", metavar="NAME", default=TABLE, show_default=True, help="The ledger's table.")
@click.option("--table", "from_table", metavar="NAME", help="The table or view inside LOG, where it is a database.")
@click.option("--query", metavar="SQL", help="Read the rows of this SELECT instead of a table.")
@click.option("--source-name", metavar="NAME", help="Name of the log in the keys.  [default: its file or table name]")
@shared.columns_option
@shared.json_option
def command(
    log: str,
    url: str,
    to_table: str,
    from_table: str | None,
    query: str | None,
    source_name: str | None,
    columns: dict[str, str],
    as_json: bool,
) -> int:
    """Write every row of LOG into the ledger at URL, each once, however often this is run.

    LOG is what `trajc compile` takes, or the spool that a recorder left while its database was away. URL needs a writer's
    login only. A row's own time becomes `called_at`; `created_at` is the time of the import.
    """
    options = ImportOptions(
        source=SourceOptions(columns=columns, table=from_table, query=query, name=source_name), table=to_table
    )
    with progress_bar("sessions") as progress:
        report = import_log(log, url, options, progress, time.time())
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 1 if report.refused else 0


def _print(report: ImportReport) -> None:
    of = counted(report.sessions, "spool" if report.format == SPOOL else "session")
    rows = f"{counted(report.rows, 'row')} of {of}"
    said = f"{rows}: {report.new:,} written, {report.there:,} were there"
    say(f"{report.log}: {report.format}, {said}{f', {report.refused:,} refused' if report.refused else ''}", style="bold")
    if report.findings:
        say()
        shown = table("count", "left out, changed or refused: why", "where", right=(0,))
        for finding in report.findings:
            reason = REASONS.get(finding.reason)
            why = reason.sentence if reason else OWN_REASONS[finding.reason]
            add_row(shown, finding.count, why if reason is None or reason.drops else f"(kept) {why}", finding.detail)
        show(shown)
