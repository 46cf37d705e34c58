"""`python -m benchmarks.tokens`: the estimate of tokens against llama.cpp's own count, turn by turn and in its usage block.

    python -m benchmarks.tokens --model "" --model /models/qwen.gguf

Turns are rendered as prompts show them, after redaction, from the recorded logs. `ratio` is estimate / count over all turns,
then the 5th, 50th and 95th percentile of single turns. `usage` asks the model itself: whole requests, with instructions and
roles.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
import urllib.request
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from trajectory_compiler.config import LocalOptions, ModelOptions, SessionOptions, SourceOptions
from trajectory_compiler.errors import InvalidOutputError
from trajectory_compiler.model import render
from trajectory_compiler.models import CallPlace, ModelName, Request, estimate, estimate_tokens, open_client
from trajectory_compiler.models.local import start
from trajectory_compiler.redaction import Boundary, load_policy, redact
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.store import Store

DATA = Path(__file__).resolve().parents[1].parent / "shared" / "data"
LOGS = ("tau_airline", "coding_agent", "cloudtrail")
HERE = LocalOptions(context_tokens=4_096)
USAGE_CHARACTERS = 3_000
INSTRUCTIONS = "Read the turns of a log and answer in the asked form."


class Seen(msgspec.Struct, frozen=True):
    """An answer that is as short as it can be: what is counted is the prompt."""

    ok: bool


def rendered_turns(log: Path, count: int, seed: int = 7) -> list[str]:
    """Return some turns of a log as prompts show them, the same ones for a seed."""
    boundary = Boundary(lambda _: False, lambda _: 0)
    policy = load_policy("standard")
    sessions = open_sessions(open_source(str(log), SourceOptions()), SessionOptions())
    turns = [render(turn) for raw in sessions for turn in redact(raw, policy, boundary).turns]
    random.Random(seed).shuffle(turns)
    return turns[:count]


def counted(base_url: str, text: str) -> int:
    """Return how many tokens the server's own tokenizer makes of a text."""
    address = base_url.removesuffix("/v1") + "/tokenize"
    request = urllib.request.Request(address, json.dumps({"content": text}).encode(), {"content-type": "application/json"})
    with urllib.request.urlopen(request) as response:
        return len(json.load(response)["tokens"])


def usage_ratio(name: str, prompt: str, folder: Path) -> float:
    """Return estimate / count of a whole request, the count from the usage block of a real answer."""
    options = ModelOptions(on_this_machine=HERE)
    request = Request(
        model=ModelName("local", name), instructions=INSTRUCTIONS, prompt=prompt, answer_type=Seen, max_output_tokens=16
    )

    async def go(store: Store) -> None:
        async with open_client(options, store.call_ledger(store.begin_run("bench", "tokens", "{}", "1")), None) as client:
            await client.ask(request, CallPlace(stage="benchmark", prompt_version="1"))

    with Store.open(folder / f"{time.time_ns()}.db") as store:
        with suppress(InvalidOutputError):  # a small model may pretty-print past the limit: the prompt was counted all the same
            asyncio.run(go(store))
        used = min(call.usage.input_tokens or 0 for call in store.calls())  # the repair, where there was one, is longer
    return estimate(request, options, datetime.now(UTC)).input_tokens / used


def main(arguments: Sequence[str] | None = None) -> int:
    """Print one line for each model and log."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.tokens", description=__doc__)
    parser.add_argument("--model", action="append", help="a GGUF file; '' is the one of the extra [local] (the default)")
    parser.add_argument("--turns", type=int, default=300, help="turns of each log")
    parser.add_argument("--usage", type=int, default=3, help="whole requests of each log")
    given = parser.parse_args(arguments)
    if not DATA.is_dir():
        print("Cannot measure: the recorded logs (../shared/data) are not beside this checkout.", file=sys.stderr)
        return 2
    print(f"{'model':<36} {'log':<13} {'turns':>5} {'ratio':>6} {'p5':>5} {'p50':>5} {'p95':>5}  usage")
    for name in given.model or [""]:
        running = start(name, HERE)
        for log in LOGS:
            _print_line(name, log, rendered_turns(DATA / f"{log}.jsonl", given.turns), running.base_url, given.usage)
    return 0


def _print_line(name: str, log: str, turns: list[str], base_url: str, usage: int) -> None:
    pairs = [(estimate_tokens(turn), counted(base_url, turn)) for turn in turns]
    ratios = sorted(guess / count for guess, count in pairs)
    total = sum(guess for guess, _ in pairs) / sum(count for _, count in pairs)
    low, middle, high = (ratios[int(len(ratios) * share)] for share in (0.05, 0.5, 0.95))
    prompts = ["\n\n".join(turns[number::usage])[:USAGE_CHARACTERS] for number in range(usage)]
    with tempfile.TemporaryDirectory() as folder:
        whole = " ".join(f"{usage_ratio(name, prompt, Path(folder)):.2f}" for prompt in prompts)
    shown = Path(name).name or "SmolLM2-135M-Instruct.Q4_1.gguf"
    print(f"{shown:<36} {log:<13} {len(turns):>5} {total:>6.3f} {low:>5.2f} {middle:>5.2f} {high:>5.2f}  {whole}", flush=True)


if __name__ == "__main__":
    sys.exit(main())
