"""`trajc verify`: every stored pair proved again, read-only."""

from __future__ import annotations

from collections import Counter

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.pair_lines import SHORT_ID
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table
from trajectory_compiler.cli.verifying import CHECKS, VerifyReport, reprove
from trajectory_compiler.exports.in_words import FAILED_WORDS, GATE_WORDS
from trajectory_compiler.model import FAMILIES
from trajectory_compiler.store import Store

LISTED = 20
RECORD_WORDS = "id, type, rows and context that are stored with the pair are those of its program"


@click.command(name="verify", epilog=shared.example("trajc verify", "trajc verify --store other.db --json"))
@shared.workers_option
@shared.store_option
@shared.json_option
def command(workers: int, store: str, as_json: bool) -> int:
    """Prove every stored pair again, from its stored program on its stored session. Nothing is written.

    The checker shares no code with the compiler that made the pairs. Exits with 1 when one pair falls.
    """
    with Store.open(store, read_only=True) as opened, progress_bar("pairs") as progress:
        report = reprove(opened, progress, workers)
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 0 if report.sound else 1


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
