"""Which turns a window shows: it grows by values, and of a value that it takes up it wants every turn.

A window begins with the value whose turns tell most of a story: many kinds of calls, far apart, returned by one and given to
another. From then on it completes, of all values that it has met, the one of which it holds the largest part already for the
least room. So the mail, the order, the shell and the ticket of one thing come together before anything of another one, and a
value that stands everywhere comes late.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator, Sequence

from trajectory_compiler.synthesis.links import Links

TURNS_PER_WINDOW = 40
LEAST_TURN_TOKENS = 60
GAP_TOKENS = 12
AGAIN = 0.3  # what a turn is worth that an earlier window showed
ROOM = 0.7  # how much the room that a value takes counts against it


class Chooser:
    """Chooses the turns of one window after the other, each of at most `budget` tokens; what was shown before is worth less."""

    def __init__(self, links: Links, sizes: Sequence[int], budget: int) -> None:
        self.links, self.budget = links, budget
        self.turn_tokens = max(LEAST_TURN_TOKENS, budget // TURNS_PER_WINDOW)
        self.costs = [min(size, self.turn_tokens) + GAP_TOKENS for size in sizes]
        self.shown: Counter[int] = Counter()
        self.seeds: set[str] = set()

    def choose(self) -> list[int]:
        """Return the turns of the next window in the order of their choice."""
        return _Growth(self).chosen()

    def next_seed(self, done: set[str]) -> str | None:
        """Return the value that tells most and was neither begun with nor shown yet, or None. Each is returned once."""
        best, most = None, 0.0
        for value in self.links.telling:
            worth = self.links.story[value]
            if worth <= most:
                break
            if value not in self.seeds and value not in done:
                worth *= self.freshness(self.links.sample(value))
                if worth > most:
                    best, most = value, worth
        if best is not None:
            self.seeds.add(best)
        return best

    def freshness(self, turns: Sequence[int]) -> float:
        """Return the mean worth of some turns, less for what was shown: 1 for turns that are new."""
        return sum(AGAIN ** self.shown[turn] for turn in turns) / len(turns)


class _Growth:
    """One window while it grows. `met` counts the chosen turns of each value; the heap holds values by what they are worth."""

    def __init__(self, chooser: Chooser) -> None:
        self.chooser, self.links = chooser, chooser.links
        self.order: list[int] = []
        self.held: set[int] = set()
        self.met: Counter[str] = Counter()
        self.done: set[str] = set()
        self.heap: list[tuple[float, str]] = []
        self.left = chooser.budget

    def chosen(self) -> list[int]:
        """Return the turns, in the order of their choice, that fit the budget."""
        for turn in self._wanted():
            if turn in self.held:
                continue
            if self.chooser.costs[turn] > self.left:
                break
            self._add(turn)
        return self.order

    def _wanted(self) -> Iterator[int]:
        yield from self.links.request
        self.heap.clear()  # what the user asked for is context, not a lead
        value = self._next()
        while value is not None:
            self.done.add(value)
            yield from self.links.sample(value)
            value = self._next()
        yield from self._unbound()

    def _add(self, turn: int) -> None:
        self.left -= self.chooser.costs[turn]
        self.held.add(turn)
        self.order.append(turn)
        for value in self.links.values[turn]:
            self.met[value] += 1
            if value not in self.done:
                self._offer(value)

    def _offer(self, value: str) -> None:
        worth = self._worth(value)
        if worth > 0:
            heapq.heappush(self.heap, (-worth, value))

    def _next(self) -> str | None:
        """Return the value to complete: the one that is worth most now, or the beginning of another story."""
        while self.heap:
            promised, value = heapq.heappop(self.heap)
            if value in self.done:
                continue
            worth = self._worth(value)
            if worth <= 0:
                self.done.add(value)
            elif worth < -promised:
                heapq.heappush(self.heap, (-worth, value))  # worth less than when it was offered
            else:
                return value
        return self.chooser.next_seed(self.done)

    def _worth(self, value: str) -> float:
        """Return what completing a value is worth; 0 where nothing of it is missing."""
        turns = self.links.sample(value)
        missing = [turn for turn in turns if turn not in self.held]
        if not missing:
            return 0.0
        matters = sum(self.links.matters[t] * AGAIN ** self.chooser.shown[t] for t in missing) / len(missing)
        room = sum(self.chooser.costs[turn] for turn in missing)
        held = self.met[value] / len(turns)
        return self.links.weight[value] * held * matters / float(room**ROOM)

    def _unbound(self) -> list[int]:
        """Return turns of a session in which nothing is bound any more: those that matter first, then evenly spread."""
        matters, length = self.links.matters, len(self.links.matters)
        step = max(1, length // TURNS_PER_WINDOW)
        order = sorted(range(length), key=lambda t: (self.chooser.shown[t], -matters[t], t % step, t))
        return order[: 4 * TURNS_PER_WINDOW]
