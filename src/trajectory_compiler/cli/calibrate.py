"""`trajc calibrate`: known faults planted into proved pairs, and how many of them a reader finds."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.options import CONFIG_NAME
from trajectory_compiler.cli.reading import agree_to_readers, named_readers, reader_options
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table
from trajectory_compiler.pipeline.calibrating import CalibrationOptions, calibrate, cases
from trajectory_compiler.store import Store
from trajectory_compiler.verification.options_file import read_verification_options
from trajectory_compiler.verification.readers.calibration import SOUND, Calibration, Rate, is_trusted


@click.command(
    name="calibrate",
    epilog=shared.example(
        "trajc calibrate --model strong --yes",
        "trajc calibrate --model local:qwen.gguf --pairs 20",
        "trajc calibrate --model cheap --judge strong --thorough --max-cost-usd 2",
    ),
)
@reader_options
@click.option("--pairs", type=click.IntRange(1), metavar="N", default=30, show_default=True, help="So many proved pairs.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Another seed draws other pairs.")
@click.option("--source", metavar="NAME", help="Only pairs of this log.")
@shared.store_option
@shared.json_option
def command(
    model: str | None,
    judge: str | None,
    max_cost_usd: Decimal | None,
    dry_run: bool,
    yes: bool,
    store: str,
    as_json: bool,
    **given: object,
) -> int:
    """Plant known faults into proved pairs and count how many a reader finds.

    Six faults: a wrong answer, a near miss, a swapped turn, turns that stand side by side, an answer told in the question, an
    anchor that fits several calls. The figures are stored; without good ones a reader moves no pair (docs/verification.md).
    """
    if model is None:
        raise click.UsageError("--model says who reads: trajc calibrate --model strong")
    readers = named_readers(model, judge, max_cost_usd)
    options = CalibrationOptions(reader=readers.reader, judge=readers.judge, **given)  # type: ignore[arg-type]  # click's types
    with Store.open(store, create=False) as opened:
        if dry_run:
            chosen = cases(opened, options)
            sound = sum(case.kind == SOUND for case in chosen)
            told = {"sound": sound, "faults": len(chosen) - sound}
            print_json(told) if as_json else say(
                f"{sound:,} sound pairs and {len(chosen) - sound:,} with a fault would be read."
            )
            return 0
        agree_to_readers(opened, readers, yes=yes)
        with progress_bar("pairs") as progress:
            found = calibrate(opened, options, readers.models, progress)
    if as_json:
        print_json(found)
    else:
        _print(found)
    return 0


def _print(found: Calibration) -> None:
    shown = table("planted", "pairs", "found", "rate", "95% interval", right=(1, 2, 3))
    for kind, rate in found.detected.items():
        add_row(shown, kind.replace("_", " "), rate.count, rate.hits, f"{rate.rate:.0%}", _interval(rate))
    add_row(
        shown,
        "any fault",
        found.detection.count,
        found.detection.hits,
        f"{found.detection.rate:.0%}",
        _interval(found.detection),
    )
    rejected = found.false_rejection
    add_row(shown, "nothing (rejected wrongly)", rejected.count, rejected.hits, f"{rejected.rate:.0%}", _interval(rejected))
    show(shown)
    saved = 1 - found.readings / found.planned if found.planned else 0.0
    say(
        f"{found.reader.rstrip(':')}: kappa {found.kappa:.2f} ({found.kappa_low:.2f} to {found.kappa_high:.2f}; a constant "
        f"answer: 0), right {found.accuracy.rate:.0%} (constant: {found.baseline:.0%}), unread {found.undecided.rate:.0%}; "
        f"{counted(found.pairs, 'pair')} of {counted(found.sessions, 'session')}, {found.readings:,} readings, "
        f"{saved:.0%} fewer than all gates take.",
        style="bold",
    )
    limits = read_verification_options(Path(CONFIG_NAME))
    trusted = is_trusted(found, limits.min_detection, limits.max_false_rejection)
    wanted = (
        f"{limits.min_detection:.0%} of the faults found, {limits.max_false_rejection:.0%} of the sound pairs rejected at most"
    )
    say(f"It may move pairs in prose ({wanted})." if trusted else f"It may not move pairs in prose: wanted are {wanted}.")


def _interval(rate: Rate) -> str:
    return f"{rate.low:.0%} to {rate.high:.0%}"
