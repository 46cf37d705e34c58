"""Draw random pairs for people to judge: `python -m tools.draw_sample FOLDER`.

Compiles the recorded logs into a store in FOLDER and draws `--per-log` pairs of each, at random with `--seed`: the same seed
gives the same pairs. Nothing is chosen by hand. FOLDER then holds

- `blind.md`: the questions, numbered, each with the file of its session. A reader answers from it, the gold hidden;
- `sessions/`: each session as text, one turn after another, cut where the question's context ends and without withheld turns;
- `key.md`: question, answer, kind, supporting turns and evidence, for judging after the reader has answered.

`--print blind` or `--print key` writes one of the pages to the terminal as well.
"""

from __future__ import annotations

import argparse
import random
import sys
from collections.abc import Sequence
from pathlib import Path

from trajectory_compiler.config import CompileOptions
from trajectory_compiler.exports import parse_context
from trajectory_compiler.exports.context import SessionText
from trajectory_compiler.model import Pair
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.store import PairQuery, Store

ROOT = Path(__file__).resolve().parents[1]
LOGS = ("tau_airline.jsonl", "coding_agent.jsonl", "cloudtrail.jsonl")


def draw(store: Store, per_log: int, seed: int) -> list[Pair]:
    """Return the sample, shuffled, so that a reader cannot tell the log from the number."""
    names = sorted({facts.source for facts in store.facts()})
    drawn = [pair for name in names for pair in store.pairs(PairQuery(source=name, limit=per_log, seed=seed))]
    random.Random(seed).shuffle(drawn)
    return drawn


def write_sample(store: Store, pairs: Sequence[Pair], folder: Path) -> None:
    """Write the session files and both pages."""
    sessions = folder / "sessions"
    sessions.mkdir(parents=True, exist_ok=True)
    for number, pair in enumerate(pairs, start=1):
        (folder / session_file(number)).write_text(shown_session(store, pair), encoding="utf-8")
    (folder / "blind.md").write_text("\n".join(blind(pairs)) + "\n", encoding="utf-8")
    (folder / "key.md").write_text("\n".join(key(store, pairs)) + "\n", encoding="utf-8")


def session_file(number: int) -> str:
    """Return the name of the session file of a question."""
    return f"sessions/{number:02d}.txt"


def shown_session(store: Store, pair: Pair) -> str:
    """Return the session as a reader of the pair may see it."""
    return f"{SessionText(store.trajectory_of(pair)).context(pair, parse_context('full'))}\n"


def blind(pairs: Sequence[Pair]) -> list[str]:
    """Return the page for the reader."""
    lines = [
        "# Questions",
        "",
        "Answer each from its session file alone. Where the session does not say, answer that it does not.",
        "",
    ]
    for number, pair in enumerate(pairs, start=1):
        lines += [f"## {number:02d}", "", pair.question, "", f"Session: `{session_file(number)}`", ""]
    return lines


def key(store: Store, pairs: Sequence[Pair]) -> list[str]:
    """Return the page for the judge."""
    lines = ["# Key", ""]
    for number, pair in enumerate(pairs, start=1):
        turns = len(store.trajectory_of(pair).turns)
        supporting = ", ".join(f"#{turn:03d}" for turn in pair.supporting_turns)
        lines += [f"## {number:02d}", "", pair.question, "", f"Answer: `{pair.answer}`", ""]
        lines += [f"{pair.qa_type}, {pair.source}, session `{pair.session_id}` ({turns} turns), supporting {supporting}", ""]
        lines += [f"- #{e.turn:03d} `{e.path}`: {_short(e.quote)}" for e in pair.evidence]
        lines += [f"- withheld: #{turn:03d} of the whole session" for turn in pair.withheld_turns]
        lines += [f"- id `{pair.id}`", ""]
    return lines


def _short(quote: str) -> str:
    return quote if len(quote) <= 120 else f"{quote[:117]}..."


def main(arguments: Sequence[str] | None = None) -> int:
    """Compile, draw and write; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tools.draw_sample", description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path, help="where the sample goes; must not exist yet")
    parser.add_argument("--logs", type=Path, default=ROOT.parent / "shared" / "data", help="the folder of recorded logs")
    parser.add_argument("--per-log", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--print", choices=("blind", "key"), dest="shown", help="print this page, too")
    options = parser.parse_args(arguments)
    missing = [name for name in LOGS if not (options.logs / name).is_file()]
    if missing or options.folder.exists():
        print(
            f"Cannot draw a sample: {', '.join(missing) + ' missing' if missing else 'the folder exists already'}.",
            file=sys.stderr,
        )
        return 2
    options.folder.mkdir(parents=True)
    with Store.open(options.folder / "store.db", create=True) as store:
        for name in LOGS:
            compile_into(store, str(options.logs / name), CompileOptions())
        pairs = draw(store, options.per_log, options.seed)
        write_sample(store, pairs, options.folder)
    if options.shown:
        print((options.folder / f"{options.shown}.md").read_text(encoding="utf-8"))
    else:
        print(f"{len(pairs)} pairs: {options.folder}/blind.md for the reader, {options.folder}/key.md for the judge")
    return 0


if __name__ == "__main__":
    sys.exit(main())
