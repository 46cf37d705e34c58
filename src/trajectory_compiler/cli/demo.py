"""`trajc demo`: a sample log, compiled, and five of its pairs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import compile_log_into, refuse_place, summary_line
from trajectory_compiler.cli.pair_lines import print_pair
from trajectory_compiler.cli.screen import counted, print_json, say
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.demo import DemoSummary, write_demo_log
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.formats import Item, jsonl_record
from trajectory_compiler.exports.request import NO_CONTEXT
from trajectory_compiler.model import FAMILIES, Family, Pair
from trajectory_compiler.store import PairQuery, Store

DEMO_LOG = Path("demo") / "agent_log.jsonl"
SHOWN_PAIRS = 5
SAMPLED = 40
SHORT_QUESTION = 260  # characters
SHOWN_FAMILIES: tuple[Family, ...] = ("composition", "state_change", "next_argument", "temporal", "unanswerable", "aggregation")
OWN_LOG = (
    "Your own log:        trajc inspect YOUR_LOG && trajc compile YOUR_LOG     (JSONL, CSV, Parquet, SQLite, postgresql://)",
    "Your own Claude Code sessions:      trajc compile ~/.claude/projects",
)


@click.command(name="demo", epilog=shared.example("trajc demo", "trajc demo --scale 10 --output big_log.jsonl --store big.db"))
@click.option(
    "--scale",
    type=click.IntRange(min=1),
    metavar="N",
    default=1,
    show_default=True,
    help="How many times the usual 9,000 rows.",
)
@click.option("--seed", type=int, metavar="N", default=7, show_default=True, help="Seed of the simulated business.")
@click.option(
    "--output",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help=f"Where the log goes.  [default: {DEMO_LOG} beside the store]",
)
@shared.store_option
@shared.json_option
def command(scale: int, seed: int, output: Path | None, store: str, as_json: bool) -> int:
    """Write a sample log, compile it, and show five proved pairs.

    The log is that of a small simulated business whose agents triage mail, keep todos and tickets, check invoices and packages
    and set up telephones.
    """
    with Store.open(store) as opened:  # first, so that the store's own folder is private and kept out of version control
        log = output or _made(opened.path.parent / DEMO_LOG)
        refuse_place(log)
        written = _written(log, seed, scale)
        if not as_json:
            size = f"{counted(written.rows, 'row')} in {counted(written.sessions, 'session')} of {written.agents} agents"
            say(f"Wrote {log}: {size}, the longest of {written.longest:,} turns.")
        summary = compile_log_into(opened, str(log), CompileOptions())
        pairs = tuple(_varied(opened, summary.source))
        if as_json:
            records = [jsonl_record(Item(pair=pair, context="", setting=NO_CONTEXT, bare=False)) for pair in pairs]
            places = {"log": str(log), "store": shared.printed_store(store)}
            print_json(summary.counts() | places | {"cost_usd": 0, "pairs": records})
            return 1 if summary.blocked else 0
        say(summary_line(summary, store))
        say()
        for pair in pairs:
            print_pair(pair, opened.trajectory_of(pair))
        for line in OWN_LOG:
            say(line, style="bold")
    return 1 if summary.blocked else 0


def _written(log: Path, seed: int, scale: int) -> DemoSummary:
    try:
        return write_demo_log(log, seed, scale)
    except OSError as error:
        raise InputError(
            f"write '{log}'",
            error.strerror or type(error).__name__,
            "Name a place that may be written and has room with --output.",
        ) from error


def _made(log: Path) -> Path:
    """Make the folder of the log and return the log's path."""
    try:
        log.parent.mkdir(exist_ok=True, mode=0o700)
    except OSError as error:
        raise InputError(
            f"create folder '{log.parent}'", error.strerror or type(error).__name__, "Name a place for the log with --output."
        ) from error
    return log


def _varied(store: Store, source: str) -> Iterator[Pair]:
    """Yield five pairs of as many kinds and sessions: of each kind the deepest and widest-spaced of a sample."""
    shown = 0
    sessions: set[str] = set()
    for family in (*SHOWN_FAMILIES, *FAMILIES):
        drawn = store.pairs(PairQuery(source=source, qa_types=(family,), limit=SAMPLED, seed=0))
        fresh = [pair for pair in drawn if pair.session_id not in sessions and _reads_well(pair)]
        if fresh and shown < SHOWN_PAIRS:
            best = max(fresh, key=lambda pair: (pair.hops, pair.span_turns, pair.id))
            sessions.add(best.session_id)
            shown += 1
            yield best


def _reads_well(pair: Pair) -> bool:
    """Say whether a pair serves as an example: short enough, and not about a name that redaction gave."""
    return len(pair.question) <= SHORT_QUESTION and "<" not in pair.question + pair.answer
