"""The paper's own compilation on the command line: `compile --method acc`, its options, its last lines."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

from trajectory_compiler.cli.options import DEFAULT_STORE, named_store
from trajectory_compiler.cli.screen import counted, progress_bar
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.pipeline import RunSummary
from trajectory_compiler.pipeline.acc_pairs import AccRun, AccStage
from trajectory_compiler.store import Store
from trajectory_compiler.synthesis.acc import REASONS, check_fields
from trajectory_compiler.synthesis.options import AccOptions

Command = TypeVar("Command", bound=Callable[..., Any])
_WORDS = {
    "first-message": "the user's first message",
    "messages": "all that the user says",
    "last-message": "the agent's last message",
}
_OVERRULE = "overrule with --task (messages, TOOL.ARGUMENT) and --answer (TOOL.ARGUMENT)."


def acc_options(command: Command) -> Command:
    """Add the options that choose the method and say where task and final answer stand."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--method",
            type=click.Choice(("dataflow", "acc")),
            default="dataflow",
            show_default=True,
            help="acc: pair each session's task with its final answer, too, as the ACC paper does.",
        ),
        click.option(
            "--task",
            metavar="FIELD",
            help="For acc: first-message, messages (all that the user says) or TOOL.ARGUMENT.  [default: first-message]",
        ),
        click.option(
            "--answer", metavar="FIELD", help="For acc: last-message or TOOL.ARGUMENT (submit.answer).  [default: last-message]"
        ),
        click.option("--only-success", is_flag=True, help="For acc: only sessions whose last call succeeded."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def take_acc_options(given: dict[str, Any]) -> AccOptions | None:
    """Take the values of `acc_options` out of a command's; None for another method.

    Raises: OptionError: a field is none. UsageError: an option needs the method.
    """
    taken = {name: given.pop(name) for name in ("method", "task", "answer", "only_success")}
    method = taken.pop("method")
    named = {name: value for name, value in taken.items() if value}
    if method != "acc":
        if named:
            raise click.UsageError(f"--{next(iter(named)).replace('_', '-')} needs --method acc.")
        return None
    options = AccOptions(**named)
    check_fields(options)
    return options


def pair_up(store: Store, summary: RunSummary, options: CompileOptions, asked: AccOptions) -> AccRun:
    """Run the stage over what a compile run selected."""
    with progress_bar("sessions") as progress:
        return AccStage(store, summary, options, asked).go(progress)


def acc_lines(run: AccRun, asked: AccOptions, store: str = DEFAULT_STORE) -> list[str]:
    """Return what was taken for task and answer, what came of it, the reasons why not, and what to do next."""
    named = named_store(store)
    taken = f"acc: the task is {_WORDS.get(asked.task, asked.task)}, the answer {_WORDS.get(asked.answer, asked.answer)}."
    done = f" ({run.skipped:,} done before)" if run.skipped else ""
    following = f"next: trajc export --origin acc --format acc --context 16k{named}" if run.pairs or run.skipped else _OVERRULE
    lines = [taken, f"  {counted(run.done, 'session')}{done}, {counted(run.pairs, 'candidate pair')}; {following}"]
    return lines + [f"  {count:,} without: {REASONS.get(reason, reason)}" for reason, count in run.dropped.items()]
