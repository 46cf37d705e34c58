"""Have a model read proved pairs of the recorded logs, whose truth is known: what falls is the reader's error.

    python -m tools.reader_report --model local:PATH.gguf --folder FOLDER DATA

DATA is the folder of the recorded logs. Each log is cut into stretches of `--rows` rows, each a session of its own, so that a
whole context fits a small model; it is compiled, and `--pairs` proved pairs are drawn by a seed and read through every gate up
to the first that fails. Every answer is in the store, so a report that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import msgspec

from trajectory_compiler.config import CompileOptions, LocalOptions, ModelOptions, VerificationOptions
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.reading import ReadingStage, ReadOptions, ReadRun
from trajectory_compiler.store import Store

LOGS = ("tau_airline", "coding_agent", "cloudtrail")


def cut(log: Path, place: Path, rows: int) -> None:
    """Write a log whose sessions are stretches of so many rows of the sessions of another."""
    seen: dict[str, int] = {}
    with log.open(encoding="utf-8") as read, place.open("w", encoding="utf-8") as written:
        for line in read:
            row = json.loads(line)
            number = seen[row["session_id"]] = seen.get(row["session_id"], -1) + 1
            row["session_id"] += f"/{number // rows:03d}"
            written.write(json.dumps(row) + "\n")


def line_of(log: str, run: ReadRun) -> str:
    """Return what came of one log as rows of a Markdown table."""
    lines = []
    for gate in run.gates:
        counts = (gate.passed, gate.failed, gate.undecided, gate.untried)
        lines.append(f"| {log} | {gate.gate} | {' | '.join(map(str, counts))} |")
    saved = 1 - run.readings / max(1, run.planned)
    told = f"{run.pairs} pairs, {run.passed} passed, {run.failed} fell, {run.undecided} undecided"
    told += f", {run.readings} of {run.planned} readings"
    return "\n".join([*lines, "", f"{log}: {told} ({saved:.0%} saved)"])


def main() -> None:
    """Read the options, compile what was not compiled, have pairs read, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--logs", nargs="*", choices=LOGS, default=list(LOGS))
    for name, value in {"rows": 24, "pairs": 20, "seed": 1, "context": 16_000, "threads": 1}.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    given = parser.parse_args()
    given.folder.mkdir(parents=True, exist_ok=True)
    models = ModelOptions(on_this_machine=LocalOptions(context_tokens=given.context, threads=given.threads))
    print("| log | gate | passed | fell | unread | not tried |\n|---|---|---:|---:|---:|---:|")
    for log in given.logs:
        place = given.folder / f"{log}.jsonl"
        with Store.open(given.folder / f"{log}.db") as store:
            if not place.exists():
                cut(given.data / f"{log}.jsonl", place, given.rows)
                compile_into(store, str(place), CompileOptions())
            asked = ReadOptions(
                reader=given.model, judge=given.model, only="all", dataflow=given.pairs, seed=given.seed, thorough=True
            )
            run = ReadingStage(store, asked, models, VerificationOptions()).go()
            (given.folder / f"{log}.json").write_bytes(msgspec.json.encode(run))
            print(line_of(log, run), flush=True)


if __name__ == "__main__":
    main()
