"""`trajc stats`: how many pairs of which kind, and what was dropped and why."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table
from trajectory_compiler.exports.in_words import (
    DISTANCES,
    FAMILY_WORDS,
    FAR,
    STAGE_WORDS,
    action_for,
    distance_words,
    is_dropped,
    reason_in_words,
)
from trajectory_compiler.store import SHOWN_STATES, Drop, PairFacts, PairQuery, Store, Totals

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
        report = report_on(opened.facts(PairQuery(source=source)), opened.drops(source=source), opened.totals())
    if as_json:
        print_json(report)
    else:
        _print(report)


def report_on(facts: Iterable[PairFacts], drops: Iterable[Drop], totals: Totals) -> StatsReport:
    """Count the figures of pairs by each of their properties, in one pass."""
    tally = _Tally()
    for fact in facts:
        tally.add(fact)
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
        pairs=tally.pairs,
        reviews=totals.reviews,
        counts=tally.counts(),
        mean_span_share=tally.means(tally.span_shares),
        mean_guess_rate=tally.means(tally.guess_rates),
        dropped=sum(drop.count for drop in reported if drop.dropped),
        drops=reported,
    )


class _Tally:
    """Pairs counted by property, and sums by type for the means."""

    def __init__(self) -> None:
        self.pairs = 0
        self.by: dict[str, Counter[str]] = {name: Counter() for name in PROPERTIES}
        self.span_shares: defaultdict[str, float] = defaultdict(float)
        self.guess_rates: defaultdict[str, float] = defaultdict(float)

    def add(self, fact: PairFacts) -> None:
        """Count one pair; an agent or tool counts once however many of its turns support the pair."""
        self.pairs += 1
        for name, keys in PROPERTIES.items():
            self.by[name].update(keys(fact))
        self.span_shares[fact.qa_type] += fact.span_turns / max(1, fact.session_turns)
        self.guess_rates[fact.qa_type] += fact.guess_rate

    def counts(self) -> dict[str, dict[str, int]]:
        """Return the counts, the most frequent first, distances from near to far."""
        made = {name: dict(sorted(by.items(), key=lambda item: (-item[1], item[0]))) for name, by in self.by.items()}
        order = [words for _, words in DISTANCES]
        made["distance"] = {words: self.by["distance"][words] for words in (*order, FAR) if self.by["distance"][words]}
        return made

    def means(self, sums: dict[str, float]) -> dict[str, float]:
        """Return the mean by type."""
        return {name: round(sums[name] / count, 4) for name, count in sorted(self.by["type"].items())}


PROPERTIES: dict[str, Callable[[PairFacts], Iterable[str]]] = {
    "type": lambda fact: [fact.qa_type],
    "distance": lambda fact: [distance_words(fact.span_turns)],
    "hops": lambda fact: [str(fact.hops)],
    "width": lambda fact: [str(fact.width)],
    "agent": lambda fact: fact.agents,
    "tool": lambda fact: fact.tools,
    "answer": lambda fact: [fact.answer_type],
    "split": lambda fact: [fact.split],
    "source": lambda fact: [fact.source],
}


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
