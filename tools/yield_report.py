"""Report what the recorded logs yield: `python -m tools.yield_report`.

For each log: proved pairs per session, how many sessions have one, the mix of families beside the design's, the mean span as a
share of the session by family, and for each uncovered session of six tool turns or more the reason: which gates its
candidates fell at, or that it had none. Writes Markdown to standard output.
"""

from __future__ import annotations

import argparse
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from pathlib import Path

from tools.draw_sample import LOGS, ROOT
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.dataflow.select import GROUPS, TARGET_MIX
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.store import PairFacts, Store

MANY, SOME, LONG = 8, 6, 200


def tool_turns(log: Path) -> dict[str, int]:
    """Return the number of tool turns of each qualifying session."""
    options = CompileOptions()
    sessions = open_sessions(open_source(str(log), options.source), options.sessions)
    return {raw.session_id: sum(row.kind == "tool" for row in raw.rows) for raw in sessions}


def report(log: Path, store: Store) -> Iterator[str]:
    """Yield the lines of one log's report."""
    turns = tool_turns(log)
    facts = list(store.facts())
    per_session = Counter(f.session_id for f in facts)
    many = [s for s, n in turns.items() if n >= MANY]
    some = [s for s, n in turns.items() if n >= SOME]
    covered = [s for s in some if per_session[s]]
    yield f"## {log.stem}"
    yield ""
    mean, most = sum(per_session[s] for s in many) / max(1, len(many)), max(per_session.values(), default=0)
    yield f"- {len(facts)} proved pairs of {len(turns)} sessions; at most {most} of one session"
    yield f"- {mean:.2f} per session over the {len(many)} sessions with {MANY} or more tool turns"
    share = len(covered) / max(1, len(some))
    yield f"- at least one pair for {len(covered)} of {len(some)} sessions with {SOME} or more tool turns ({share:.0%})"
    yield ""
    yield from family_table(facts)
    uncovered = [s for s in some if not per_session[s]]
    if uncovered:
        yield ""
        yield "| uncovered session | tool turns | why |"
        yield "|---|---|---|"
        for session in uncovered:
            yield f"| {session} | {turns[session]} | {reason(store, session)} |"
    yield ""


def family_table(facts: Sequence[PairFacts]) -> Iterator[str]:
    """Yield the families with their share, the share that the design aims at, and the mean span as a share of the session."""
    spans: dict[str, list[float]] = defaultdict(list)
    for f in facts:
        spans[f.qa_type].append(f.span_turns / f.session_turns)
    groups = Counter(GROUPS[f.qa_type] for f in facts)
    yield "| family | pairs | share | group: share (aim) | mean span / session |"
    yield "|---|---|---|---|---|"
    for family, values in sorted(spans.items(), key=lambda item: -len(item[1])):
        group = GROUPS[family]  # type: ignore[index]  # a family's name
        aim = f"{group}: {groups[group] / len(facts):.0%} ({TARGET_MIX[group]:.0%})"
        yield f"| {family} | {len(values)} | {len(values) / len(facts):.0%} | {aim} | {sum(values) / len(values):.2f} |"
    short = [f.span_turns / f.session_turns for f in facts if f.session_turns < LONG]
    if short:
        yield f"| all, sessions under {LONG} turns | {len(short)} | | | {sum(short) / len(short):.2f} |"


def reason(store: Store, session: str) -> str:
    """Say in words what became of a session's candidates."""
    fell = Counter[str]()
    for finding in store.findings(session=session):
        fell[f"{finding.detail} at {finding.reason}"] += finding.count
    if not fell:
        return "no candidate: no link between distant calls, no three like calls with different values"
    return "fell: " + ", ".join(f"{count} {what}" for what, count in fell.most_common())


def main(arguments: Sequence[str] | None = None) -> None:
    """Compile the recorded logs and print the report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=ROOT.parent / "shared" / "data", help="the folder of recorded logs")
    options = parser.parse_args(arguments)
    spans: list[float] = []
    for name in LOGS:
        with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db") as store:
            compile_into(store, str(options.logs / name), CompileOptions())
            print("\n".join(report(options.logs / name, store)))
            spans += [f.span_turns / f.session_turns for f in store.facts() if f.session_turns < LONG]
    print(
        f"Mean span over all {len(spans)} pairs of sessions under {LONG} turns: {sum(spans) / len(spans):.3f} of the session."
    )


if __name__ == "__main__":
    main()
