"""Which turns of a session speak of the same things: the distinctive values that two turns or more show.

Values are whole scalars and the words of a text that name something (`ORD-44017`, `src/app.py`, `retry_count`): a mail, a shell
and a ticket share names inside of prose, where no JSON leaf equals another. Built in one pass over the text of a session.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from functools import cached_property

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.values import MAX_VALUE_CHARACTERS, MIN_LINK_CHARACTERS, Leaf, can_link, words

MIN_DIGITS = 5  # of a value of digits alone: years and small counts are shared by chance
MAX_SAMPLE = 24  # turns of one value that a window considers
COMMON_SHARE = 0.25  # a value that stands in more of the session's turns links nothing
_DATE = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")
_NAMES = re.compile(r"[0-9/_@]|[a-z][A-Z]|\w\.\w")


class Links:
    """The values that link turns: `turns` lists who shows a value, `values` what a turn shows, `weight` how much it binds.

    A value binds the more, the fewer turns show it; twice as much if one turn returned it and a later one was given it, little
    if only two neighbours show it. `total` adds up what binds a turn.
    """

    def __init__(self, index: SessionIndex) -> None:
        self.index = index
        self.turns = self._shared(_occurrences(index))
        self.values: list[list[str]] = [[] for _ in index.turns]
        for value, turns in self.turns.items():
            for turn in turns:
                self.values[turn].append(value)
        self.weight = {value: self._weigh(value, turns) for value, turns in self.turns.items()}
        self.total = [sum(self.weight[value] for value in values) for values in self.values]

    def _shared(self, found: dict[str, list[int]]) -> dict[str, list[int]]:
        most = max(12.0, COMMON_SHARE * len(self.index.turns))
        return {v: turns for v, turns in found.items() if 2 <= len(turns) <= most and self.index.is_distinctive(v)}

    def _weigh(self, value: str, turns: list[int]) -> float:
        produced, used = self.index.produced.get(value), self.index.used.get(value)
        flows = 2.0 if produced and used and produced[0][0] < used[-1][0] else 1.0
        neighbours = 0.3 if turns[-1] - turns[0] == 1 else 1.0
        return flows * neighbours / math.log2(1 + len(turns))

    def sample(self, value: str) -> list[int]:
        """Return at most `MAX_SAMPLE` turns of a value: the first and the last, those that matter, others evenly spread."""
        turns = self.turns[value]
        if len(turns) <= MAX_SAMPLE:
            return turns
        kept = {turns[0], turns[-1]}
        kept.update([t for t in turns if self.matters[t] > 1][: MAX_SAMPLE // 2])
        spread = MAX_SAMPLE - len(kept)
        kept.update(turns[i * (len(turns) - 1) // spread] for i in range(spread))
        return sorted(kept)

    @cached_property
    def matters(self) -> list[float]:
        """How much each turn matters for itself: messages, effects and failures more than other calls."""
        return [
            1.0 + 0.5 * turn.effect + 0.5 * (turn.ok is False) + 0.5 * (turn.kind == "exchange") for turn in self.index.turns
        ]

    @cached_property
    def strongest(self) -> list[str]:
        """The values, those that bind most first."""
        return sorted(self.weight, key=lambda value: (-self.weight[value], self.turns[value][0], value))


def _occurrences(index: SessionIndex) -> dict[str, list[int]]:
    """Return the turns in which each value stands, in order."""
    found: dict[str, list[int]] = defaultdict(list)
    for turn in range(len(index.turns)):
        shown: dict[str, None] = {}
        for leaf in (*index.arguments[turn], *index.responses[turn]):
            _note(leaf, shown)
        for value in shown:
            found[value].append(turn)
    return found


def _note(leaf: Leaf, shown: dict[str, None]) -> None:
    if can_link(leaf.value, leaf.text) and not _is_chance(leaf.text):
        shown[leaf.text] = None
    for word in words(leaf.text):
        if MIN_LINK_CHARACTERS <= len(word) <= MAX_VALUE_CHARACTERS and _NAMES.search(word) and not _is_chance(word):
            shown[word] = None


def _is_chance(text: str) -> bool:
    """Say whether two turns may well share a text without speaking of one thing: dates, small numbers."""
    return _DATE.match(text) is not None or (text.replace(".", "").isdigit() and len(text) < MIN_DIGITS)
