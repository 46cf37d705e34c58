"""`trajc status`: what ran, what it cost, what is waiting, what failed and why, and whether the yield has drifted."""

from __future__ import annotations

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table
from trajectory_compiler.cli.sync_options import duration
from trajectory_compiler.models.prices import usd_of
from trajectory_compiler.pipeline.status import DAYS, RunLine, SourceStatus, Status, status_of
from trajectory_compiler.store import Store
from trajectory_compiler.store.clock import utc_now

LISTED = 10
COLUMNS = ("started (UTC)", "what", "log", "ended", "seconds", "compiled", "unchanged", "proved", "cost")


@click.command(name="status", epilog=shared.example("trajc status", "trajc status --max-age 26h --json"))
@click.option("--runs", type=click.IntRange(min=0), metavar="N", default=7, show_default=True, help="Show the last N runs.")
@click.option("--max-age", callback=duration, metavar="TIME", help="Fail where no run of a log ended well for so long, as 26h.")
@shared.store_option
@shared.json_option
def command(runs: int, max_age: float | None, store: str, as_json: bool) -> int:
    """Say how the runs are going. Exit 0: all is well; 1: a run or a session failed, or is late: made for a monitor."""
    with Store.open(store, read_only=True) as opened, opened.view():
        found = status_of(opened, utc_now(), shown=runs, max_age_seconds=max_age)
    if as_json:
        print_json(found)
    else:
        _print(found)
    return 0 if found.is_well else 1


def _print(found: Status) -> None:
    if not found.sources:
        say("Nothing ran yet. Begin with: trajc sync LOG")
        return
    for source in found.sources:
        _print_source(source, is_late=source.source in found.late)
    if found.runs:
        shown = table(*COLUMNS, right=(4, 5, 6, 7, 8))
        for run in found.runs:
            totals = [run.totals.get(name, "") for name in ("compiled", "skipped", "proved")]
            seconds = "" if run.seconds is None else f"{run.seconds:,.0f}"
            add_row(shown, run.started_at, run.kind, run.source, run.status, seconds, *totals, _dollars(run))
        show(shown)
    unknown = f"; {counted(found.unknown_prices, 'call')} of unknown price not counted" if found.unknown_prices else ""
    today, month = usd_of(found.cost_today_pico_usd), usd_of(found.cost_30_days_pico_usd)
    say(f"Models: ${today:f} today, ${month:f} in {DAYS} days{unknown}. More: trajc costs")


def _print_source(source: SourceStatus, *, is_late: bool) -> None:
    moved = f"read up to {source.watermark_at}" if source.watermark_at else "no incremental run yet"
    say(f"{source.source}: {counted(source.sessions, 'session')}, {moved}", style="bold")
    if is_late:
        say(f"  late: the last run that ended well began {source.last_done_at or 'never'}")
    if source.last is not None and source.last.status in ("failed", "interrupted"):
        ended = "was interrupted" if source.last.status == "interrupted" else "failed"
        say(f"  the last run {ended}: run the same command again, it goes on where this one was")
    parts = {"open": source.open, "failed, tried again next time": source.failing, "given up": source.given_up}
    waiting = ", ".join(f"{count:,} {words}" for words, count in parts.items() if count)
    say(f"  waiting: {waiting or 'nothing'}")
    for one in source.troubles[:LISTED]:
        say(
            f"    {one.session_id}: {one.why} ({one.state.replace('_', ' ')}, {counted(one.attempts, 'try')})".replace(
                "trys", "tries"
            )
        )
    if len(source.troubles) > LISTED:
        say(f"    and {len(source.troubles) - LISTED:,} more: --json lists them all")
    if source.drift is not None:
        drift = source.drift
        said = "drifted: look at trajc stats" if drift.drifted else "within chance"
        say(f"  yield: {drift.last} pairs for 100 turns, {drift.before} in the {DAYS} days before ({said})")
    if source.outgrown:
        say(f"  statistics: of {source.statistics_over:,} sessions; --new-snapshot takes them anew and compiles all again")
    say()


def _dollars(run: RunLine) -> str:
    return f"${usd_of(run.cost_pico_usd):f}" if run.cost_pico_usd or not run.unknown_prices else "unknown"
