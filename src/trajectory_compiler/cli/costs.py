"""`trajc costs`: what model calls cost, by run, day, model, stage and pair, to the last digit of the stored calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table
from trajectory_compiler.models.prices import usd_of
from trajectory_compiler.store import CostLine, CostsBy, PairQuery, Store

WAYS: tuple[CostsBy, ...] = ("run", "day", "model", "stage", "pair")
LISTED = 12


class CostReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. Pico-dollars are 1e-12 dollars: whole numbers, so that every sum is exact.

    `kept` counts the pairs that models had a part in, by origin; `usd_per_kept_pair` is the whole cost over all of them,
    rounded up at the twelfth digit, null where there are none or where the price of a call is not known.
    """

    paid: int
    cached: int
    unknown: int
    cost_pico_usd: int
    cost_usd: str
    kept: dict[str, int]
    usd_per_kept_pair: str | None
    by: dict[str, tuple[CostLine, ...]]


@click.command(name="costs", epilog=shared.example("trajc costs", "trajc costs --by model --json"))
@click.option("--by", "ways", multiple=True, type=click.Choice(WAYS), help="Only this way of adding up; repeatable.")
@shared.store_option
@shared.json_option
def command(ways: tuple[CostsBy, ...], store: str, as_json: bool) -> None:
    """Say what model calls cost. Answers from the store cost nothing; calls on this machine cost nothing but time."""
    with Store.open(store, read_only=True) as opened, opened.view():
        report = report_on(opened, ways or WAYS)
    if as_json:
        print_json(report)
    else:
        _print(report)


def report_on(store: Store, ways: Sequence[CostsBy]) -> CostReport:
    """Add up the calls of a store in each of the ways."""
    total = store.costs("stage")
    cost = sum(line.cost_pico_usd for line in total)
    unknown = sum(line.unknown for line in total)
    kept = Counter(fact.origin for fact in store.facts(PairQuery()) if fact.origin != "dataflow")
    return CostReport(
        paid=sum(line.paid for line in total),
        cached=sum(line.cached for line in total),
        unknown=unknown,
        cost_pico_usd=cost,
        cost_usd=f"{usd_of(cost):f}",
        kept=dict(sorted(kept.items())),
        usd_per_kept_pair=f"{usd_of(-(-cost // kept.total())):f}" if kept and not unknown else None,
        by={way: store.costs(way) for way in ways},
    )


def _print(report: CostReport) -> None:
    if not report.paid and not report.cached:
        say("No model was asked yet: nothing was spent.")
        return
    say(f"${report.cost_usd} for {counted(report.paid, 'call')}; {report.cached:,} more were answered from the store.")
    if report.unknown:
        say(f"{counted(report.unknown, 'call')} of unknown price not counted: the sum is the least that was spent.")
    if report.usd_per_kept_pair is not None:
        say(f"${report.usd_per_kept_pair} for each of {counted(sum(report.kept.values()), 'kept pair')} that models wrote.")
    say()
    for way, lines in report.by.items():
        _print_lines(way, lines)


def _print_lines(way: str, lines: tuple[CostLine, ...]) -> None:
    shown = table(way, "calls", "cached", "unknown", "tokens in", "tokens out", "dollars", right=(1, 2, 3, 4, 5, 6))
    dearest = sorted(lines, key=lambda line: -line.cost_pico_usd) if way == "pair" else list(lines)
    listed = dearest[:LISTED] if way == "pair" else dearest[-LISTED:]
    for line in listed:
        counts = (line.paid, line.cached, line.unknown, line.input_tokens, line.output_tokens)
        add_row(shown, line.key or "(no pair)", *counts, f"{usd_of(line.cost_pico_usd):f}")
    if len(listed) < len(lines):
        rest = len(lines) - len(listed)
        left_out = sum(line.cost_pico_usd for line in lines) - sum(line.cost_pico_usd for line in listed)
        add_row(shown, f"... {rest} more", "", "", "", "", "", f"{usd_of(left_out):f}", style="dim")
    show(shown)
