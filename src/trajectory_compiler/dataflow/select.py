"""Selection: which candidates of a session become pairs.

Greedy and seeded. Each step takes the family that lags most behind the target mix, and of it the candidate with the best
score after what has been chosen is discounted: the same tool and field, the same answer, turns that are in use already. What
is chosen is proved at once; what fails the proof is dropped with its reason and the next one is tried.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from typing import NamedTuple, TypeVar

import msgspec

from trajectory_compiler.config import DataflowOptions
from trajectory_compiler.dataflow.candidate import Candidate, showing
from trajectory_compiler.dataflow.evaluate import Reading, run
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import Program, encode
from trajectory_compiler.model import Family

Kept = TypeVar("Kept")

TARGET_MIX: dict[str, float] = {
    "composition": 0.25,
    "next_argument": 0.20,
    "state_change": 0.20,
    "order": 0.10,
    "aggregation": 0.10,
    "unanswerable": 0.10,
    "rest": 0.05,
}
GROUPS: dict[Family, str] = {
    "composition": "composition",
    "provenance": "composition",
    "next_argument": "next_argument",
    "state_change": "state_change",
    "precondition": "order",
    "temporal": "order",
    "aggregation": "aggregation",
    "unanswerable": "unanswerable",
    "comparison": "rest",
    "recall": "rest",
    "walk": "rest",
}
MAX_SHARE: dict[str, float] = {"composition": 0.8, "aggregation": 0.25, "order": 0.7, "rest": 0.25}
UNANSWERABLE_SHARE = 0.11
_LOOK_AHEAD = 60
_WITHHOLDABLE: tuple[Family, ...] = (
    "composition",
    "next_argument",
    "state_change",
    "precondition",
    "comparison",
)  # where a value must be: of "the last one before", "there was none" would be as good an answer
_TRIES_PER_PAIR = 3


def quota(turns: int, options: DataflowOptions) -> int:
    """Return how many pairs a session may give: 5, or a quarter of its turns where that is more, or what the options say."""
    return options.max_pairs if options.max_pairs is not None else max(5, turns // 4)


class Plan(NamedTuple):
    """How many pairs are wanted of a session, and the seed of the choice."""

    wanted: int
    seed: str


def select(
    index: SessionIndex, candidates: Iterable[Candidate], plan: Plan, prove: Callable[[Candidate], Kept | None]
) -> list[Kept]:
    """Choose and prove candidates as planned. `prove` returns what is kept, or None where the proof failed."""
    return _Selection(index, candidates, plan).run(prove)


class _Selection:
    def __init__(self, index: SessionIndex, candidates: Iterable[Candidate], plan: Plan) -> None:
        self.index = index
        self.wanted, self.seed = plan
        self.pools: dict[str, list[Candidate]] = defaultdict(list)
        for candidate in candidates:
            self.pools[GROUPS[candidate.family]].append(candidate)
        for pool in self.pools.values():
            pool.sort(key=lambda c: (-c.score, _order(plan.seed, c.program)))
        self.taken: Counter[str] = Counter()
        self.topics: Counter[tuple[str, str]] = Counter()
        self.families: Counter[str] = Counter()
        self.turns: Counter[int] = Counter()
        self.facts: set[tuple[str, tuple[int, ...]]] = set()
        self.most_per_place = min(5, max(3, plan.wanted // 6))
        self.places: Counter[tuple[str, ...]] = Counter()
        self.effects = 0

    def run(self, prove: Callable[[Candidate], Kept | None]) -> list[Kept]:
        kept: list[Kept] = []
        tries = _TRIES_PER_PAIR * self.wanted + 30
        while len(kept) < self.wanted and tries > 0:
            group = self._lagging(len(kept))
            if group is None:
                break
            candidate = self._best(group, len(kept))
            self.pools[group].remove(candidate)
            if self._repeats(candidate):
                continue
            tries -= 1
            result = prove(candidate)
            if result is not None:
                kept.append(result)
                self._note(group, candidate)
                if candidate.family in _WITHHOLDABLE:
                    self._offer_unanswerable(candidate)
        return kept

    def _lagging(self, done: int) -> str | None:
        open_groups = [g for g, pool in self.pools.items() if pool and self.taken[g] < self._most(g, done)]
        if not open_groups:
            return None
        return max(open_groups, key=lambda g: (TARGET_MIX[g] * (done + 1) - self.taken[g] + self._jitter(g, done), g))

    def _most(self, group: str, done: int) -> int:
        """Return how many pairs a group may have: a share of what is wanted, of what is there for the unanswerable ones."""
        if group == "unanswerable":
            answerable = done - self.taken[group]
            return int(UNANSWERABLE_SHARE / (1 - UNANSWERABLE_SHARE) * answerable + self._jitter(group, 0) / 0.4)
        return max(1, round(MAX_SHARE.get(group, 1.0) * self.wanted))

    def _jitter(self, group: str, done: int) -> float:
        """Spread the small shares over sessions: a tenth of a pair is a pair in every tenth session."""
        digest = hashlib.blake2b(f"{self.seed}/{group}/{done}".encode(), digest_size=2).digest()
        return 0.4 * int.from_bytes(digest, "big") / 65535

    def _best(self, group: str, done: int) -> Candidate:
        needs_effect = self.effects * 2 < done + 1
        return max(self.pools[group][:_LOOK_AHEAD], key=lambda c: self._worth(c, needs_effect=needs_effect))

    def _worth(self, candidate: Candidate, *, needs_effect: bool) -> float:
        used = sum(min(self.turns[t], 3) for t in candidate.support[:12]) / min(len(candidate.support), 12)
        topics = self.topics[candidate.tool, candidate.key]
        return (
            candidate.score
            + (0.3 if needs_effect and candidate.effect else 0.0)
            - 0.25 * min(topics, 4)
            - 0.1 * used
            - 0.1 * min(self.families[candidate.family], 5)
        )

    def _repeats(self, candidate: Candidate) -> bool:
        """Say whether the same fact was asked already, or the same field of the same tool often enough."""
        if self.topics[candidate.tool, candidate.key] >= max(5, self.wanted // 15):
            return True
        answer = candidate.trace.answer if not candidate.withheld else ""
        return (answer, candidate.support) in self.facts or self.places[_place(candidate)] >= self.most_per_place

    def _note(self, group: str, candidate: Candidate) -> None:
        self.taken[group] += 1
        self.families[candidate.family] += 1
        self.topics[candidate.tool, candidate.key] += 1
        self.turns.update(candidate.support)
        self.facts.add((candidate.trace.answer if not candidate.withheld else "", candidate.support))
        self.effects += candidate.effect
        self.places[_place(candidate)] += 1

    def _offer_unanswerable(self, base: Candidate) -> None:
        """Offer the question again with a turn withheld that holds the answer and leaves the program without a value."""
        if any(c.pick not in ("only", "first", "last") for c in base.program.calls if c.name != "X" or base.target is None):
            return  # of many calls one may be missing and the rest still give an answer
        ends = [(c.tool, c.where) for c in base.program.calls if c.pick in ("first", "last")]
        if len(ends) == 2 and ends[0] == ends[1]:
            return  # the first and the last of what is then one reading: "it did not change" would be as good an answer
        kind = msgspec.structs.replace(base.program, family="unanswerable")
        for turn in sorted({source.turn for source in base.trace.sources}, reverse=True):
            held = [source.text for source in base.trace.sources if source.turn == turn]
            if any(other != turn for text in held for other in showing(self.index, base.key, text)):
                continue  # what was withheld can be read elsewhere
            if run(self.index, base.program, Reading(hidden=turn)) is None:
                self.pools["unanswerable"].append(msgspec.structs.replace(base, program=kind, withheld=(turn,)))
                return


def _place(candidate: Candidate) -> tuple[str, ...]:
    """Return where the answer was read: a question that finds the same place from another anchor teaches little new."""
    return tuple(f"{source.turn}{source.path}" for source in candidate.trace.sources) or tuple(map(str, candidate.support))


def _order(seed: str, program: Program) -> bytes:
    return hashlib.blake2b(encode(program), key=seed.encode()[:64], digest_size=8).digest()
