"""`trajc verify`: every stored pair proved again, or read by a model, or decided by a person."""

from __future__ import annotations

from collections import Counter
from typing import Any

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.pair_lines import SHORT_ID
from trajectory_compiler.cli.queue import work_off
from trajectory_compiler.cli.reading import have_read, named_readers, reader_options
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table
from trajectory_compiler.cli.verifying import CHECKS, VerifyReport, reprove
from trajectory_compiler.cli.who import actor
from trajectory_compiler.exports.in_words import FAILED_WORDS, GATE_WORDS
from trajectory_compiler.model import FAMILIES
from trajectory_compiler.store import Store

LISTED = 20
RECORD_WORDS = "id, type, rows and context that are stored with the pair are those of its program"


@click.command(
    name="verify",
    epilog=shared.example(
        "trajc verify",
        "trajc verify --model strong --limit 50 --max-cost-usd 1",
        "trajc verify --model local:qwen.gguf --only failed",
        "trajc verify --queue",
    ),
)
@reader_options
@click.option("--only", type=click.Choice(("new", "failed", "all")), help="Which pairs are read.  [default: new]")
@click.option("--limit", type=click.IntRange(min=0), metavar="N", help="At most so many pairs in prose.")
@click.option("--dataflow", type=click.IntRange(min=0), metavar="N", help="Read so many proved pairs, too.  [default: 20]")
@click.option("--queue", is_flag=True, help="Decide doubtful pairs yourself, one by one, with the evidence on screen.")
@click.option("--reviewer", metavar="NAME", help="Whose decisions they are.  [default: your login name]")
@shared.workers_option
@shared.store_option
@shared.json_option
def command(workers: int, store: str, as_json: bool, queue: bool, reviewer: str | None, **given: Any) -> int:
    """Prove every stored pair again, from its stored program on its stored session. Nothing is written.

    The checker shares no code with the compiler that made the pairs. Exits with 1 when one pair falls.

    With --model a model reads pairs in prose: from no turn, from the cited turns, from all but one of them, from the rest. What
    it answers moves them to `tested` or `rejected`, once it was calibrated (trajc calibrate). It reads some proved pairs as
    well, which shows where it errs and changes nothing.
    """
    if queue:
        _refuse_beside("--queue", given)
        with Store.open(store, create=False) as opened:
            return work_off(opened, reviewer or actor(), as_json=as_json)
    if given["model"] is not None:
        readers = named_readers(given.pop("model"), given.pop("judge"), given.pop("max_cost_usd"))
        how = {name: given.pop(name) for name in ("dry_run", "yes")}
        asked = {name: value for name, value in given.items() if value is not None}
        with Store.open(store, create=False) as opened:
            return have_read(opened, readers, asked, as_json=as_json, **how)
    _refuse_beside("no --model", given)
    with Store.open(store, read_only=True) as opened, progress_bar("pairs") as progress:
        report = reprove(opened, progress, workers)
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 0 if report.sound else 1


def _refuse_beside(what: str, given: dict[str, Any]) -> None:
    """Raise where an option was given that only a reader understands."""
    idle = next((name for name, value in given.items() if value not in (None, False)), None)
    if idle is not None:
        raise click.UsageError(f"--{idle.replace('_', '-')} goes with --model, and there is {what}.")


def _print(report: VerifyReport) -> None:
    if report.pairs:
        _print_types(report)
        _print_checks(report)
    for fallen in report.fallen[:LISTED]:
        where = f"{fallen.id[:SHORT_ID]} ({fallen.qa_type}) at {', '.join(fallen.failed)}"
        say(f"fell: {where}: {FAILED_WORDS[fallen.failed[0]]}", style="red")
    if len(report.fallen) > LISTED:
        say(f"... and {len(report.fallen) - LISTED:,} more (--json lists all)", style="red")
    for damage in report.damage[:LISTED]:
        say(f"damaged store: {damage}", style="red")
    skipped = f" {counted(report.skipped, 'pair')} without a program not tried." if report.skipped else ""
    say(f"{report.proved:,} of {counted(report.pairs, 'pair')} proved again.{skipped}", style="bold")


def _print_types(report: VerifyReport) -> None:
    shown = table("type", "pairs", "proved", "fell at", right=(1, 2))
    for family in (name for name in FAMILIES if name in report.by_type):
        counts = report.by_type[family]
        fell = ", ".join(f"{check} {number}" for check, number in counts.fallen.items())
        add_row(shown, family, counts.pairs, counts.proved, fell, style="red" if fell else "")
    show(shown)


def _print_checks(report: VerifyReport) -> None:
    fallen = Counter(check for item in report.fallen for check in item.failed)
    shown = table("gate", "held", "fell", "what it says", right=(1, 2))
    for check in CHECKS:
        words = RECORD_WORDS if check == "record" else GATE_WORDS[check]
        add_row(shown, check, report.pairs - fallen[check], fallen[check], words, style="red" if fallen[check] else "")
    show(shown)
