"""A turn as a reader sees it, cut into pieces, with the quoted evidence marked where it stands.

The pieces of a turn, put together, are exactly `model.render(turn)`. `shorten` then leaves out what is far from any mark and
says how much was left out, so that a response of a megabyte shows as a few lines around what counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Literal, NamedTuple

import msgspec

from trajectory_compiler.model import Evidence, Json, Turn, escape_token

WALKED_CHARACTERS = 20_000
Style = Literal["head", "label", "key", "text", "mark", "gap"]


class Piece(NamedTuple):
    """A stretch of a turn's text: how it is set, and which piece of evidence it quotes, if any."""

    style: Style
    text: str
    evidence: int | None = None


def pieces_of(turn: Turn, evidence: Sequence[Evidence]) -> list[Piece]:
    """Cut a turn's text into pieces. `evidence` may quote other turns too; numbers in the pieces index this sequence."""
    marks: dict[str, list[tuple[int, tuple[int, int] | None]]] = {}
    for number, item in enumerate(evidence):
        if item.turn == turn.index:
            marks.setdefault(item.path, []).append((number, item.span))
    writer = _Writer(marks)
    writer.add("head", f"#{turn.index:03d}")
    for path, text in (("/created_at", turn.created_at or None), ("/agent", turn.agent), ("/tool", turn.tool)):
        if text is not None:
            writer.add("head", " ")
            writer.text(path, text, style="head")
    writer.add("label", "\narguments: ")
    writer.document("/arguments", turn.arguments)
    writer.add("label", "\nresponse: ")
    writer.document("/response", turn.response)
    return _merged(writer.pieces)


class _Writer:
    """Writes a document as `model.json_text` does, remembering the path of every leaf."""

    def __init__(self, marks: dict[str, list[tuple[int, tuple[int, int] | None]]]) -> None:
        self.marks = marks
        self.pieces: list[Piece] = []

    def add(self, style: Style, text: str) -> None:
        self.pieces.append(Piece(style, text))

    def document(self, path: str, value: Json) -> None:
        if isinstance(value, str):
            self.text(path, value)
            return
        encoded = _json(value)
        if len(encoded) > WALKED_CHARACTERS and not any(place.startswith(path) for place in self.marks):
            self.add("text", encoded)  # long, and nothing to mark inside
        else:
            self._value(path, value)

    def _value(self, path: str, value: Json) -> None:
        if isinstance(value, dict):
            self.add("text", "{")
            for number, (key, item) in enumerate(value.items()):
                self.add("text", "," if number else "")
                self.add("key", _json(key))
                self.add("text", ":")
                self._value(f"{path}/{escape_token(key)}", item)
            self.add("text", "}")
        elif isinstance(value, list):
            self.add("text", "[")
            for number, item in enumerate(value):
                self.add("text", "," if number else "")
                self._value(f"{path}/{number}", item)
            self.add("text", "]")
        elif isinstance(value, str):
            self.add("text", '"')
            self.text(path, value, quoted=True)
            self.add("text", '"')
        elif path in self.marks:
            self.pieces.append(Piece("mark", _json(value), self.marks[path][0][0]))
        else:
            self.add("text", _json(value))

    def text(self, path: str, value: str, *, quoted: bool = False, style: Style = "text") -> None:
        """Write a string; what its evidence quotes is marked. Overlapping quotes are marked once, by the first."""
        form = _inside_quotes if quoted else str
        at = 0
        for start, end, number in sorted((*(span or (0, len(value))), n) for n, span in self.marks.get(path, ())):
            if start < at or end > len(value) or start == end:
                continue
            self.add(style, form(value[at:start]))
            self.pieces.append(Piece("mark", form(value[start:end]), number))
            at = end
        self.add(style, form(value[at:]))


def _json(value: Json) -> str:
    return msgspec.json.encode(value).decode()


def _inside_quotes(text: str) -> str:
    return _json(text)[1:-1]


def _merged(pieces: Iterable[Piece]) -> list[Piece]:
    """Join neighbours of one style and drop empty pieces; marks stay apart."""
    merged: list[Piece] = []
    for piece in pieces:
        if not piece.text:
            continue
        if merged and piece.style == merged[-1].style != "mark":
            merged[-1] = Piece(piece.style, merged[-1].text + piece.text)
        else:
            merged.append(piece)
    return merged


def shorten(pieces: Sequence[Piece], *, around: int, head: int = 0) -> list[Piece]:
    """Keep marks whole with `around` characters on either side, and `head` characters after each label.

    What is left out becomes a gap that says how many characters it stands for.
    """
    length = sum(len(piece.text) for piece in pieces)
    keep = _kept_ranges(pieces, around, head)
    shown: list[Piece] = []
    at = cut = 0
    for piece in pieces:
        end = at + len(piece.text)
        for low, high in keep:
            low, high = max(low, at), min(high, end)
            if low < high:
                if low > cut:
                    shown.append(_gap(low - cut))
                shown.append(piece._replace(text=piece.text[low - at : high - at]))
                cut = high
        at = end
    if cut < length:
        shown.append(_gap(length - cut))
    return shown


def _kept_ranges(pieces: Sequence[Piece], around: int, head: int) -> list[tuple[int, int]]:
    """Return the ranges of characters to keep, merged where they nearly touch: a gap must be worth its own words."""
    wanted: list[tuple[int, int]] = []
    at = 0
    for piece in pieces:
        end = at + len(piece.text)
        if piece.style == "mark":
            wanted.append((max(0, at - around), end + around))
        elif piece.style == "head":
            wanted.append((at, end))
        elif piece.style == "label":
            wanted.append((at, end + head))
        at = end
    merged: list[tuple[int, int]] = []
    for low, high in sorted(wanted):
        if merged and low <= merged[-1][1] + _WORTH_A_GAP:
            merged[-1] = (merged[-1][0], max(high, merged[-1][1]))
        else:
            merged.append((low, high))
    if merged and merged[-1][1] + _WORTH_A_GAP >= at:
        merged[-1] = (merged[-1][0], at)
    return merged


_WORTH_A_GAP = 40


def _gap(characters: int) -> Piece:
    return Piece("gap", f" … {characters:,} characters … ")
