"""`trajc compile`: a log into proved pairs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.asking import (
    ask_model,
    estimate_line,
    exit_code,
    model_options,
    plan_model,
    run_line,
    take_model_options,
)
from trajectory_compiler.cli.compiling import compile_log_into, refuse_place, summary_line, write_page
from trajectory_compiler.cli.mirroring import mirror_after
from trajectory_compiler.cli.options import CONFIG_NAME
from trajectory_compiler.cli.pairing import acc_lines, acc_options, pair_up, take_acc_options
from trajectory_compiler.cli.screen import print_json, say
from trajectory_compiler.models import usd_of
from trajectory_compiler.pipeline.model_pairs import Estimated, ModelRun, Work
from trajectory_compiler.redaction.keyfile import key_path
from trajectory_compiler.store import Store


@click.command(
    name="compile",
    epilog=shared.example(
        "trajc compile agent_log.jsonl",
        "trajc compile ~/.claude/projects --min-turns 20 --html pairs.html",
        "trajc compile postgresql://localhost/ops --table audit_log --column session_id=conversation",
        "trajc compile agent_log.jsonl --model cheap --max-cost-usd 0.50 --dry-run",
        "trajc compile agent_log.jsonl --method acc --task messages",
    ),
)
@click.argument("log")
@shared.log_options
@shared.dataflow_options
@model_options
@acc_options
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write thirty of the pairs as a page, too.")
@shared.store_option
@shared.json_option
def command(log: str, html: Path | None, store: str, as_json: bool, **given: Any) -> int:
    """Compile LOG into proved question-answer pairs.

    LOG is a file (JSONL, CSV, Parquet, SQLite; .gz and .zst too), a folder of Claude Code sessions, a postgresql:// address,
    or a table's https:// address at Supabase or any PostgREST server (its key: SUPABASE_KEY in the environment).
    What is up to date is not compiled again; a run that was stopped goes on where it was. With --model a model is asked for
    pairs as well, once the sessions are redacted; its pairs are candidates, and no call is paid for twice. With --method acc
    each session's own task and final answer become a candidate, too.
    """
    choice = take_model_options(given)
    asked = take_acc_options(given)
    options = shared.compile_options(given)
    if html is not None:
        refuse_place(html)
    runs: list[ModelRun] = []
    with Store.open(store) as opened:
        summary = compile_log_into(opened, log, options)
        estimated = plan_model(opened, summary, options, choice) if choice is not None and choice.dry_run else []
        if choice is not None and not choice.dry_run:
            runs = ask_model(opened, summary, options, choice)
        paired = pair_up(opened, summary, options, asked) if asked is not None else None
        mirrored = mirror_after(opened, Path(CONFIG_NAME))
        if html is not None:
            write_page(opened, summary, html, seed=options.dataflow.seed)
    works = choice.works if choice is not None else ()
    if as_json:
        spent = [run.cost_pico_usd for run in runs]
        cost = None if None in spent else float(usd_of(sum(filter(None, spent))))
        more: dict[str, Any] = {"store": shared.printed_store(store), "cost_usd": cost}
        more |= {"acc": paired} if paired is not None else {}
        more |= {"mirror": mirrored} if mirrored is not None else {}
        print_json(summary.counts() | more | _of_model(runs, estimated, works) | ({"html": str(html)} if html else {}))
    else:
        say(summary_line(summary, store, asked=bool(runs)))
        for run, work in zip(runs, works, strict=False):
            say(run_line(run, work))
        for plan, work in zip(estimated, works, strict=False):
            say(estimate_line(plan, work))
        for line in acc_lines(paired, asked, store) if paired is not None and asked is not None else ():
            say(line)
        if html is not None:
            say(f"The page: {html}")
        if mirrored is not None:
            say(mirrored.line)
        if "://" in store:
            say(f"The store's key stays on this machine: {key_path(opened.path)}")
    return exit_code(runs) or (1 if summary.blocked else 0) or (0 if mirrored is None else mirrored.code)


def _of_model(runs: list[ModelRun], estimated: list[Estimated], works: Sequence[Work]) -> dict[str, Any]:
    """Return what the model stage did, or would do, each part with the name of what was asked for."""
    done, planned = (
        [{"ask": work} | msgspec.structs.asdict(part) for part, work in zip(parts, works, strict=False)]
        for parts in (runs, estimated)
    )
    return ({"model": done} if done else {}) | ({"estimate": planned} if planned else {})
