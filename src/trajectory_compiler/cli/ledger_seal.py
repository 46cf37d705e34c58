"""`trajc ledger seal`: seal the new rows of a log and sign a checkpoint."""

from __future__ import annotations

import secrets
from pathlib import Path

import click

from trajectory_compiler.cli import ledger_options as sealing
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import counted, print_json, say, warn
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.ledger.seal import SealOptions, SealReport, seal
from trajectory_compiler.store.clock import utc_now


@click.command(
    name="seal",
    epilog=shared.example(
        "trajc ledger seal postgresql://reader@host/db --table audit --checkpoint ~/checkpoints-repository",
        "trajc ledger seal agent_log.db --checkpoint https://bucket.example/audit.checkpoint?signature=...",
    ),
)
@click.argument("log")
@click.option(
    "--checkpoint",
    "places",
    metavar="PLACE",
    multiple=True,
    default=(sealing.DEFAULT_CHECKPOINT,),
    show_default=True,
    help="Where the signed checkpoint goes: a file, a folder that is a git repository (committed there), an http(s) address "
    "(PUT), or s3://, gs:// and the like with fsspec; repeatable.",
)
@sealing.seals_option
@sealing.key_option
@click.option("--origin", metavar="NAME", help="What this log is called in checkpoints.  [default: trajc/TABLE-RANDOM]")
@click.option("--late", is_flag=True, help="Compare every row, and seal those below the sealed ones, too.")
@click.option(
    "--wait",
    "wait_seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=10.0,
    show_default=True,
    help="How long to wait for transactions that are writing to the table.",
)
@click.option(
    "--lag",
    "lag_seconds",
    type=click.FloatRange(min=0),
    metavar="SECONDS",
    default=60.0,
    show_default=True,
    help="Where ids are no numbers: how far before the last sealed row a new one may be stamped.",
)
@sealing.table_options
@shared.json_option
def command(
    log: str,
    places: tuple[str, ...],
    seals: Path,
    key: Path,
    origin: str | None,
    late: bool,
    wait_seconds: float,
    lag_seconds: float,
    table: str | None,
    columns: dict[str, str],
    as_json: bool,
) -> None:
    """Seal the new rows of anybody's audit table, or of a file: hash them, sign the root, write a checkpoint.

    Nothing in the log is changed. Whoever keeps a checkpoint out of reach of those who can change the log can tell later what
    was changed. Run it often: what happens before a row is sealed leaves no trace.
    """
    options = SealOptions(
        seals=seals,
        key=key,
        places=places,
        origin=origin,
        wait_seconds=wait_seconds,
        lag_seconds=lag_seconds,
        late=late,
        source=SourceOptions(columns=columns, table=table),
    )
    report = seal(log, options, utc_now, secrets.token_bytes)
    if as_json:
        print_json(report)
    else:
        _print(report)


def _print(report: SealReport) -> None:
    say(f"{counted(report.sealed, 'row')} sealed, {report.size:,} in all: {report.origin}", style="bold")
    for place in report.places:
        say(f"  checkpoint  {place}")
    if report.new_key is not None:
        say(f"  public key  {report.new_key}: give it to whoever is to verify")
        say("Keep a checkpoint where those who can change the log cannot reach it: that copy is what finds them.")
    if report.left:
        warn(f"{counted(report.left, 'row')} below the sealed ones left alone. See `trajc ledger verify`, or add --late.")
    if report.again:
        warn(f"{counted(report.again, 'sealed id')} came again with other content. Run: trajc ledger verify")
    if report.hides_rows:
        warn("Row-level security applies to this user: rows that it hides are not sealed.")
    if not report.is_complete:
        warn("Rows may still appear below the sealed ones: a transaction outlasted --wait, or ids come from a view or a cache.")
