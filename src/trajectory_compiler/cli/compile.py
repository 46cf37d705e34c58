"""`trajc compile`: a log into proved pairs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import compile_log_into, refuse_place, summary_line, write_page
from trajectory_compiler.cli.screen import print_json, say
from trajectory_compiler.store import Store


@click.command(
    name="compile",
    epilog=shared.example(
        "trajc compile agent_log.jsonl",
        "trajc compile ~/.claude/projects --min-turns 20 --html pairs.html",
        "trajc compile postgresql://localhost/ops --table audit_log --column session_id=conversation",
    ),
)
@click.argument("log")
@shared.log_options
@shared.dataflow_options
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write thirty of the pairs as a page, too.")
@shared.store_option
@shared.json_option
def command(log: str, html: Path | None, store: str, as_json: bool, **given: Any) -> int:
    """Compile LOG into proved question-answer pairs.

    LOG is a file (JSONL, CSV, Parquet, SQLite; .gz and .zst too), a folder of Claude Code sessions, or a postgresql:// address.
    What is up to date is not compiled again; a run that was stopped goes on where it was.
    """
    options = shared.compile_options(given)
    if html is not None:
        refuse_place(html)
    with Store.open(store) as opened:
        summary = compile_log_into(opened, log, options)
        if html is not None:
            write_page(opened, summary, html, seed=options.dataflow.seed)
    if as_json:
        print_json(msgspec.structs.asdict(summary) | {"store": store, "cost_usd": 0} | ({"html": str(html)} if html else {}))
    else:
        say(summary_line(summary, store))
        if html is not None:
            say(f"The page: {html}")
    return 1 if summary.blocked else 0
