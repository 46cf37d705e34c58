"""The results of calls as pieces of a context: those that an answer rests on among others, in no order.

    own = pieces_of(trajectory, pair.context_end)
    chosen = assemble(pair, own, others, Room(tokens=16_000, count=estimate_tokens, seed=0))

Source: ACC (arXiv:2605.21850): supporting pieces, shuffled with results that were not needed, at lengths up to 128k tokens.
Pieces of the same session come first, because what resembles the evidence distracts most. Three rules keep a context honest: no
piece that shows all of the answer's values beside a term of the question, no call that is given the answer, and no other state
of a call that is needed.

A piece from another session is borrowed. There `<EMAIL_1>` is somebody else, so the pseudonyms of borrowed pieces are numbered
on from those of the session itself: two people never share a name in one context.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

import msgspec

from trajectory_compiler.dataflow.index import contains
from trajectory_compiler.model import Json, Pair, Trajectory, Turn, json_text, plain, short_hash
from trajectory_compiler.redaction.pseudonyms import LOG_DIGITS
from trajectory_compiler.redaction.scan import LABEL
from trajectory_compiler.synthesis.acc_trace import without_separators
from trajectory_compiler.synthesis.grounds import naming
from trajectory_compiler.synthesis.options import TokenCount

SEPARATOR = "\n\n"
MISSES = 64  # pieces in a row that do not fit, after which a context counts as full
FROM_ONE_SESSION = 8
LONG_WORD = 5
_PARTS = re.compile(r"<([A-Z_]+)_([0-9]+)>")


class Piece(msgspec.Struct, frozen=True, kw_only=True):
    """The result of one call. `call` is what was asked: two pieces with one call are states of the same thing."""

    session_id: str
    turn: int
    tool: str
    call: str
    text: str


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How long a context may be (None: as long as the session gives), how tokens are counted, and the seed of its order."""

    tokens: int | None
    count: TokenCount
    seed: int = 0


class Assembled(msgspec.Struct, frozen=True, kw_only=True):
    """A context: its pieces in the order in which they are shown, and its text."""

    pieces: tuple[Piece, ...]

    @property
    def text(self) -> str:
        """The pieces, one after another."""
        return SEPARATOR.join(piece.text for piece in self.pieces)


def pieces_of(trajectory: Trajectory, end: int | None = None) -> tuple[Piece, ...]:
    """Return the results of a session's calls before turn `end`, in time order; calls without a result give none."""
    turns = trajectory.turns if end is None else trajectory.turns[:end]
    return tuple(_piece(trajectory.session_id, turn) for turn in turns if turn.kind == "tool" and not _is_empty(turn.response))


def _piece(session_id: str, turn: Turn) -> Piece:
    call = f"{turn.tool}\narguments: {json_text(turn.arguments)}"
    text = f"{call}\nresponse: {json_text(turn.response)}"
    return Piece(session_id=session_id, turn=turn.index, tool=turn.tool, call=call, text=text)


def _is_empty(response: Json) -> bool:
    return response is None or (isinstance(response, str | list | dict) and not response)


def terms_of(task: str, pieces: Sequence[Piece]) -> tuple[str, ...]:
    """Return what a task names; where that is nothing, its longer words that some but at most half of the pieces hold."""
    names = tuple(dict.fromkeys(naming(task)))
    if names:
        return names
    shown = [set(plain(piece.text).split()) for piece in pieces]
    longer = dict.fromkeys(word for word in plain(task).split() if len(word) >= LONG_WORD)
    return tuple(word for word in longer if 0 < sum(word in held for held in shown) <= len(pieces) / 2)


def shows_all(piece: Piece, values: Iterable[str]) -> bool:
    """Say whether a piece holds every one of some values, and at least one."""
    wanted = list(values)
    return bool(wanted) and all(value in piece.text and contains(piece.text, value) for value in wanted)


def shows_term(piece: Piece, terms: Iterable[str]) -> bool:
    """Say whether a piece holds a term of the question as words, in any case."""
    words = plain(piece.text)
    return any(plain(term) in words for term in terms)


def values_of(pair: Pair) -> tuple[str, ...]:
    """Return the quoted values that stand in the answer: what a shorter way to it would show."""
    bare = without_separators(pair.answer)
    return tuple(dict.fromkeys(q.quote for q in pair.evidence if contains(pair.answer, q.quote) or contains(bare, q.quote)))


def supporting_of(pair: Pair, own: Sequence[Piece]) -> tuple[Piece, ...]:
    """Return the pieces that the answer rests on, in time order."""
    return tuple(piece for piece in own if piece.turn in pair.supporting_turns)


def assemble(pair: Pair, own: Sequence[Piece], others: Iterable[Sequence[Piece]], room: Room) -> Assembled | None:
    """Return the supporting pieces among as many others as fit, permuted; None where the supporting ones alone do not fit.

    `own` are the pieces of the pair's session, `others` those of other sessions, which are read only as far as there is room.
    Deterministic: seed, pair and content decide, never the order of arrival.
    """
    supporting = supporting_of(pair, own)
    chosen = _Chosen(pair, own, room)
    if not all(chosen.take(piece) for piece in supporting):
        return None
    chosen.refuse_like(supporting)
    rest = [piece for piece in own if piece.turn not in pair.supporting_turns]
    for piece in _drawn(rest, pair, room.seed):
        chosen.offer(piece)
    if room.tokens is not None:
        tools = {piece.tool for piece in supporting}
        for lent in others:
            if chosen.is_full:
                break
            names = _Names(chosen.taken_names)
            for piece in _like_first(_drawn(lent, pair, room.seed), tools)[:FROM_ONE_SESSION]:
                chosen.offer(msgspec.structs.replace(piece, text=names.renamed(piece.text)))
    return Assembled(pieces=tuple(_drawn(chosen.pieces, pair, room.seed, "order")))


def _drawn(pieces: Iterable[Piece], pair: Pair, seed: int, purpose: str = "draw") -> list[Piece]:
    return sorted(pieces, key=lambda piece: short_hash(purpose, str(seed), pair.id, piece.session_id, str(piece.turn)))


def _like_first(pieces: list[Piece], tools: set[str]) -> list[Piece]:
    return sorted(pieces, key=lambda piece: piece.tool not in tools)


class _Chosen:
    """The pieces of a context while it fills."""

    def __init__(self, pair: Pair, own: Sequence[Piece], room: Room) -> None:
        self.pieces: list[Piece] = []
        self.taken_names = _numbers_in(pair.question, pair.answer, *(piece.text for piece in own))
        self._room, self._left = room, room.tokens
        self._values, self._terms = values_of(pair), terms_of(pair.question, own)
        self._answer = pair.answer
        self._calls: set[str] = set()
        self._texts: set[str] = set()
        self._misses = 0

    @property
    def is_full(self) -> bool:
        return self._misses >= MISSES

    def take(self, piece: Piece) -> bool:
        """Take a piece if there is room for it."""
        if self._left is not None:
            tokens = self._room.count(piece.text) + 1  # and what sets it apart from the next one
            if tokens > self._left:
                self._misses += 1
                return False
            self._left -= tokens
        self._misses = 0
        self._texts.add(piece.text)
        self.pieces.append(piece)
        return True

    def refuse_like(self, supporting: Iterable[Piece]) -> None:
        self._calls = {piece.call for piece in supporting}

    def offer(self, piece: Piece) -> None:
        """Take a piece that is not needed, unless it would show the answer by a shorter way or gainsay what is needed."""
        if self.is_full or piece.text in self._texts or piece.call in self._calls:
            return
        if contains(piece.call, self._answer):  # the agent had the answer and passed it on
            return
        tells = shows_all(piece, self._values) or contains(piece.text, self._answer)
        if tells and (not self._terms or shows_term(piece, self._terms)):
            return
        self.take(piece)


def _numbers_in(*texts: str) -> dict[str, int]:
    """Return the highest number of the pseudonyms in some texts, by kind."""
    highest: dict[str, int] = {}
    for kind, number in _labels(texts):
        highest[kind] = max(number, highest.get(kind, 0))
    return highest


def _labels(texts: Iterable[str]) -> Iterator[tuple[str, int]]:
    for text in texts:
        for label in LABEL.findall(text):
            parts = _PARTS.fullmatch(label)
            if parts is not None and len(parts[2]) < LOG_DIGITS:  # log-stable ones mean the same everywhere
                yield parts[1], int(parts[2])


class _Names:
    """New numbers for the pseudonyms of one other session; `taken` is counted on."""

    def __init__(self, taken: dict[str, int]) -> None:
        self._taken = taken
        self._new: dict[str, str] = {}

    def renamed(self, text: str) -> str:
        """Return a text with the names that its session's pseudonyms have in this context."""
        return LABEL.sub(lambda match: self._name(match[0]), text)

    def _name(self, label: str) -> str:
        parts = _PARTS.fullmatch(label)
        if parts is None or len(parts[2]) >= LOG_DIGITS:
            return label
        if label not in self._new:
            self._taken[parts[1]] = number = self._taken.get(parts[1], 0) + 1
            self._new[label] = f"<{parts[1]}_{number}>"
        return self._new[label]
