"""`python -m benchmarks.redaction`: redact the labelled logs and print, by type, what was found.

`--presidio PYTHON` names the Python of an environment that has Presidio; it runs over the first `--rows` rows of each data set,
and this project's boundary over the same rows beside it. `--half` takes every second session: `first` is what the rules were
tuned on, `second` is not. `--leaks` lists what was left over (all data is synthetic).
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from benchmarks.redaction.engines import by_boundary, by_presidio
from benchmarks.redaction.labelled import DATA, LabelledRow, half, sentences, uk_log
from benchmarks.redaction.report import printed
from benchmarks.redaction.scores import Score, score
from trajectory_compiler.redaction import load_policy


def main(arguments: Sequence[str] | None = None) -> int:
    """Score the engines on the data sets that were asked for."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.redaction", description=__doc__)
    parser.add_argument("--set", choices=tuple(_SETS), action="append", help="a data set (default: all)")
    parser.add_argument("--half", choices=("first", "second"), help="every second session only")
    parser.add_argument("--policy", default="standard", help="the policy to redact with")
    parser.add_argument("--names", choices=("patterns", "model"), default="patterns", help="who looks for people in prose")
    parser.add_argument("--presidio", type=Path, metavar="PYTHON", help="the Python of an environment that has Presidio")
    parser.add_argument("--rows", type=int, default=500, help="how many rows Presidio gets")
    parser.add_argument("--json", action="store_true", help="print the scores as JSON")
    parser.add_argument("--leaks", action="store_true", help="list what was left over")
    parser.add_argument("--wrong", action="store_true", help="list what was replaced without a label")
    options = parser.parse_args(arguments)
    if not DATA.is_dir():
        print("Cannot measure redaction: the labelled logs (../shared/data) are not beside this checkout.", file=sys.stderr)
        return 2
    policy = msgspec.structs.replace(load_policy(options.policy), names=options.names)
    engine = policy.name if options.names == "patterns" else f"{policy.name} + model"
    every: dict[str, list[Score]] = {}
    for name in options.set or list(_SETS):
        rows = list(_SETS[name]())
        if options.half:
            rows = half(rows, odd=options.half == "second")
        title = f"{name}{', ' + options.half + ' half' if options.half else ''}"
        outcome = by_boundary(rows, policy)
        scores = [score(engine, rows, outcome.intervals, outcome.cpu_seconds)]
        if options.presidio:
            some = rows[: options.rows]
            outcome = by_boundary(some, policy)
            scores.append(score(f"{engine}, {len(some)} rows", some, outcome.intervals, outcome.cpu_seconds))
            outcome = by_presidio(some, options.presidio)
            scores.append(score(f"presidio, {len(some)} rows", some, outcome.intervals, outcome.cpu_seconds))
        every[title] = scores
        if not options.json:
            print(printed(title, scores), flush=True)
        for leak in scores[0].leaks if options.leaks else ():
            print(f"{leak.kind:16} {leak.value!r:40} {leak.around!r}")
        for around in scores[0].wrong if options.wrong else ():
            print(repr(around))
    if options.json:
        sys.stdout.buffer.write(msgspec.json.encode(every) + b"\n")
    return 0


def _second() -> list[LabelledRow]:
    from benchmarks.redaction.second_log import rows  # noqa: PLC0415  made on demand

    return list(rows())


def _third() -> list[LabelledRow]:
    from benchmarks.redaction.third_log import rows  # noqa: PLC0415  made on demand

    return list(rows())


_SETS: dict[str, Callable[[], Sequence[LabelledRow]]] = {
    "uk": lambda: list(uk_log()),
    "sentences": lambda: list(sentences()),
    "second": _second,
    "third": _third,
}


if __name__ == "__main__":
    sys.exit(main())
