"""The model stage of `compile` on the command line: its options, the question before the first remote run, its last line."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from trajectory_compiler.cli.options import CONFIG_NAME
from trajectory_compiler.cli.screen import counted, progress_bar, warn
from trajectory_compiler.cli.who import actor
from trajectory_compiler.config import CompileOptions, ModelOptions, SpendingLimits
from trajectory_compiler.errors import OptionError
from trajectory_compiler.models import Address, address_of, read_model_options, resolve_model, usd_of
from trajectory_compiler.pipeline import RunSummary
from trajectory_compiler.pipeline.model_pairs import Estimated, ModelRun, ModelStage, Work
from trajectory_compiler.store import Action, Store
from trajectory_compiler.store.clock import utc_now
from trajectory_compiler.synthesis import REASONS, SynthesisOptions

Command = TypeVar("Command", bound=Callable[..., Any])
BUDGET_SPENT = 3
FAILURES = ("call_failed", "context_overflow", "invalid_output")
_MADE: dict[Work, str] = {
    "pairs": "{kept:,} of {proposed:,} proposed pairs kept as candidates",
    "programs": "{kept:,} of {proposed:,} proposed programs proved",
    "paraphrase": "{kept:,} of {proposed:,} questions reworded",
}
AGREED = "send-to"  # the kind of the action that remembers a host to which redacted sessions may be sent


def take_dollars(_: click.Context, __: click.Parameter, value: str | None) -> Decimal | None:
    """Read an amount of dollars, as a callback of click. Raises BadParameter for what is none."""
    try:
        amount = None if value is None else Decimal(value)
    except InvalidOperation as error:
        raise click.BadParameter(f"'{value}' is no number of dollars") from error
    if amount is not None and not (amount.is_finite() and amount >= 0):
        raise click.BadParameter("it must be 0 or more")
    return amount


def model_options(command: Command) -> Command:
    """Add the options that say which model is asked, for what and for how much."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--model",
            metavar="NAME",
            help="Ask a model for more pairs: cheap, strong, local, or provider:name.  [default: no model is asked]",
        ),
        click.option(
            "--pairs",
            type=click.IntRange(1, 5),
            metavar="N",
            default=5,
            show_default=True,
            help="At most so many of a session.",
        ),
        click.option(
            "--ask",
            "asked",
            multiple=True,
            type=click.Choice(("programs", "pairs")),
            help="For question programs (proved) or pairs in prose (candidates); repeatable.  [default: both]",
        ),
        click.option("--paraphrase", is_flag=True, help="Let the model reword the proved questions, too."),
        click.option("--max-cost-usd", callback=take_dollars, metavar="USD", help="What this run may spend."),
        click.option("--max-session-usd", callback=take_dollars, metavar="USD", help="What one session may cost."),
        click.option("--max-day-usd", callback=take_dollars, metavar="USD", help="What all runs of a day (UTC) may spend."),
        click.option("--batch", is_flag=True, help="Half price: submit now, collect with the same command up to a day later."),
        click.option("--dry-run", is_flag=True, help="Say what the model would be sent and what it would cost; ask nothing."),
        click.option("--yes", is_flag=True, help="Agree to sending redacted sessions to the model's host."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


class ModelChoice(msgspec.Struct, frozen=True, kw_only=True):
    """What the options of `model_options` come to."""

    asked: SynthesisOptions
    models: ModelOptions
    address: Address
    works: tuple[Work, ...]
    batch: bool
    dry_run: bool
    yes: bool


def take_model_options(given: dict[str, Any]) -> ModelChoice | None:
    """Take the values of `model_options` out of a command's; None where no model was named.

    Raises: OptionError: there is no such model. UsageError: an option needs a model.
    """
    names = (
        "model",
        "pairs",
        "asked",
        "paraphrase",
        "max_cost_usd",
        "max_session_usd",
        "max_day_usd",
        "batch",
        "dry_run",
        "yes",
    )
    taken = {name: given.pop(name) for name in names}
    if taken["model"] is None:
        idle = [name for name in names if name != "pairs" and taken[name]]
        if idle:
            option = "ask" if idle[0] == "asked" else idle[0].replace("_", "-")
            raise click.UsageError(f"--{option} needs a --model.")
        return None
    if taken["batch"] and taken["paraphrase"]:
        raise click.UsageError("--paraphrase asks back at once, which --batch cannot; run it without --batch.")
    models = limited_options(run_usd=taken["max_cost_usd"], session_usd=taken["max_session_usd"], day_usd=taken["max_day_usd"])
    model = resolve_model(taken["model"], models)
    works: tuple[Work, ...] = tuple(dict.fromkeys(taken["asked"])) or ("programs", "pairs")
    works += ("paraphrase",) if taken["paraphrase"] else ()
    return ModelChoice(
        asked=SynthesisOptions(model=str(model), pairs=taken["pairs"]),
        models=models,
        address=address_of(model, models),
        works=works,
        batch=taken["batch"],
        dry_run=taken["dry_run"],
        yes=taken["yes"],
    )


def limited_options(**limits: Decimal | None) -> ModelOptions:
    """Return the model options of the config file with the limits of the command line in place of its own."""
    models = read_model_options(Path(CONFIG_NAME))
    given = {name: value for name, value in limits.items() if value is not None}
    merged = msgspec.structs.asdict(models.limits) | given
    return msgspec.structs.replace(models, limits=SpendingLimits(**merged))


def ask_model(store: Store, summary: RunSummary, options: CompileOptions, choice: ModelChoice) -> list[ModelRun]:
    """Run the model stage over what a compile run selected. Raises OptionError where nobody agreed to sending it."""
    agree(store, choice.address, choice.asked.model, yes=choice.yes)
    if choice.address.note:
        warn(choice.address.note)
    runs: list[ModelRun] = []
    for work in choice.works:
        stage = ModelStage(store, summary, (options, choice.asked, choice.models), work, batch=choice.batch)
        with progress_bar("sessions") as progress:
            runs.append(stage.go(progress))
        for problem in runs[-1].problems:
            warn(problem)
        if runs[-1].stopped:
            break
    return runs


def plan_model(store: Store, summary: RunSummary, options: CompileOptions, choice: ModelChoice) -> list[Estimated]:
    """Return what the model stage would send and cost at most, for each thing that it is asked for."""
    now = datetime.now(UTC)
    return [ModelStage(store, summary, (options, choice.asked, choice.models), work).planned(now) for work in choice.works]


def estimate_line(estimated: Estimated, work: Work) -> str:
    """Return what `--dry-run` prints of one thing that is asked for."""
    if work == "paraphrase":
        return f"{estimated.model.rstrip(':')}, paraphrase: two calls for ten questions, of a length that is known only then."
    if not estimated.calls:
        return f"{estimated.model.rstrip(':')}, {work}: nothing to ask, every session is done."
    batch = " (a batch costs about half)" if estimated.cost_pico_usd else ""
    share = estimated.input_tokens / max(1, estimated.whole_tokens)
    price = "at an unknown price" if estimated.cost_pico_usd is None else f"at most ${usd_of(estimated.cost_pico_usd):f}"
    asked = f"{counted(estimated.calls, 'call')} for {counted(estimated.sessions, 'session')}"
    return (
        f"{estimated.model.rstrip(':')}, {work}: {asked}, about "
        f"{estimated.input_tokens:,} tokens sent ({share:.0%} of the sessions' {estimated.whole_tokens:,}), at most "
        f"{estimated.output_tokens:,} written, {price}{batch}. Nothing was asked; leave --dry-run out to ask."
    )


def run_line(run: ModelRun, work: Work) -> str:
    """Return the line that the model stage ends in."""
    price = "at an unknown price" if run.cost_pico_usd is None else f"${usd_of(run.cost_pico_usd):f}"
    failed = f", {counted(run.failed, 'session')} failed ({_told(run)})" if run.failed else ""
    failed += f", {counted(run.deferred, 'session')} wait for a batch: run again later" if run.deferred else ""
    stopped = f"; stopped: {run.stopped}" if run.stopped else ""
    made = _MADE[work].format(kept=run.kept, proposed=run.proposed)
    made += " (read some: trajc sample --candidates)" if work == "pairs" and run.kept else ""
    done = f"{counted(run.done, 'session')}" + (f" ({run.skipped:,} done before)" if run.skipped else "")
    calls = f"{counted(run.calls, 'call')} ({run.cached:,} more answered from the store)"
    return f"{run.model.rstrip(':')}: {done}, {made}, {calls}, {price}{failed}{stopped}"


def _told(run: ModelRun) -> str:
    """Say why sessions failed, the commonest reason first."""
    failures = [f"{REASONS[reason]}: {count:,}" for reason, count in run.reasons.items() if reason in FAILURES]
    return "; ".join(failures) or "why: trajc stats"


def exit_code(runs: list[ModelRun]) -> int:
    """Return 3 where the budget ended a run, 1 where a session failed or a batch has a problem, else 0."""
    if any(run.stopped for run in runs):
        return BUDGET_SPENT
    return 1 if any(run.failed or run.problems for run in runs) else 0


def agree(store: Store, address: Address, model: str, *, yes: bool) -> None:
    """Ask once for each host and store whether redacted sessions may be sent there. Raises OptionError where nobody can say."""
    host = address.host
    if not address.leaves_machine or any(a.kind == AGREED and a.target == host for a in store.actions()):
        return
    told = f"Redacted turns of the sessions will be sent to {host} ({model})."
    if not yes:
        if not sys.stdin.isatty():
            seen = f"redacted turns of the sessions would be sent to {host}, and nobody agreed to that"
            raise OptionError(f"ask model '{model}'", seen, "Add --yes if it is meant; --dry-run says how much it is.")
        click.confirm(f"{told} Go on?", abort=True)
    store.record_action(Action(kind=AGREED, actor=actor(), target=host, detail={}, created_at=utc_now()))
