"""From a store to its quality report: exact counts in, rounded and suppressed tables out."""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple

from trajectory_compiler.config import COMPILER_VERSION
from trajectory_compiler.exports.in_words import DISTANCES, FAR, distance_words, is_dropped
from trajectory_compiler.model import FAMILIES, GATES
from trajectory_compiler.reports.quality import (
    Checker,
    GateOutcomes,
    Mix,
    QualityReport,
    RedactionFigures,
    StageFalls,
    Yield,
)
from trajectory_compiler.reports.readers import calibrated
from trajectory_compiler.reports.suppression import Cell, Table, publish, rounded
from trajectory_compiler.reports.vocabulary import ORIGINS, REASONS, SPLITS, STAGES, kind, known
from trajectory_compiler.store import SHOWN_STATES, PairFacts, PairQuery, Store
from trajectory_compiler.store.figures import GateCount

LENGTHS = ((9, "under 10 turns"), (29, "10 to 29"), (99, "30 to 99"), (299, "100 to 299"), (999, "300 to 999"))
LONGEST = "1,000 or more"
SPANS = ((0.2, "up to 20%"), (0.4, "20 to 40%"), (0.6, "40 to 60%"), (0.8, "60 to 80%"), (math.inf, "80 to 100%"))
MANY = 5  # hops and widths from here on are counted together
OUTCOMES: dict[bool | None, str] = {True: "passed", False: "failed", None: "not_tried"}
POLICY_NAMES = ("standard", "strict", "off")


class Made(NamedTuple):
    """By what a report was made, and when: `made_on` is a date, `k` the smallest count that is shown."""

    made_on: str
    program_version: str
    k: int


def quality_report(store: Store, made: Made) -> QualityReport:
    """Count a store. What comes back holds no text, no id and no name from outside.

    Cost: one pass over the pairs' figures and one over the stored sessions (about 200 MB of text a second).
    """
    with store.view():
        facts = list(store.facts(PairQuery()))
        names = _outside_names(store, facts)
        return QualityReport(
            made_on=made.made_on,
            program_version=made.program_version,
            compiler_version=COMPILER_VERSION,
            suppressed_below=made.k,
            gain=_yield(store, facts, made.k),
            falls=_falls(store, made.k),
            gates=_gates(store.figures().gates(), made.k),
            mix=_mix(facts, made.k),
            calibrations=calibrated(store.figures().calibrations(), names, made.k),
            redaction=_redaction(store, made.k),
        )


def _outside_names(store: Store, facts: Iterable[PairFacts]) -> frozenset[str]:
    """Return every name that came with a log or a model."""
    found = {name for fact in facts for name in (fact.source, fact.session_id, *fact.agents, *fact.tools)}
    found |= {part for use in store.figures().models() for part in (use.model, use.prompt_version)}
    found |= {part for item in store.figures().calibrations() for part in (item.reader, item.judge, item.key)}
    return frozenset(found)


def _yield(store: Store, facts: list[PairFacts], k: int) -> Yield:
    states, lengths = Counter[str](), Counter[str]()
    turns = 0
    for part in store.figures().sources():
        states[part.state] += part.sessions
    for length in store.figures().session_turns():
        turns += length
        lengths[_bucket(length, LENGTHS, LONGEST)] += 1
    pairs = {part.state: Cell(part.state, part.pairs, part.sessions) for part in store.figures().pair_states()}
    compiled = states["compiled"]
    with_pairs = len({(fact.source, fact.session_id) for fact in facts})
    by_state = _cells(facts, lambda fact: [fact.state], SHOWN_STATES)
    shown_sessions, shown_with = rounded(compiled, compiled, k), rounded(with_pairs, with_pairs, k)
    shown_turns, shown_pairs = rounded(turns, compiled, k), rounded(len(facts), with_pairs, k)
    return Yield(
        sessions=publish([Cell(s, states[s], states[s]) for s in ("compiled", "blocked", "erased")], k),
        turns=shown_turns,
        session_lengths=publish([Cell(n, lengths[n], lengths[n]) for n in (*(w for _, w in LENGTHS), LONGEST)], k),
        sessions_with_pairs=shown_with,
        share_of_sessions_with_pairs=_ratio(shown_with, shown_sessions, 1),
        pairs_per_100_turns=_ratio(shown_pairs, shown_turns, 100),
        shown=publish(by_state, k, with_pairs),
        held_back=publish([pairs[s] for s in ("candidate", "rejected", "superseded") if s in pairs], k),
    )


def _ratio(part: int | None, whole: int | None, times: int) -> float | None:
    return None if part is None or not whole else round(min(part, whole) * times / whole, 3)


def _falls(store: Store, k: int) -> tuple[StageFalls, ...]:
    stages: dict[str, dict[str, Cell]] = defaultdict(dict)
    for drop in store.drops():
        if not is_dropped(drop.reason):
            continue
        stage, reason = known(drop.stage, STAGES), known(drop.reason, REASONS)
        # Rows and sessions that never came as far as a session are counted by themselves.
        cell = Cell(reason, drop.count, drop.sessions or drop.count)
        before = stages[stage].get(reason, Cell(reason, 0, 0))
        stages[stage][reason] = Cell(reason, before.count + cell.count, max(before.sessions, cell.sessions))
    tables = {stage: publish(cells.values(), k) for stage, cells in sorted(stages.items())}
    return tuple(StageFalls(stage=stage, reasons=table) for stage, table in tables.items() if table.total is not None)


def _gates(counts: Iterable[GateCount], k: int) -> tuple[GateOutcomes, ...]:
    cells: dict[tuple[Checker, str], dict[bool | None, Cell]] = defaultdict(dict)
    for item in counts:
        if item.gate not in GATES:
            continue
        mine = cells["exact" if item.checker == "exact" else "reader", item.gate]
        before = mine.get(item.outcome, Cell("", 0, 0))
        words = OUTCOMES[item.outcome]
        mine[item.outcome] = Cell(words, before.count + item.count, max(before.sessions, item.sessions))
    made = []
    for checker in ("exact", "reader"):
        for gate in GATES:
            mine = cells.get((checker, gate), {})
            table = publish([mine[outcome] for outcome in OUTCOMES if outcome in mine], k)
            if table.total is not None:
                made.append(GateOutcomes(checker=checker, gate=gate, outcomes=table))
    return tuple(made)


def _mix(facts: list[PairFacts], k: int) -> Mix:
    sessions = len({(fact.source, fact.session_id) for fact in facts})

    def by(names: Callable[[PairFacts], Iterable[str]], order: Iterable[str] = ()) -> Table:
        return publish(_cells(facts, names, order), k, sessions)

    types = by(lambda fact: [known(fact.qa_type, FAMILIES)], FAMILIES)
    return Mix(
        type=types,
        answer=by(lambda fact: [fact.answer_type]),
        origin=by(lambda fact: [known(fact.origin.partition(":")[0], ORIGINS)]),
        distance=by(lambda fact: [distance_words(fact.span_turns)], (*(w for _, w in DISTANCES), FAR)),
        span_share=by(lambda fact: [_bucket(_span(fact), SPANS, SPANS[-1][1])], (w for _, w in SPANS)),
        hops=by(lambda fact: [_up_to(fact.hops)], map(_up_to, range(MANY + 1))),
        width=by(lambda fact: [_up_to(fact.width)], map(_up_to, range(MANY + 1))),
        split=by(lambda fact: [known(fact.split, SPLITS)], ("train", "dev", "test")),
        guess_rate=_guess_rates(facts, {row.name for row in types.rows}),
    )


def _span(fact: PairFacts) -> float:
    return fact.span_turns / max(1, fact.session_turns)


def _up_to(number: int) -> str:
    return str(number) if number < MANY else f"{MANY} or more"


def _guess_rates(facts: Iterable[PairFacts], shown: set[str]) -> dict[str, float]:
    rates: dict[str, list[float]] = defaultdict(list)
    for fact in facts:
        rates[fact.qa_type].append(fact.guess_rate)
    return {name: round(math.fsum(rates[name]) / len(rates[name]), 2) for name in FAMILIES if name in shown}


def _cells(facts: Iterable[PairFacts], names: Callable[[PairFacts], Iterable[str]], order: Iterable[str] = ()) -> list[Cell]:
    """Count pairs by a property, with the sessions behind each count; in the order given, then the most frequent first."""
    counts = Counter[str]()
    sessions: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for fact in facts:
        for name in names(fact):
            counts[name] += 1
            sessions[name].add((fact.source, fact.session_id))
    listed = list(order)
    rest = sorted(counts.keys() - set(listed), key=lambda name: (-counts[name], name))
    return [Cell(name, counts[name], len(sessions[name])) for name in (*listed, *rest) if name in counts]


def _bucket(number: float, limits: Iterable[tuple[float, str]], beyond: str) -> str:
    return next((words for most, words in limits if number <= most), beyond)


def _redaction(store: Store, k: int) -> RedactionFigures:
    places, values = Counter[str](), Counter[str]()
    sessions: dict[str, int] = defaultdict(int)
    for item in store.figures().names():
        name = kind(item.kind)
        places[name] += item.places
        values[name] += item.values
        sessions[name] = max(sessions[name], item.sessions)
    policies = Counter[str]()
    for use in store.figures().policies():
        policies[use.name if use.name in POLICY_NAMES else "own"] += use.sessions
    ordered = sorted(values, key=lambda name: (-values[name], name))
    return RedactionFigures(
        values=publish([Cell(name, values[name], sessions[name]) for name in ordered], k),
        places=publish([Cell(name, places[name], sessions[name]) for name in ordered], k),
        policies=publish([Cell(name, count, count) for name, count in sorted(policies.items())], k),
    )
