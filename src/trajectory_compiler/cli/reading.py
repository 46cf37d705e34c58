"""`trajc verify --model` on the command line: who reads, what it may cost, and the tables of what came of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from trajectory_compiler.cli.asking import BUDGET_SPENT, agree, limited_options, take_dollars
from trajectory_compiler.cli.options import CONFIG_NAME
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table, warn
from trajectory_compiler.config import ModelOptions
from trajectory_compiler.models import address_of, resolve_model, usd_of
from trajectory_compiler.pipeline.reading import ReadingStage, ReadOptions, ReadPlan, ReadRun
from trajectory_compiler.store import Store
from trajectory_compiler.verification.options_file import read_verification_options

Command = TypeVar("Command", bound=Callable[..., Any])


def reader_options(command: Command) -> Command:
    """Add the options that say which model reads and judges, and for how much."""
    options: list[Callable[[Command], Command]] = [
        click.option("--model", metavar="NAME", help="Who reads: cheap, strong, local, or provider:name.  [default: nobody]"),
        click.option("--judge", metavar="NAME", help="Who grades answers in free text.  [default: the reader]"),
        click.option("--thorough", is_flag=True, help="Read the full context of every pair, twice, not of a sample."),
        click.option("--max-cost-usd", callback=take_dollars, metavar="USD", help="What this run may spend."),
        click.option("--dry-run", is_flag=True, help="Say how much would be read and what it would cost; ask nothing."),
        click.option("--yes", is_flag=True, help="Agree to sending redacted turns to the model's host."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class Readers(msgspec.Struct, frozen=True, kw_only=True):
    """The models that were named: by whom pairs are read and judged."""

    reader: str
    judge: str
    models: ModelOptions


def named_readers(model: str, judge: str | None, max_cost_usd: Decimal | None) -> Readers:
    """Return reader and judge by their full names. Raises OptionError where there is no such model."""
    models = limited_options(run_usd=max_cost_usd)
    reader = str(resolve_model(model, models))
    return Readers(reader=reader, judge=str(resolve_model(judge, models)) if judge else reader, models=models)


def agree_to_readers(store: Store, readers: Readers, *, yes: bool) -> None:
    """Ask once for each host whether redacted turns may be sent there."""
    for name in dict.fromkeys((readers.reader, readers.judge)):
        address = address_of(resolve_model(name, readers.models), readers.models)
        agree(store, address, name, yes=yes)
        if address.note:
            warn(address.note)


def have_read(store: Store, readers: Readers, asked: dict[str, Any], *, dry_run: bool, yes: bool, as_json: bool) -> int:
    """Have stored pairs read and print the tables; return the exit code.

    `asked` holds the fields of `ReadOptions` beside reader and judge.
    """
    options = ReadOptions(reader=readers.reader, judge=readers.judge, **asked)
    stage = ReadingStage(store, options, readers.models, read_verification_options(Path(CONFIG_NAME)))
    plan = stage.planned(datetime.now(UTC))
    if dry_run:
        print_json(plan) if as_json else say(plan_line(plan, options.reader))
        return 0
    if not as_json:
        say(plan_line(plan, options.reader))
    if not plan.pairs and not as_json:
        return 0
    agree_to_readers(store, readers, yes=yes)
    with progress_bar("pairs") as progress:
        run = stage.go(progress)
    print_json(run) if as_json else _print(run)
    return BUDGET_SPENT if run.stopped else 0


def plan_line(plan: ReadPlan, reader: str) -> str:
    """Return what is said before anything is asked."""
    if not plan.pairs:
        return "No pair waits to be read: every one was, or there is none. --only all reads them again."
    price = "at an unknown price" if plan.cost_pico_usd is None else f"at most ${usd_of(plan.cost_pico_usd):f}"
    return (
        f"{reader.rstrip(':')} would read {counted(plan.pairs, 'pair')} in at most {counted(plan.readings, 'call')}, "
        f"about {plan.input_tokens:,} tokens, {price}; a pair that falls is not read on."
    )


def _print(run: ReadRun) -> None:
    shown = table("origin", "gate", "passed", "fell", "unread", "not tried", right=(2, 3, 4, 5))
    for line in run.gates:
        add_row(shown, line.origin, line.gate, line.passed, line.failed, line.undecided, line.untried)
    show(shown)
    if run.calls_by_gate:
        _print_costs(run)
    saved = 1 - run.readings / run.planned if run.planned else 0.0
    say(
        f"{counted(run.pairs, 'pair')} read by {run.reader.rstrip(':')}: {run.passed:,} passed, {run.failed:,} fell, "
        f"{run.undecided:,} undecided; {run.readings:,} readings, {saved:.0%} fewer than all gates take.",
        style="bold",
    )
    if run.disagreed:
        some = ", ".join(identity[:12] for identity in run.disagreed[:5])
        say(f"The reader let {counted(len(run.disagreed), 'proved pair')} fall, where it errs: {some}.")
    say(f"Pairs in prose: {run.tested:,} tested, {run.rejected:,} rejected." if run.trusted else _untrusted(run))
    if run.stopped:
        warn(f"Stopped: {run.stopped}. What was read is saved; run it again to go on.")


def _print_costs(run: ReadRun) -> None:
    shown = table("gate", "calls", "cost", "cost per pair", right=(1, 2, 3))
    for gate, calls in run.calls_by_gate.items():
        cost = run.cost_by_gate.get(gate)
        each = "unknown" if cost is None else f"${usd_of(cost // max(1, run.pairs)):f}"
        add_row(shown, gate, calls, "unknown" if cost is None else f"${usd_of(cost):f}", each)
    show(shown)


def _untrusted(run: ReadRun) -> str:
    return (
        "No pair in prose was moved: this reader has no calibration that is good enough. "
        f"Make one: trajc calibrate --model {run.reader}"
    )
