"""Ask a model about seeded sessions in three ways: `python -m tools.model_report --model local:PATH.gguf --folder FOLDER`.

The demo log is compiled into a store in the folder; sessions of at most `--tokens` tokens are drawn by a seed. Each is asked
about by windows, whole (the research note's method: one session, one prompt), and for question programs. The table gives, for
each way: calls, tokens, what was proposed and kept, the cost at a list price, for each kept pair, too, and what fell and why.
Every answer is in the store's ledger, so a report that is stopped goes on where it was.
"""

from __future__ import annotations

import argparse
import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random
from typing import Any

import msgspec

from trajectory_compiler.config import CompileOptions, LocalOptions, ModelOptions
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.model import Finding, Trajectory, render
from trajectory_compiler.models import Client, ModelName, estimate_tokens, open_client
from trajectory_compiler.models.protocol import Answer, CallPlace, Reply, Request
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.session import Prover
from trajectory_compiler.store import Store
from trajectory_compiler.synthesis import SynthesisOptions, synthesise
from trajectory_compiler.synthesis.options import fitted
from trajectory_compiler.synthesis.programs import propose

SOURCE = "demo"
WAYS = ("windows", "whole", "programs")
COLUMNS = (
    *("way", "sessions", "failed", "calls", "tokens in", "tokens out", "proposed", "kept"),
    *("$ at list price", "$ each kept", "what fell"),
)
INPUT_USD, OUTPUT_USD = 0.30, 2.50  # a million tokens of google:gemini-3.5-flash-lite, November 2026


class Metered:
    """A client that adds up the tokens of the calls that it passes on."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self.calls = self.input = self.output = 0

    async def ask(self, request: Request[Answer], place: CallPlace) -> Reply[Answer]:
        """Pass a request on; a call that brought no usable answer is counted, too."""
        self.calls += 1
        reply = await self._client.ask(request, place)
        self.input += reply.usage.input_tokens or 0
        self.output += reply.usage.output_tokens or 0
        return reply


class Line:
    """What one way came to."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.sessions = self.calls = self.input = self.output = self.proposed = self.kept = self.failed = 0
        self.dropped: Counter[str] = Counter()

    def add(self, meter: Metered, made: tuple[int, int, bool, Sequence[Finding]]) -> None:
        """Add one session."""
        proposed, kept, failed, findings = made
        self.sessions += 1
        self.calls, self.input, self.output = self.calls + meter.calls, self.input + meter.input, self.output + meter.output
        self.proposed, self.kept, self.failed = self.proposed + proposed, self.kept + kept, self.failed + failed
        for finding in findings:
            self.dropped[finding.reason] += finding.count

    def row(self) -> str:
        """Return it as a row of a Markdown table."""
        cost = (self.input * INPUT_USD + self.output * OUTPUT_USD) / 1_000_000
        each = f"{cost / self.kept:.5f}" if self.kept else "-"
        counts = (self.sessions, self.failed, self.calls, self.input, self.output, self.proposed, self.kept)
        reasons = ", ".join(f"{reason} {count}" for reason, count in self.dropped.most_common())
        return f"| {self.way} | {' | '.join(f'{n:,}' for n in counts)} | {cost:.5f} | {each} | {reasons} |"


def drawn(store: Store, count: int, seed: int, most: int) -> list[Trajectory]:
    """Draw sessions of a thousand tokens to `most`, in an order that depends on the seed alone."""
    listed = list(store.sessions(SOURCE))
    Random(seed).shuffle(listed)
    found: list[Trajectory] = []
    for session in listed:
        trajectory = store.trajectory(session.digest)
        if 1_000 <= sum(estimate_tokens(render(turn)) for turn in trajectory.turns) <= most:
            found.append(trajectory)
        if len(found) == count:
            break
    return found


async def ask(way: str, client: Client, index: SessionIndex, options: SynthesisOptions) -> tuple[Metered, Any]:
    """Ask about one session in one way; return the meter and (proposed, kept, failed, findings)."""
    meter = Metered(client)
    if way == "programs":
        made = await propose(index, meter, options, Prover(index, "train").prove)
        return meter, (made.proposed, len(made.pairs), made.failed, made.findings)
    if way == "whole":
        options = msgspec.structs.replace(options, whole_tokens=10**9, window_tokens=10**9)
    written = await synthesise(index, meter, options, estimate_tokens)
    return meter, (written.proposed, len(written.pairs), written.failed, written.findings)


async def report(store: Store, arguments: argparse.Namespace) -> None:
    """Ask about all sessions in all ways and print the table."""
    here = LocalOptions(context_tokens=arguments.context, threads=arguments.threads)
    models = ModelOptions(on_this_machine=here)
    run_id = store.begin_run("report", SOURCE, "{}", "1")
    lines = {way: Line(way) for way in arguments.ways}
    async with open_client(models, store.call_ledger(run_id), None) as client:
        client.check(ModelName.parse(arguments.model))
        options = SynthesisOptions(model=arguments.model, max_output_tokens=arguments.output, temperature=0.0)
        options = fitted(options, client.context_tokens(ModelName.parse(arguments.model)), 1_200)
        sessions = drawn(store, arguments.sessions, arguments.seed, arguments.tokens)
        for number, trajectory in enumerate(sessions, start=1):
            index = SessionIndex(trajectory, lambda _: 1, len(sessions))
            for way in arguments.ways:
                lines[way].add(*await ask(way, client, index, options))
            so_far = [f"{way}: {line.kept}/{line.proposed}" for way, line in lines.items()]
            print(f"{number} of {len(sessions)}", *so_far, flush=True)
    print(f"\n{arguments.model}, {len(sessions)} sessions of 1,000 to {arguments.tokens:,} tokens, seed {arguments.seed}\n")
    print(f"| {' | '.join(COLUMNS)} |")
    print("|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|---|")
    for line in lines.values():
        print(line.row())


def main() -> None:
    """Read the options, compile the demo log where that was not done, report."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--model", required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--ways", nargs="*", choices=WAYS, default=list(WAYS))
    numbers = {"sessions": 20, "seed": 1, "tokens": 8_000, "context": 12_000, "output": 1_000, "threads": 1}
    for name, value in numbers.items():
        parser.add_argument(f"--{name}", type=int, default=value)
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    log = arguments.folder / "demo.jsonl"
    with Store.open(arguments.folder / "store.db") as store:
        if not log.exists():
            write_demo_log(log)
            compile_into(store, str(log), CompileOptions())
        asyncio.run(report(store, arguments))


if __name__ == "__main__":
    main()
