"""The value index of one session: who produced a value, who used it, which calls are alike.

Built in one pass over the turns; everything the families ask is a dictionary look-up or a substring search. Linear in the
size of the session.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from functools import cached_property
from itertools import pairwise
from typing import Any

from trajectory_compiler.model import Json, Trajectory, Turn, canonical
from trajectory_compiler.values import MAX_VALUE_CHARACTERS, Leaf, can_link, leaves

MAX_LEAVES = 400
COMMON_SHARE = 0.2
MAX_CHECKED = 300
MAX_COLUMNS = 300  # remembered at once
STAMP_PATH = "/created_at"
_TOTAL_WORDS = frozenset(("total", "count", "sum", "number", "num"))
_ATOM = re.compile(r"[\w-]+(?:[.,]\d+)*")


class SessionIndex:
    """One session, indexed. Turn numbers are 0-based indices into `turns`.

    `tools` lists the tool turns of each tool; `like` those of one tool with one argument value, `across`
    those of any tool with it; `produced` and `used` give
    the places (turn, path) at which a value stands in responses and in arguments, earliest first; `keyed` the turns that hold
    a value under a key; `totals` the values under keys that speak of a total;
    `memo` what `fields.askable` found for a turn.
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
        self.across: dict[tuple[str, str], list[int]] = defaultdict(list)
        self.produced: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.used: dict[str, list[tuple[int, str]]] = defaultdict(list)
        self.keyed: dict[tuple[str, str], list[int]] = defaultdict(list)
        self._atoms: dict[str, list[int]] = defaultdict(list)
        self._response_fields: list[dict[str, Leaf]] = []
        self._argument_fields: list[dict[str, Leaf]] = []
        for turn in self.turns:
            self._add(turn)
        self.totals = {text for key, text in self.keyed if _TOTAL_WORDS & set(_split_key(key))}
        self.stamps = Counter(turn.created_at for turn in self.turns)
        self._endings: dict[tuple[str | None, str], Counter[str]] = {}
        self.memo: dict[int, tuple[Any, ...]] = {}
        self._containing: dict[str, Sequence[int]] = {}
        self._columns: dict[tuple[str, str], dict[int, str]] = {}

    def _add(self, turn: Turn) -> None:
        arguments = tuple(leaves(turn.arguments, "/arguments", MAX_LEAVES))
        responses = tuple(leaves(turn.response, "/response", MAX_LEAVES))
        self.arguments.append(arguments)
        self.responses.append(responses)
        self._argument_fields.append({leaf.path: leaf for leaf in arguments})
        self._add_atoms(turn, arguments, responses)
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
                self.across[leaf.path, leaf.text].append(turn.index)
                if can_link(leaf.value, leaf.text):
                    self.used[leaf.text].append((turn.index, leaf.path))
        echoed = {leaf.text for leaf in arguments}
        for leaf in responses:
            if can_link(leaf.value, leaf.text) and leaf.text not in echoed:
                self.produced[leaf.text].append((turn.index, leaf.path))

    def leaf(self, turn: int, path: str) -> Leaf | None:
        """Return the scalar at a pointer of a turn, if it is there."""
        if path == STAMP_PATH:
            stamp = self.turns[turn].created_at
            return None if stamp is None else Leaf(path, "created_at", stamp, stamp)
        if path.startswith("/response"):
            return self._response_fields[turn].get(path)
        return self._argument_fields[turn].get(path)

    def column(self, tool: str, path: str) -> dict[int, str]:
        """Return the text of a field on every call of a tool that has it: {turn: text}."""
        found = self._columns.get((tool, path))
        if found is None:
            found = {t: leaf.text for t in self.tools.get(tool, ()) if (leaf := self.leaf(t, path)) is not None}
            if len(self._columns) >= MAX_COLUMNS:
                self._columns.clear()
            self._columns[tool, path] = found
        return found

    @cached_property
    def tool_turns(self) -> list[int]:
        """The turns that are calls of tools."""
        return [turn.index for turn in self.turns if turn.kind == "tool"]

    @cached_property
    def times_are_real(self) -> bool:
        """Say whether the stamps look recorded rather than made up: the gaps between turns are of many lengths."""
        stamps = [t.created_at for t in self.turns if t.created_at is not None]
        seconds = {_seconds(later) - _seconds(earlier) for earlier, later in pairwise(stamps)}
        return len(stamps) == len(self.turns) and len(seconds) >= min(4, len(stamps) // 3)

    def endings(self, tool: str | None, path: str) -> Counter[str]:
        """Count the different values of an argument of a tool (None: of any) by each ending of up to three path steps."""
        found = self._endings.get((tool, path))
        if found is None:
            if tool is None:
                values = {text for place, text in self.across if place == path}
            else:
                values = {leaf.text for t in self.tools[tool] if (leaf := self.leaf(t, path)) is not None}
            found = self._endings[tool, path] = Counter(ending.lower() for value in values for ending in path_endings(value))
        return found

    def is_distinctive(self, value: str) -> bool:
        """Say whether a value is rare enough over the whole log to link two turns."""
        return self._frequency(value) <= self._common

    def _add_atoms(self, turn: Turn, arguments: Sequence[Leaf], responses: Sequence[Leaf]) -> None:
        """Note which unbreakable words the turn shows, so that any value can be searched for from its rarest word."""
        if len(arguments) >= MAX_LEAVES or len(responses) >= MAX_LEAVES:
            arguments, responses = tuple(leaves(turn.arguments, "/arguments")), tuple(leaves(turn.response, "/response"))
        shown: set[str] = set()
        for leaf in (*arguments, *responses):
            shown.update(_ATOM.findall(leaf.text))
        for atom in shown:
            self._atoms[atom].append(turn.index)

    def turns_showing(self, value: str) -> Sequence[int]:
        """Return every turn in whose arguments or response the value occurs as a token, exchanges included.

        Where even its rarest word stands in very many turns, those turns are returned unchecked: such a value shows nothing.
        """
        found = self._containing.get(value)
        if found is None:
            found = self._containing[value] = self._search(value)
        return found

    def _search(self, value: str) -> Sequence[int]:
        atoms = _ATOM.findall(value)
        if not atoms:
            return ()
        rarest = min((self._atoms.get(atom, []) for atom in atoms), key=len)
        if len(rarest) > MAX_CHECKED:
            return rarest
        return tuple(t for t in rarest if contains(self.turns[t].arguments, value) or contains(self.turns[t].response, value))

    def first_shown(self, value: str) -> int:
        """Return the first turn that shows the value, or the number of turns where none does."""
        showing = self.turns_showing(value)
        return showing[0] if showing else len(self.turns)


def _split_key(key: str) -> list[str]:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|[^A-Za-z0-9]+", " ", key).lower().split()


def _seconds(stamp: str) -> int:
    """Return the second of the day that a stamp names: enough to compare gaps."""
    clock = stamp[11:19]
    return int(clock[:2]) * 3600 + int(clock[3:5]) * 60 + int(clock[6:8]) if len(clock) == 8 else 0


def path_endings(value: str) -> list[str]:
    """Return the last one, two and three steps of a path, and the whole of it."""
    parts = value.rstrip("/").split("/")
    return ["/".join(parts[-length:]) for length in (1, 2, 3) if length < len(parts)] + [value]


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


def contains(document: Json, token: str) -> bool:
    """Say whether a value occurs in a document as a whole scalar or as a token of a string (see `program`, *has*)."""
    stack = [document]
    while stack:
        value = stack.pop()
        if isinstance(value, dict):
            stack.extend(value.values())
        elif isinstance(value, list):
            stack.extend(value)
        elif canonical(value) == token or (isinstance(value, str) and _has_token(value, token)):
            return True
    return False


def _has_token(text: str, token: str) -> bool:
    start = text.find(token) if token else -1
    while start >= 0:
        if not continues(text, start, start + len(token)):
            return True
        start = text.find(token, start + 1)
    return False
