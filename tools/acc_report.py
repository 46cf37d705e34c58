"""Report what `--method acc` makes of the recorded logs and of the demo log: `python -m tools.acc_report`.

One table says how many sessions give a pair and why the others do not, another how the contexts of each length are filled: the
tokens of the supporting pieces, of whole contexts, and how many sessions lent pieces. Writes Markdown to standard output.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Iterator
from pathlib import Path

from tools.draw_sample import LOGS, ROOT
from trajectory_compiler.config import CompileOptions, DataflowOptions
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.exports.pieces import PieceContexts
from trajectory_compiler.exports.request import ACC_STATES, parse_context
from trajectory_compiler.model import Pair
from trajectory_compiler.models.tokens import estimate_tokens
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.acc_pairs import AccStage
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.synthesis.options import AccOptions

OPTIONS = CompileOptions(dataflow=DataflowOptions(max_pairs=1))  # one proved pair a session, so that its split is known
LENGTHS = ("evidence", "full", "4k", "16k", "64k", "128k")
GUESSED = AccOptions()
SAID = AccOptions(task="messages")
ASKED: dict[str, tuple[AccOptions, ...]] = {
    "tau_airline": (GUESSED, SAID, AccOptions(task="messages", only_success=True)),
    "coding_agent": (GUESSED,),
    "cloudtrail": (GUESSED,),
    "demo": (GUESSED, SAID, AccOptions(task="search_tickets.subject", answer="add_comment.text")),
}


def report(log: Path, folder: Path) -> Iterator[str]:
    """Yield the lines of one log."""
    with Store.open(folder / log.stem / "store.db") as store:
        summary = compile_into(store, str(log), OPTIONS)
        for options in ASKED[log.stem]:
            run = AccStage(store, summary, OPTIONS, options).go()
            pairs = list(store.pairs(PairQuery(states=ACC_STATES, origins=("acc",))))
            only = ", only success" if options.only_success else ""
            yield f"### {log.stem}: {options.task}, {options.answer}{only}"
            yield ""
            yield f"{run.pairs} pairs of {run.sessions} sessions; " + ", ".join(f"{n} {r}" for r, n in run.dropped.items())
            yield ""
            if pairs:
                yield from contexts(store, pairs)


def contexts(store: Store, pairs: list[Pair]) -> Iterator[str]:
    """Yield how the contexts of some pairs are filled at each length."""
    pieces = [len(pair.supporting_turns) for pair in pairs]
    hops, width = (statistics.mean(getattr(pair, name) for pair in pairs) for name in ("hops", "width"))
    mean = statistics.mean(pieces)
    yield f"Supporting pieces {min(pieces)} to {max(pieces)}, mean {mean:.1f}; {hops:.1f} hops, {width:.1f} wide."
    yield ""
    yield "| context | pairs | tokens: least | median | most | mean lenders |"
    yield "|---|---|---|---|---|---|"
    made = PieceContexts(store, lambda _: (), estimate_tokens, 0)
    for length in LENGTHS:
        shown = [made.context(pair, store.trajectory_of(pair), parse_context(length)) for pair in pairs]
        tokens = [estimate_tokens(each.text) for each in shown if each is not None]
        lenders = [len(each.lenders) for each in shown if each is not None]
        if tokens:
            middle, lent = statistics.median(tokens), statistics.mean(lenders)
            yield f"| {length} | {len(tokens)} | {min(tokens):,} | {middle:,.0f} | {max(tokens):,} | {lent:.1f} |"
    yield ""


def main() -> None:
    """Print the report."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        demo = folder / "demo.jsonl"
        write_demo_log(demo)
        for log in (*(ROOT.parent / "shared" / "data" / log for log in LOGS), demo):
            for line in report(log, folder):
                print(line)


if __name__ == "__main__":
    main()
