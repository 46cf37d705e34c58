"""Report what windows save and what they keep together: `python -m tools.window_report`.

For the recorded coding log and the demo log: the tokens that the windows of all sessions take against sending every session
whole, without and with the instructions that go with each call; and of the pairs that the dataflow proved in sessions of more
than one window's length, how many have all their supporting turns in one window, and all their quotes in its text. Beside it
the same for contiguous stretches of the same number and size, begun at even steps. Writes Markdown to standard output.
Tokens are characters / 4.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.draw_sample import ROOT
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.model import Pair, Trajectory, render
from trajectory_compiler.pipeline.session import Corpus, compile_trajectory
from trajectory_compiler.pipeline.snapshot import take_snapshot
from trajectory_compiler.redaction import Boundary, load_policy, redact
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sessions.effects import is_effect
from trajectory_compiler.sources import open_source
from trajectory_compiler.statistics import Snapshot
from trajectory_compiler.synthesis.options import SynthesisOptions
from trajectory_compiler.synthesis.prompts import instructions
from trajectory_compiler.synthesis.windows import Window, windows_of

FAR = 50  # turns between the first and the last supporting turn


def tokens(text: str) -> int:
    """Return the tokens of a text at a guess."""
    return -(-len(text) // 4)


def redacted(log: Path) -> tuple[list[Trajectory], Snapshot]:
    """Read, group and redact a log by the standard policy."""
    options = CompileOptions()
    sessions = open_sessions(open_source(str(log), options.source), options.sessions)
    snapshot = take_snapshot(sessions, lambda _: None)
    boundary = Boundary(lambda row: row.kind == "tool" and is_effect(row.tool, {}), snapshot.document_frequency)
    policy = load_policy("standard")
    return [redact(raw, policy, boundary) for raw in sessions], snapshot


def stretches(trajectory: Trajectory, windows: Sequence[Window]) -> list[set[int]]:
    """Return contiguous turns, as many tokens for each as the window of its place has."""
    sizes = [tokens(render(turn)) for turn in trajectory.turns]
    found: list[set[int]] = []
    for window in windows:
        at, left, held = window.number * len(sizes) // len(windows), window.tokens, set[int]()
        while at < len(sizes) and sizes[at] <= left:
            held.add(at)
            left -= sizes[at]
            at += 1
        found.append(held)
    return found


class Tally:
    """What is added up over a log."""

    def __init__(self) -> None:
        self.whole = self.sent = self.calls = self.sessions = 0
        self.pairs: Counter[str] = Counter()
        self.together: Counter[str] = Counter()
        self.quoted: Counter[str] = Counter()
        self.contiguous: Counter[str] = Counter()

    def add(self, trajectory: Trajectory, windows: Sequence[Window], pairs: Sequence[Pair]) -> None:
        """Add one session."""
        self.sessions += 1
        self.calls += len(windows)
        self.whole += sum(tokens(render(turn)) + 1 for turn in trajectory.turns)
        self.sent += sum(window.tokens for window in windows)
        if any(window.whole for window in windows):
            return
        straight = stretches(trajectory, windows)
        for pair in pairs:
            groups = (str(pair.qa_type), "all", *(["far"] if pair.span_turns > FAR else []))
            needed = set(pair.supporting_turns)
            holding = [window for window in windows if needed <= set(window.turns)]
            quoted = any(all(e.quote.split("\n")[0][:80] in window.text for e in pair.evidence) for window in holding)
            self.pairs.update(groups)
            self.together.update(groups if holding else ())
            self.quoted.update(groups if quoted else ())
            self.contiguous.update(groups if any(needed <= held for held in straight) else ())


def tally(log: Path, options: SynthesisOptions) -> Tally:
    """Window and compile every session of a log."""
    trajectories, snapshot = redacted(log)
    corpus = Corpus(snapshot.document_frequency, snapshot.sessions)
    found = Tally()
    for trajectory in trajectories:
        windows = windows_of(SessionIndex(trajectory, corpus.frequency, corpus.sessions), options, tokens)
        found.add(trajectory, windows, compile_trajectory(trajectory, corpus, CompileOptions()).pairs)
    return found


def savings(tallies: dict[str, Tally], overhead: int) -> Iterator[str]:
    """Yield the table of tokens."""
    yield "| log | sessions | calls | whole | sent | share | share with instructions |"
    yield "|---|---|---|---|---|---|---|"
    total = Tally()
    for t in tallies.values():
        for name in ("whole", "sent", "calls", "sessions"):
            setattr(total, name, getattr(total, name) + getattr(t, name))
    for name, t in (*tallies.items(), ("all", total)):
        with_both = (t.sent + overhead * t.calls) / (t.whole + overhead * t.sessions)
        yield (f"| {name} | {t.sessions} | {t.calls} | {t.whole:,} | {t.sent:,} | {t.sent / t.whole:.1%} | {with_both:.1%} |")


def togetherness(tallies: dict[str, Tally]) -> Iterator[str]:
    """Yield the table of proved pairs whose supporting turns share a window."""
    yield "| log | proved pairs | in sessions not sent whole | in one window | with every quote | in contiguous stretches |"
    yield "|---|---|---|---|---|---|"
    for name, t in tallies.items():
        for group, n in sorted(t.pairs.items(), key=lambda item: -item[1]):
            words = f"more than {FAR} turns apart" if group == "far" else group
            yield f"| {name} | {words} | {n} | {t.together[group]} | {t.quoted[group]} | {t.contiguous[group]} |"


def main(arguments: Sequence[str] | None = None) -> None:
    """Window both logs and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=ROOT.parent / "shared" / "data", help="the folder of recorded logs")
    parser.add_argument("--window-tokens", type=int, default=SynthesisOptions(model="").window_tokens)
    parser.add_argument("--share", type=float, default=SynthesisOptions(model="").share)
    given = parser.parse_args(arguments)
    options = SynthesisOptions(model="", window_tokens=given.window_tokens, share=given.share)
    with tempfile.TemporaryDirectory() as folder:
        demo = Path(folder) / "demo.jsonl"
        write_demo_log(demo)
        logs = {"coding_agent": given.logs / "coding_agent.jsonl", "demo": demo}
        tallies = {name: tally(log, options) for name, log in logs.items() if log.is_file()}
    overhead = tokens(instructions(options.prompt_version))
    print("\n".join(savings(tallies, overhead)))
    print(f"\nInstructions: {overhead} tokens a call.\n")
    print("\n".join(togetherness(tallies)))


if __name__ == "__main__":
    main()
