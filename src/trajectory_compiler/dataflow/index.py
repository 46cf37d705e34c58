"""The value index of one session: who produced a value, who used it, which calls are alike.

Built in one pass over the turns; everything the families ask is a dictionary look-up or a substring search. Linear in the
size of the session.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence

from trajectory_compiler.model import Trajectory, Turn
from trajectory_compiler.values import MAX_VALUE_CHARACTERS, Leaf, can_link, leaves

MAX_LEAVES = 400
COMMON_SHARE = 0.2


class SessionIndex:
    """One session, indexed. Turn numbers are 0-based indices into `turns`.

    `tools` lists the tool turns of each tool; `like` those of one tool with one argument value; `produced` and `used` give
    the places (turn, path) at which a value stands in responses and in arguments, earliest first; `keyed` the turns that hold
    a value under a key.
    """

    def __init__(self, trajectory: Trajectory, frequency: Callable[[str], int], sessions: int) -> None:
        self.trajectory = trajectory
        self.turns: Sequence[Turn] = trajectory.turns
        self._frequency = frequency
        self._common = max(3.0, COMMON_SHARE * sessions)
        self.arguments: list[tuple[Leaf, ...]] = []
        self.responses: list[tuple[Leaf, ...]] = []
        self.tools: dict[str, list[int]] = defaultdict(list)
        self.like: dict[tuple[str, str, str], list[int]] = defaultdict(list)
        self.produced: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.used: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.keyed: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._response_fields: list[dict[str, Leaf]] = []
        self._argument_fields: list[dict[str, Leaf]] = []
        for turn in self.turns:
            self._add(turn)
        self._text, self._starts = _searchable(self.turns, self.arguments, self.responses)
        self._containing: dict[str, tuple[int, ...]] = {}

    def _add(self, turn: Turn) -> None:
        arguments = tuple(leaves(turn.arguments, "/arguments", MAX_LEAVES))
        responses = tuple(leaves(turn.response, "/response", MAX_LEAVES))
        self.arguments.append(arguments)
        self.responses.append(responses)
        self._argument_fields.append({leaf.path: leaf for leaf in arguments})
        self._response_fields.append({leaf.path: leaf for leaf in responses})
        for leaf in (*arguments, *responses):
            showing = self.keyed[leaf.key, leaf.text]
            if not showing or showing[-1] != turn.index:
                showing.append(turn.index)
        if turn.kind != "tool":
            return
        self.tools[turn.tool].append(turn.index)
        for leaf in arguments:
            if len(leaf.text) <= MAX_VALUE_CHARACTERS:
                self.like[turn.tool, leaf.path, leaf.text].append(turn.index)
                if can_link(leaf.value, leaf.text):
                    self.used[leaf.text].append((turn.index, leaf.path))
        echoed = {leaf.text for leaf in arguments}
        for leaf in responses:
            if can_link(leaf.value, leaf.text) and leaf.text not in echoed:
                self.produced[leaf.text].append((turn.index, leaf.path))

    def leaf(self, turn: int, path: str) -> Leaf | None:
        """Return the scalar at a pointer of a turn, if it is there."""
        if path.startswith("/response"):
            return self._response_fields[turn].get(path)
        return self._argument_fields[turn].get(path)

    def is_distinctive(self, value: str) -> bool:
        """Say whether a value is rare enough over the whole log to link two turns."""
        return self._frequency(value) <= self._common

    def turns_showing(self, value: str) -> tuple[int, ...]:
        """Return every turn in whose arguments or response the value occurs as a token, exchanges included."""
        found = self._containing.get(value)
        if found is None:
            found = self._containing[value] = tuple(self._search(value))
        return found

    def _search(self, value: str) -> Iterable[int]:
        start, last = self._text.find(value), -1
        while start >= 0:
            end = start + len(value)
            if not continues(self._text, start, end):
                turn = bisect_right(self._starts, start) - 1
                if turn != last:
                    last = turn
                    yield turn
                    if turn + 1 >= len(self._starts):
                        return
                    start = self._text.find(value, self._starts[turn + 1])
                    continue
            start = self._text.find(value, start + 1)

    def first_shown(self, value: str) -> int:
        """Return the first turn that shows the value, or the number of turns where none does."""
        showing = self.turns_showing(value)
        return showing[0] if showing else len(self.turns)


def continues(text: str, start: int, end: int) -> bool:
    """Say whether the token at `text[start:end]` goes on before its start or after its end (see `program`, *occurs*)."""
    before, after = text[start - 1 : start], text[end : end + 1]
    if before and (before.isalnum() or before in "_-"):
        return True
    if after and (after.isalnum() or after in "_-"):
        return True
    if before in (".", ",") and text[start : start + 1].isdigit() and text[start - 2 : start - 1].isdigit() and start >= 2:
        return True
    return after in (".", ",") and text[end - 1 : end].isdigit() and text[end + 1 : end + 2].isdigit()


def _searchable(
    turns: Sequence[Turn], arguments: Sequence[tuple[Leaf, ...]], responses: Sequence[tuple[Leaf, ...]]
) -> tuple[str, list[int]]:
    """Join the scalars of all turns into one text, NUL between them, and say where each turn starts."""
    parts: list[str] = []
    starts: list[int] = []
    position = 0
    for turn in turns:
        starts.append(position)
        more = arguments[turn.index], responses[turn.index]
        if len(more[0]) >= MAX_LEAVES or len(more[1]) >= MAX_LEAVES:
            more = tuple(leaves(turn.arguments, "/arguments")), tuple(leaves(turn.response, "/response"))
        piece = "\0".join(leaf.text for side in more for leaf in side) + "\0"
        parts.append(piece)
        position += len(piece)
    return "".join(parts), starts
