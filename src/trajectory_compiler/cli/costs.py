"""`trajc costs`: what model calls cost, by run, day, model, stage, origin and pair, to the last digit of the stored calls."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table
from trajectory_compiler.models.addresses import LOCAL
from trajectory_compiler.models.prices import usd_of
from trajectory_compiler.store import CostLine, CostsBy, PairQuery, Store

WAYS: tuple[CostsBy, ...] = ("run", "day", "model", "stage", "origin", "pair")
LISTED = 12


class KeptPairs(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs of one origin that may be shown as results, and what the calls cost that they were sought with.

    Never a mean over several origins. `usd_per_pair` is rounded up at the twelfth digit. Both amounts are null where a call has
    no known price, or where no call names the origin (a store that was pruned or mirrored).
    """

    origin: str
    pairs: int
    cost_pico_usd: int | None
    usd_per_pair: str | None


class CostReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. Pico-dollars are 1e-12 dollars: whole numbers, so that every sum is exact.

    Each way of adding up in `by` comes to `cost_pico_usd`; `kept` are the pairs that models wrote, by origin.
    """

    paid: int
    cached: int
    unknown: int
    cost_pico_usd: int
    cost_usd: str
    kept: tuple[KeptPairs, ...]
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
    return CostReport(
        paid=sum(line.paid for line in total),
        cached=sum(line.cached for line in total),
        unknown=unknown,
        cost_pico_usd=cost,
        cost_usd=f"{usd_of(cost):f}",
        kept=_kept(store),
        by={way: store.costs(way) for way in ways},
    )


def _kept(store: Store) -> tuple[KeptPairs, ...]:
    counts = Counter(fact.origin for fact in store.facts(PairQuery()) if fact.origin != "dataflow")
    costs = {line.key: None if line.unknown else line.cost_pico_usd for line in store.costs("origin")}
    made = []
    for origin, pairs in sorted(counts.items()):
        # A file on this machine is named by its path in a pair and by its name in a call; it costs nothing either way.
        cost = 0 if origin.split(":")[1:2] == [LOCAL] else costs.get(origin)
        each = None if cost is None else f"{usd_of(-(-cost // pairs)):f}"
        made.append(KeptPairs(origin=origin, pairs=pairs, cost_pico_usd=cost, usd_per_pair=each))
    return tuple(made)


def _print(report: CostReport) -> None:
    if not report.paid and not report.cached:
        say("No model was asked yet: nothing was spent.")
        return
    say(f"${report.cost_usd} for {counted(report.paid, 'call')}; {report.cached:,} more were answered from the store.")
    if report.unknown:
        say(f"{counted(report.unknown, 'call')} of unknown price not counted: the sum is the least that was spent.")
    for kept in report.kept:
        each = "of unknown cost" if kept.usd_per_pair is None else f"at ${kept.usd_per_pair} each"
        say(f"{counted(kept.pairs, 'kept pair')} of {kept.origin}, {each}.")
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
