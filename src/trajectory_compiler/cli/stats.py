"""`trajc stats`: how many pairs of which kind, and what was dropped and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import counted
from trajectory_compiler.cli.screen import add_row, print_json, say, show, table
from trajectory_compiler.exports.in_words import FAMILY_WORDS, STAGE_WORDS, action_for, is_dropped, reason_in_words
from trajectory_compiler.store import SHOWN_STATES, Drop, PairFacts, PairQuery, Store, Totals

DISTANCES = (
    (2, "next to each other"),
    (5, "3 to 5 turns"),
    (10, "6 to 10 turns"),
    (20, "11 to 20 turns"),
    (50, "21 to 50 turns"),
)
FAR = "over 50 turns"
LISTED = 12


class DropReport(msgspec.Struct, frozen=True, kw_only=True):
    """One reason. `why` says it in words, `do` what can be done about it; where `dropped` is false, rows were kept."""

    stage: str
    reason: str
    dropped: bool
    why: str
    do: str
    count: int
    sessions: int


class StatsReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints: counts of pairs by each property, means, and drops. Shares and rates run from 0 to 1."""

    sessions: dict[str, int]
    turns: int
    states: dict[str, int]
    pairs: int
    reviews: int
    counts: dict[str, dict[str, int]]
    mean_span_share: dict[str, float]
    mean_guess_rate: dict[str, float]
    dropped: int
    drops: tuple[DropReport, ...]


@click.command(name="stats", epilog=shared.example("trajc stats", "trajc stats --source audit_log --json"))
@click.option("--source", metavar="NAME", help="Only this log.")
@shared.store_option
@shared.json_option
def command(source: str | None, store: str, as_json: bool) -> None:
    """Count pairs by type, distance, hops, width, agent, tool and split, and what was dropped and why."""
    with Store.open(store, read_only=True) as opened:
        report = report_on(list(opened.facts(PairQuery(source=source))), opened.drops(source=source), opened.totals())
    if as_json:
        print_json(report)
    else:
        _print(report)


def report_on(facts: Sequence[PairFacts], drops: Iterable[Drop], totals: Totals) -> StatsReport:
    """Count the figures of pairs by each of their properties."""
    reported = tuple(
        DropReport(
            stage=drop.stage,
            reason=drop.reason,
            dropped=is_dropped(drop.reason),
            why=reason_in_words(drop.stage, drop.reason),
            do=action_for(drop.reason),
            count=drop.count,
            sessions=drop.sessions,
        )
        for drop in drops
    )
    return StatsReport(
        sessions=totals.sessions,
        turns=totals.turns,
        states=totals.pairs,
        pairs=len(facts),
        reviews=totals.reviews,
        counts={
            "type": _by(facts, lambda fact: [fact.qa_type]),
            "distance": _in_order(_by(facts, lambda fact: [_distance(fact.span_turns)])),
            "hops": _by(facts, lambda fact: [str(fact.hops)]),
            "width": _by(facts, lambda fact: [str(fact.width)]),
            "agent": _by(facts, lambda fact: fact.agents),
            "tool": _by(facts, lambda fact: fact.tools),
            "answer": _by(facts, lambda fact: [fact.answer_type]),
            "split": _by(facts, lambda fact: [fact.split]),
            "source": _by(facts, lambda fact: [fact.source]),
        },
        mean_span_share=_means(facts, lambda fact: fact.span_turns / max(1, fact.session_turns)),
        mean_guess_rate=_means(facts, lambda fact: fact.guess_rate),
        dropped=sum(drop.count for drop in reported if drop.dropped),
        drops=reported,
    )


def _by(facts: Iterable[PairFacts], keys: Callable[[PairFacts], Iterable[str]]) -> dict[str, int]:
    counts = Counter(key for fact in facts for key in keys(fact))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _distance(span_turns: int) -> str:
    return next((words for most, words in DISTANCES if span_turns <= most), FAR)


def _in_order(counts: dict[str, int]) -> dict[str, int]:
    return {words: counts[words] for words in (*(words for _, words in DISTANCES), FAR) if words in counts}


def _means(facts: Sequence[PairFacts], value: Callable[[PairFacts], float]) -> dict[str, float]:
    sums: dict[str, float] = {}
    counts: Counter[str] = Counter()
    for fact in facts:
        sums[fact.qa_type] = sums.get(fact.qa_type, 0.0) + value(fact)
        counts[fact.qa_type] += 1
    return {name: round(sums[name] / counts[name], 4) for name in sorted(sums)}


def _print(report: StatsReport) -> None:
    hidden = {state: count for state, count in report.states.items() if state not in SHOWN_STATES}
    states = ", ".join(f"{count:,} {state}" for state, count in report.states.items() if state not in hidden) or "no pairs"
    blocked = report.sessions.get("blocked", 0)
    say(f"{counted(sum(report.sessions.values()), 'session')} of {counted(report.turns, 'turn')}: {states}.", style="bold")
    if hidden or blocked:
        rest = [f"{count:,} {state}" for state, count in hidden.items()]
        say(f"Not counted below: {', '.join(rest + ([f'{blocked:,} blocked sessions'] if blocked else []))}.")
    say()
    if report.pairs:
        _print_types(report)
        for name in ("distance", "hops", "width", "split", "agent", "tool"):
            _print_counts(name, report.counts[name], report.pairs)
    _print_drops(report)


def _print_types(report: StatsReport) -> None:
    shown = table("type", "pairs", "share", "span", "guess", "what is asked", right=(1, 2, 3, 4))
    words = {str(name): said for name, said in FAMILY_WORDS.items()}
    for name, count in report.counts["type"].items():
        span, guess = report.mean_span_share[name], report.mean_guess_rate[name]
        add_row(shown, name, count, f"{count / report.pairs:.0%}", f"{span:.0%}", f"{guess:.2f}", words[name])
    show(shown)


def _print_counts(name: str, counts: dict[str, int], pairs: int) -> None:
    shown = table(name, "pairs", "share", right=(1, 2))
    for key, count in list(counts.items())[:LISTED]:
        add_row(shown, key or "(no name)", count, f"{count / pairs:.0%}")
    if len(counts) > LISTED:
        add_row(shown, f"... {len(counts) - LISTED} more", "", "", style="dim")
    show(shown)


def _print_drops(report: StatsReport) -> None:
    if not report.drops:
        say("Nothing was dropped.")
        return
    say(f"{report.dropped:,} dropped. A candidate question falls at the first gate that it fails.")
    say()
    for stage in dict.fromkeys((*STAGE_WORDS, *(drop.stage for drop in report.drops))):
        own = [drop for drop in report.drops if drop.stage == stage]
        if not own:
            continue
        shown = table("count", "sessions", f"{STAGE_WORDS.get(stage, stage)}: why", "what to do", right=(0, 1))
        for drop in own:
            add_row(shown, drop.count, drop.sessions or "", drop.why if drop.dropped else f"(kept) {drop.why}", drop.do)
        show(shown)
