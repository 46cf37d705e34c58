"""Which turns of a session an exported item shows, and their text.

Two things are honoured everywhere: turns from `context_end` on are never shown (the question is what comes next), and neither
are `withheld_turns` (the question is whether the reader notices). The text numbers the turns as if those that are withheld had
never been logged: a gap in the numbers would give the missing one away. For the same reason stamps that are evenly spaced, as a
log with made-up times has them, are not shown: they tell nothing, and a double step would.

Tokens are counted as characters / 4, rounded up: the same on every machine, whatever tokenizer is installed. JSON makes more
tokens than prose, so leave a quarter of a model's window free.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator

import msgspec

from trajectory_compiler.exports.request import Context
from trajectory_compiler.model import Pair, Trajectory, render
from trajectory_compiler.verification.contexts import is_evenly_spaced

COUNTING_RULE = "characters / 4, rounded up"
ESTIMATE_RULE = "estimated as models count, within about a tenth (trajectory_compiler.models.tokens)"
CHARACTERS_PER_TOKEN = 4
SEPARATOR = "\n\n"
MISSES = 64  # turns in a row that do not fit, after which a budget counts as filled: else a huge session is walked to its end


class Veil(msgspec.Struct, frozen=True):
    """What of a session is never shown: `hidden` turns, and the agent's own words in `muted` ones."""

    hidden: frozenset[int] = frozenset()
    muted: frozenset[int] = frozenset()


NO_VEIL = Veil()


def tokens(text: str) -> int:
    """Return the number of tokens of a text by the rule above."""
    return -(-len(text) // CHARACTERS_PER_TOKEN)


class SessionText:
    """The turns of one session as text, each rendered once however many pairs show it.

    `veil` says what is never shown: whole turns, and what the agent said in others. The rest keeps its numbers.
    """

    def __init__(self, trajectory: Trajectory, veil: Veil = NO_VEIL) -> None:
        self.trajectory = trajectory
        self._veil = veil
        turns = trajectory.turns
        if veil.muted:
            turns = tuple(msgspec.structs.replace(turn, arguments=None) if turn.index in veil.muted else turn for turn in turns)
        if is_evenly_spaced([turn.created_at for turn in turns]):
            turns = tuple(msgspec.structs.replace(turn, created_at=None) for turn in turns)
        self._turns = turns
        self._texts: dict[int, str] = {}

    def text(self, index: int, shift: int = 0) -> str:
        """Return a turn's text, numbered `shift` lower than its index."""
        turn = self._turns[index]
        if shift:
            return render(msgspec.structs.replace(turn, index=index - shift))
        if index not in self._texts:
            self._texts[index] = render(turn)
        return self._texts[index]

    def context(self, pair: Pair, context: Context) -> str | None:
        """Return the text that an item of this pair shows, or None where its supporting turns do not fit the budget."""
        chosen = self._chosen(pair, context)
        if chosen is None:
            return None
        withheld = pair.withheld_turns
        return SEPARATOR.join(self.text(index, sum(gone < index for gone in withheld)) for index in chosen)

    def _chosen(self, pair: Pair, context: Context) -> list[int] | None:
        if context.kind == "none":
            return []
        visible = _Visible(pair, len(self._turns), self._veil.hidden)
        if context.kind == "full":
            return [index for index in range(visible.end) if index in visible]
        supporting = sorted(index for index in set(pair.supporting_turns) if index in visible)
        if context.kind == "evidence":
            return supporting
        return self._within(context.tokens * CHARACTERS_PER_TOKEN, supporting, visible)

    def _within(self, characters: int, supporting: list[int], visible: _Visible) -> list[int] | None:
        """Return the supporting turns and the nearest others that fit, in time order."""
        left = characters + len(SEPARATOR) - sum(self._size(index) for index in supporting)
        if left < 0:
            return None
        chosen, misses = list(supporting), 0
        for index in _by_distance(supporting, visible):
            size = self._size(index)
            if size <= left:
                chosen.append(index)
                left, misses = left - size, 0
            else:
                misses += 1
                if misses == MISSES:
                    break
        return sorted(chosen)

    def _size(self, index: int) -> int:
        return len(self.text(index)) + len(SEPARATOR)


class _Visible:
    """The turns that a pair may show at all."""

    def __init__(self, pair: Pair, turns: int, hidden: frozenset[int]) -> None:
        self.end = turns if pair.context_end is None else min(turns, pair.context_end)
        self.left_out = hidden.union(pair.withheld_turns)

    def __contains__(self, index: int) -> bool:
        return 0 <= index < self.end and index not in self.left_out


def _by_distance(anchors: list[int], visible: _Visible) -> Iterator[int]:
    """Yield the other visible turns, the nearest to any anchor first, the earlier of two that are equally near.

    With no anchor (a pair of the whole session) the order is that of the log. Cost: log n for each turn that is yielded.
    """
    seen = set(anchors)
    heap = [(0, anchor, step) for anchor in anchors for step in (-1, 1)] or [(0, -1, 1)]
    heapq.heapify(heap)
    while heap:
        distance, index, step = heapq.heappop(heap)
        if index not in seen and index in visible:
            seen.add(index)
            yield index
        following = index + step
        if (
            0 <= following < visible.end and following not in seen
        ):  # what was seen is nearer to another anchor, and so is the rest
            heapq.heappush(heap, (distance + 1, following, step))
