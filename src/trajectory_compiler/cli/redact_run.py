"""`trajc redact run`: a redacted copy of a log, and its report."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import click

from trajectory_compiler import __version__
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table
from trajectory_compiler.cli.who import actor
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.exports.files import new_file, refuse_existing
from trajectory_compiler.exports.redaction_page import render_redaction_page
from trajectory_compiler.pipeline.redact_log import CopyJob, redact_log
from trajectory_compiler.redaction import Policy, load_policy
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.redaction.report import RedactionReport
from trajectory_compiler.redaction.vault import Page, Vault
from trajectory_compiler.sources import open_source
from trajectory_compiler.store import Action, Store
from trajectory_compiler.store.clock import utc_now

SHOWN_PLACES = 3


@click.command(
    name="run",
    epilog=shared.example(
        "trajc redact run agent_log.jsonl --output agent_log.redacted.jsonl",
        "trajc redact run agent_log.jsonl --output copy.jsonl --policy trajc.toml --html report.html --vault copy.vault",
        "trajc redact run postgresql://localhost/ops --table audit_log --output copy.jsonl --json",
    ),
)
@click.argument("log")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), required=True, help="Where the copy goes (JSONL).")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write the report as a page, too.")
@click.option(
    "--vault",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help="Keep what the policy lets be restored, encrypted, in this file; its key goes to FILE.key.",
)
@shared.policy_option
@shared.policy_reason_option
@shared.columns_option
@click.option("--table", "table_name", metavar="NAME", help="The table or view inside a database.")
@click.option("--query", metavar="SQL", help="Read the rows of this SELECT instead of a table.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@shared.store_option
@shared.json_option
def command(
    log: str,
    output: Path,
    html: Path | None,
    vault: Path | None,
    policy: str,
    policy_reason: str,
    columns: dict[str, str],
    table_name: str | None,
    query: str | None,
    force: bool,
    store: str,
    as_json: bool,
) -> int:
    """Write a redacted copy of LOG: same rows, same ids, same order, as JSONL.

    Every copied byte is scanned once more before it is written. A session that cannot be redacted is left out and named in the
    report; then the exit code is 1. The store is touched only for its key (scope 'log') and to note that a vault was made.
    """
    chosen = load_policy(policy, shared.policy_reason(policy, policy_reason))
    places = [path for path in (output, html, vault) if path is not None]
    for path in places:
        refuse_place(path)
    refuse_existing(places, force=force)
    source = open_source(log, SourceOptions(columns=columns, table=table_name, query=query))
    with ExitStack() as files, progress_bar("sessions") as progress:
        keep = _vault(vault, files, store, str(output))
        job = CopyJob(
            policy=chosen,
            goal=f"write '{output}'",
            key=_key(chosen, store),
            keep=keep,
            progress=lambda done, total: progress("redacting", done, total),
        )
        report = redact_log(source, job, files.enter_context(new_file(output)))
    if html is not None:
        with new_file(html) as write:
            write(render_redaction_page(report, __version__).encode("utf-8", "replace"))
    if as_json:
        print_json(report)
    else:
        _print(report, output, vault, html)
    return 1 if report.blocked else 0


def _key(policy: Policy, store: str) -> bytes | None:
    if policy.scope != "log":
        return None
    with Store.open(store) as opened:
        return load_key(key_path(opened.path), create=True)


def _vault(path: Path | None, files: ExitStack, store: str, copy: str) -> Callable[[Page], None] | None:
    """Open a new vault beside its key and note in the store that it was made; None where none was asked for."""
    if path is None:
        return None
    vault = Vault(load_key(key_path(path), create=True))
    write = files.enter_context(new_file(path, private=True))
    write(vault.head())
    with Store.open(store) as opened:
        action = Action(kind="vault", actor=actor(), target=str(path.absolute()), detail={"copy": copy}, created_at=utc_now())
        opened.record_action(action)
    return lambda page: write(vault.line(page))


def _print(report: RedactionReport, output: Path, vault: Path | None, html: Path | None) -> None:
    if report.types:
        made = table("type", "values", "replaced", "sessions", "mostly in", right=(1, 2, 3))
        for item in report.types:
            where = ", ".join(f"{place.tool} {place.path}" for place in item.places[:SHOWN_PLACES])
            add_row(made, item.type, item.values, item.replaced, item.sessions, where)
        show(made)
    for missed in report.unscanned:
        where = ", ".join(f"{place.tool} {place.path}" for place in missed.places[:SHOWN_PLACES])
        say(f"Not scanned, so replaced whole: {counted(missed.count, 'field')} ({missed.reason}): {where}")
    for blocked in report.blocked:
        say(f"Left out: session '{blocked.session}' ({counted(blocked.rows, 'row')}): {blocked.reason}.")
    for reason, count in report.dropped.items():
        say(f"Not readable: {counted(count, 'row')} ({reason.replace('_', ' ')}).")
    policy = f"policy {report.policy}{f' ({report.policy_reason})' if report.policy_reason else ''}"
    rows = f"{report.rows_written:,} of {counted(report.rows, 'row')} of {counted(report.sessions, 'session')}"
    say(f"{rows}, {policy}: {output}")
    if vault is not None:
        say(f"The vault: {vault}, its key: {key_path(vault)}. Keep them apart from the copy.")
    if html is not None:
        say(f"The page: {html}")
