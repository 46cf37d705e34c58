"""Which turns of a session speak of the same things: the distinctive values that two turns or more show.

Values are whole scalars and the words of a text that name something (`ORD-44017`, `src/app.py`, `retry_count`): a mail, a shell
and a ticket share names inside of prose, where no JSON leaf equals another. Built in one pass over the text of a session.
"""

from __future__ import annotations

import math
import re
from collections import defaultdict
from collections.abc import Collection
from functools import cached_property

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.values import MAX_VALUE_CHARACTERS, MIN_LINK_CHARACTERS, Leaf, can_link, words

MIN_DIGITS = 5  # of a value of digits alone: years and small counts are shared by chance
MAX_SAMPLE = 24  # turns of one value that a window considers
FLOW = 4.0  # how much more a value binds that was returned and then given
NEIGHBOURS = 0.3  # how much one binds that two neighbours alone show
COMMON_SHARE = 0.25  # a value that stands in more of the session's turns links nothing
MAX_PHRASE = 4  # words of a value that is looked for inside of texts: names of people, firms, places
MAX_PHRASE_TEXT = 4_000
_DATE = re.compile(r"[0-9]{4}-[01][0-9]-[0-3][0-9]")
_NAMES = re.compile(r"[0-9/_@]|[a-z][A-Z]|\w\.\w")


class Links:
    """The values that link turns: `turns` lists who shows a value, `values` what a turn shows.

    `weight` says how much a value binds: the more, the fewer turns show it; four times as much if one turn returned it and a
    later one was given it; little if only two neighbours show it. `story` says how much its turns tell together: many kinds of
    calls, far apart.
    """

    def __init__(self, index: SessionIndex) -> None:
        self.index = index
        self.turns = self._shared(_occurrences(index))
        self.values: list[list[str]] = [[] for _ in index.turns]
        for value, turns in self.turns.items():
            for turn in turns:
                self.values[turn].append(value)
        self._samples: dict[str, list[int]] = {}
        self.weight = {value: self._weigh(value, turns) for value, turns in self.turns.items()}
        self.story = {value: self._tell(value, turns) for value, turns in self.turns.items()}
        self.request = [turn.index for turn in index.turns[:2] if turn.kind == "exchange"][:1]

    def _shared(self, found: dict[str, list[int]]) -> dict[str, list[int]]:
        most = max(12.0, COMMON_SHARE * len(self.index.turns))
        return {v: turns for v, turns in found.items() if 2 <= len(turns) <= most and self.index.is_distinctive(v)}

    def _weigh(self, value: str, turns: list[int]) -> float:
        produced, used = self.index.produced.get(value), self.index.used.get(value)
        flows = FLOW if produced and used and produced[0][0] < used[-1][0] else 1.0
        neighbours = NEIGHBOURS if turns[-1] - turns[0] == 1 else 1.0
        return flows * neighbours / math.log2(1 + len(turns))

    def _tell(self, value: str, turns: list[int]) -> float:
        kinds = len({self.index.turns[turn].tool for turn in self.sample(value)})
        reach = (turns[-1] - turns[0]) / max(1, len(self.index.turns) - 1)
        return self.weight[value] * kinds * (1 + reach) / 2

    def sample(self, value: str) -> list[int]:
        """Return at most `MAX_SAMPLE` turns of a value: the first and the last, those that matter, others evenly spread."""
        found = self._samples.get(value)
        if found is None:
            found = self._samples[value] = self._sampled(self.turns[value])
        return found

    def _sampled(self, turns: list[int]) -> list[int]:
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
    def telling(self) -> list[str]:
        """The values, those whose turns tell most first."""
        return sorted(self.story, key=lambda value: (-self.story[value], self.turns[value][0], value))


def _occurrences(index: SessionIndex) -> dict[str, list[int]]:
    """Return the turns in which each value stands, in order."""
    found: dict[str, list[int]] = defaultdict(list)
    phrases = {text for texts in (index.produced, index.used) for text in texts if 2 <= len(text.split(" ")) <= MAX_PHRASE}
    for turn in range(len(index.turns)):
        shown: dict[str, None] = {}
        for leaf in (*index.arguments[turn], *index.responses[turn]):
            _note(leaf, shown, phrases)
        for value in shown:
            found[value].append(turn)
    return found


def _note(leaf: Leaf, shown: dict[str, None], phrases: Collection[str]) -> None:
    if can_link(leaf.value, leaf.text) and not _is_chance(leaf.text):
        shown[leaf.text] = None
    for word in words(leaf.text):
        if MIN_LINK_CHARACTERS <= len(word) <= MAX_VALUE_CHARACTERS and _NAMES.search(word) and not _is_chance(word):
            shown[word] = None
    if phrases and len(leaf.text) <= MAX_PHRASE_TEXT:
        spoken = list(words(leaf.text))
        for n in range(2, MAX_PHRASE + 1):
            for start in range(len(spoken) - n + 1):
                if (phrase := " ".join(spoken[start : start + n])) in phrases:
                    shown[phrase] = None


def _is_chance(text: str) -> bool:
    """Say whether two turns may well share a text without speaking of one thing: dates, small numbers."""
    return _DATE.match(text) is not None or (text.replace(".", "").isdigit() and len(text) < MIN_DIGITS)
