"""Windows: what of a session a model is sent. A session is never cut: a window chooses from all of it.

A window grows from one value that binds distant turns. Turn by turn it takes what shares most with what it holds already, so
that the producer of a value stands beside its users, though 2,000 turns lie between them. Turns are shown whole or in excerpts
(see `shown`); what lies between them stands there in outline: a line for each turn of a short gap, a line for a long one.

    #003 ... clerk read_mail        <- shown
    ...
    #004 search_tickets Lime Wharf  <- in outline
    #005 to #480: get_metric 410, read_mail 31, ...
    #481 ... clerk get_order        <- shown

Deterministic. Cost: near-linear in the session; a window looks at the turns of the values that it holds, at most 24 of each.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, insort
from collections import Counter
from collections.abc import Iterator, Sequence

import msgspec

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.synthesis.links import Links
from trajectory_compiler.synthesis.options import SynthesisOptions, TokenCount
from trajectory_compiler.synthesis.shown import excerpt, outline, show

SHORT_GAP = 2
TURNS_PER_WINDOW = 40
LEAST_TURN_TOKENS = 60
CHARACTERS_PER_TOKEN = 3
GAP_TOKENS = 12
AGAIN = 0.3  # what a turn is worth that an earlier window showed
NEARNESS = 0.2  # how fast the worth of a turn falls with its distance from what was chosen


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a session to be read by a model. Turns in `turns` may be cited, those in `outlined` have a line each."""

    number: int
    turns: tuple[int, ...]
    outlined: tuple[int, ...]
    text: str
    tokens: int
    whole: bool


def windows_of(index: SessionIndex, options: SynthesisOptions, count: TokenCount) -> tuple[Window, ...]:
    """Choose the windows of a session; a short session is one window. `count` guesses the tokens of a text."""
    stamps = index.times_are_real
    texts = [show(turn, stamps=stamps) for turn in index.turns]
    sizes = [count(text) + 1 for text in texts]
    total = sum(sizes)
    if total <= min(options.whole_tokens, options.window_tokens):
        turns = tuple(range(len(texts)))
        text = "\n\n".join(texts)
        return (Window(number=0, turns=turns, outlined=(), text=text, tokens=count(text), whole=True),) if turns else ()
    budget = max(options.share * total, options.whole_tokens * 2 / 3)
    number = max(1, min(options.windows, round(budget / options.window_tokens)))
    chooser = _Chooser(index, sizes, min(options.window_tokens, int(budget / number)))
    found: list[Window] = []
    for place in range(number):
        chosen = chooser.choose()
        if not chosen:
            break
        found.append(_written(chooser, chosen, count, place))
    return tuple(found)


class _Chooser:
    """Chooses the turns of one window after the other; what was shown before is worth less."""

    def __init__(self, index: SessionIndex, sizes: Sequence[int], budget: int) -> None:
        self.index, self.sizes, self.budget = index, sizes, budget
        self.links = Links(index)
        self.turn_tokens = max(LEAST_TURN_TOKENS, budget // TURNS_PER_WINDOW)
        self.shown: Counter[int] = Counter()
        self.seeds: set[str] = set()

    def choose(self) -> list[int]:
        """Return the turns of the next window in the order of their choice."""
        growth = _Growth(self)
        left = self.budget
        for turn in growth.turns():
            cost = min(self.sizes[turn], self.turn_tokens) + GAP_TOKENS
            if cost > left:
                break
            left -= cost
            growth.add(turn)
        return growth.chosen

    def next_seed(self) -> str | None:
        """Return the value that binds most among turns not shown together yet."""
        best, most = None, 0.0
        for value in self.links.strongest:
            weight = self.links.weight[value]
            if weight * 2 <= most:
                break
            if value in self.seeds:
                continue
            turns = self.links.sample(value)
            matters = max(self.links.matters[t] for t in turns)
            worth = weight * (1 + matters) / 2 * AGAIN ** min(self.shown[t] for t in turns)
            if worth > most:
                best, most = value, worth
        if best is not None:
            self.seeds.add(best)
        return best


class _Growth:
    """One window while it grows: a heap of turns by what they share with those that were chosen."""

    def __init__(self, chooser: _Chooser) -> None:
        self.chooser, self.links = chooser, chooser.links
        self.chosen: list[int] = []
        self.held: set[int] = set()
        self.order: list[int] = []
        self.active: set[str] = set()
        self.gain: dict[int, float] = {}
        self.heap: list[tuple[float, int]] = []

    def turns(self) -> Iterator[int]:
        """Yield the next turn to take, as long as there is one."""
        first = next((t.index for t in self.chooser.index.turns[:2] if t.kind == "exchange"), None)
        if first is not None:
            yield first  # what the user wants
        while True:
            turn = self._pop()
            if turn is None:
                turn = self._begin()
            if turn is None:
                break
            yield turn
        yield from (t for t in self._spread() if t not in self.held)

    def add(self, turn: int) -> None:
        self.chosen.append(turn)
        self.held.add(turn)
        insort(self.order, turn)
        for value in self.links.values[turn]:
            if value not in self.active:
                self._activate(value)

    def _activate(self, value: str) -> None:
        self.active.add(value)
        self.chooser.seeds.add(value)
        for turn in self.links.sample(value):
            if turn not in self.held:
                self._raise(turn, self.links.weight[value])

    def _raise(self, turn: int, weight: float) -> None:
        """Bind a turn by one more value. Worth most: much of what it shares is here already, it is small, it is not far."""
        self.gain[turn] = self.gain.get(turn, 0.0) + weight
        size = min(self.chooser.sizes[turn], self.chooser.turn_tokens)
        bound = self.gain[turn] * self.links.matters[turn] * AGAIN ** self.chooser.shown[turn]
        distance = 1 + _distance(self.order, turn)
        worth = bound / (size * self.links.total[turn]) ** 0.5 / distance**NEARNESS
        heapq.heappush(self.heap, (-worth, turn))

    def _pop(self) -> int | None:
        while self.heap:
            _, turn = heapq.heappop(self.heap)
            if turn not in self.held:
                return turn
        return None

    def _begin(self) -> int | None:
        """Start another thread where nothing more is bound to the turns that were chosen."""
        seed = self.chooser.next_seed()
        while seed is not None:
            self._activate(seed)
            turn = self._pop()
            if turn is not None:
                return turn
            seed = self.chooser.next_seed()
        return None

    def _spread(self) -> list[int]:
        """Return turns of a session in which nothing is bound: those that matter first, then evenly spread."""
        matters, length = self.links.matters, len(self.links.matters)
        step = max(1, length // TURNS_PER_WINDOW)
        order = sorted(range(length), key=lambda t: (self.chooser.shown[t], -matters[t], t % step, t))
        return order[: 4 * TURNS_PER_WINDOW]


def _distance(order: Sequence[int], turn: int) -> int:
    """Return how far a turn is from the nearest of some turns in order; 0 where there are none."""
    at = bisect_left(order, turn)
    return min((abs(turn - other) for other in order[max(0, at - 1) : at + 1]), default=0)


def _written(chooser: _Chooser, chosen: list[int], count: TokenCount, number: int) -> Window:
    """Write a window; where the guess of its size was too small, the turns that were chosen last stay out."""
    index, links = chooser.index, chooser.links
    stamps = index.times_are_real
    while True:
        turns = sorted(chosen)
        holders = Counter(value for turn in turns for value in links.values[turn])
        characters = chooser.turn_tokens * CHARACTERS_PER_TOKEN
        shown = {
            t: excerpt(index.turns[t], [v for v in links.values[t] if holders[v] > 1], characters, stamps=stamps) for t in turns
        }
        text, outlined = _with_gaps(index, shown, holders)
        tokens = count(text)
        if tokens <= chooser.budget or len(chosen) <= 2:
            break
        chosen = chosen[: max(2, min(len(chosen) - 1, len(chosen) * chooser.budget // tokens))]
    chooser.shown.update(turns)
    return Window(number=number, turns=tuple(turns), outlined=tuple(outlined), text=text, tokens=tokens, whole=False)


def _with_gaps(index: SessionIndex, shown: dict[int, str], naming: Counter[str]) -> tuple[str, list[int]]:
    """Put the shown turns in order, with what lies between them in outline; return the turns that have a line of their own."""
    parts: list[str] = []
    outlined: list[int] = []
    at = 0
    for turn in (*sorted(shown), len(index.turns)):
        gap = range(at, turn)
        if 0 < len(gap) <= SHORT_GAP:
            parts.append("\n".join(outline(index.turns[t], naming) for t in gap))
            outlined.extend(gap)
        elif gap:
            parts.append(_run(index, gap))
        if turn in shown:
            parts.append(shown[turn])
        at = turn + 1
    return "\n\n".join(parts), outlined


def _run(index: SessionIndex, gap: range) -> str:
    """Return a line for many turns: how often which tool was called."""
    tools = Counter(index.turns[t].tool for t in gap)
    named = ", ".join(f"{' '.join(tool.split())} {times}" for tool, times in tools.most_common(2))
    others = ", ..." if len(tools) > 2 else ""
    return f"#{gap[0]:03d} to #{gap[-1]:03d}: {named}{others}"
