"""Which results of a session its final answer rests on: a backward slice over the values that calls handed on.

    answer "The refund for M05KNL is 1936"   <- 1936 <- response of #07, whose arguments hold M05KNL <- response of #02

A value links an answer or an argument to the turn that showed it first, if that turn is a call whose response brought it up: a
value that the task, the user or an argument named before is nobody's result. Whole scalars of responses link where they are
distinctive over the log; words inside longer texts link only where they look like a name (`M05KNL`, `src/app.py`) and few turns
of the session show them, because document frequencies of such words are not known.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator

import msgspec

from trajectory_compiler.dataflow.index import MAX_CHECKED, SessionIndex, contains
from trajectory_compiler.model import Evidence
from trajectory_compiler.synthesis.grounds import naming
from trajectory_compiler.synthesis.places import find_quote
from trajectory_compiler.values import can_link

QUOTES = 3  # of one turn: a table of flights would fill a page
FEW_TURNS = 3
FEW_SHARE = 0.2
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer rests on. `values` are those of the answer itself, `evidence` says where each turn showed what it gave.

    `hops` is the longest chain of calls, `width` the most calls that stand at one place of their chains.
    """

    turns: tuple[int, ...]
    values: tuple[str, ...]
    evidence: tuple[Evidence, ...]
    hops: int
    width: int


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """The task of a session and its final answer, which stands in turn `turn`."""

    task: str
    answer: str
    turn: int


def trace(index: SessionIndex, asked: Asked) -> Trace:
    """Return the turns before the answer whose responses its values come from, directly or through arguments.

    Cost: one search of the answer for every value of the session; no model call.
    """
    return _Slice(index, asked).trace()


def without_separators(text: str) -> str:
    """Return a text with its amounts written as logs write them: `1,936` becomes `1936`."""
    return _THOUSANDS.sub("", text)


class _Slice:
    def __init__(self, index: SessionIndex, asked: Asked) -> None:
        self.index, self.asked = index, asked
        self.given: dict[int, dict[str, None]] = {}  # what was taken from each turn, in the order in which it was met
        self.depth: dict[int, int] = {}
        self.few = max(FEW_TURNS, FEW_SHARE * len(index.tool_turns))

    def trace(self) -> Trace:
        values = [value for value in self.values_of_answer() if self.follow(value, self.asked.turn, 1)]
        done: set[int] = set()
        while waiting := self.depth.keys() - done:
            turn = max(waiting)  # links lead to earlier turns only, so that nothing can make a finished turn deeper
            done.add(turn)
            for value in self.values_of_arguments(turn):
                self.follow(value, turn, self.depth[turn] + 1)
        turns = tuple(sorted(self.given))
        evidence = [quote for turn in turns for quote in self.quotes(turn)]
        return Trace(
            turns=turns,
            values=tuple(values),
            evidence=tuple(evidence),
            hops=max(self.depth.values(), default=0),
            width=max(Counter(self.depth.values()).values(), default=0),
        )

    def follow(self, value: str, user: int, depth: int) -> bool:
        """Note the turn that a value used in turn `user` comes from; say whether there is one."""
        turn = self.source(value, user)
        if turn is None:
            return False
        self.given.setdefault(turn, {})[value] = None
        self.depth[turn] = max(depth, self.depth.get(turn, 0))
        return True

    def source(self, value: str, before: int) -> int | None:
        """Return the call whose response brought a value up before a turn."""
        showing = self.index.turns_showing(value)
        if not showing or len(showing) > MAX_CHECKED or showing[0] >= before or contains(self.asked.task, value):
            return None
        turn = self.index.turns[showing[0]]
        if turn.kind != "tool" or contains(turn.arguments, value) or not contains(turn.response, value):
            return None
        return turn.index

    def values_of_answer(self) -> list[str]:
        """Return what the answer says that a response said, amounts also without their thousands separators."""
        text = self.asked.answer
        bare = without_separators(text)
        whole = [
            value
            for value in self.index.produced
            if (value in bare or value in text)
            and (contains(bare, value) or contains(text, value))
            and self.index.is_distinctive(value)
        ]
        return list(dict.fromkeys((*whole, *self.names_in(text))))

    def values_of_arguments(self, turn: int) -> Iterator[str]:
        for leaf in self.index.arguments[turn]:
            if can_link(leaf.value, leaf.text) and leaf.text in self.index.produced:
                if self.index.is_distinctive(leaf.text):
                    yield leaf.text
            elif isinstance(leaf.value, str):
                yield from self.names_in(leaf.text)

    def names_in(self, text: str) -> Iterator[str]:
        for name in dict.fromkeys(naming(text)):
            if len(self.index.turns_showing(name)) <= self.few:
                yield name

    def quotes(self, turn: int) -> Iterator[Evidence]:
        """Quote the first few values that were taken from a turn, where its response shows them."""
        found = (find_quote(self.index.turns[turn], value) for value in list(self.given[turn])[:QUOTES])
        yield from dict.fromkeys(quote for quotes in found for quote in quotes if quote.path.startswith("/response"))
