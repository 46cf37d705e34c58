"""What each gate shows a reader of a pair's session, the cheap views first.

    gate         view                                             the reader must
    unleaked     no turn at all                                   fail
    sufficient   the supporting turns, and what else is quoted    answer
    necessary    the supporting turns but one, for each of them   fail
    unshortcut   the turn that a search for the question finds    fail
    distant      the windows shorter than the span                fail
    unshortcut   all turns but the supporting ones                fail
    unique       all turns, in order and latest first             answer, twice

The best window shorter than the span of the supporting turns holds all of them but the first, or all but the last.
Source: MuSiQue (arXiv:2108.00573) for the views without one step, ERASER (arXiv:1911.03429) for sufficiency, LongWorld for the
window.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from msgspec.structs import replace

from trajectory_compiler.model import Pair, Turn, render
from trajectory_compiler.verification.contexts import is_evenly_spaced
from trajectory_compiler.verification.evaluate import Session

Name = Literal["closed_book", "supporting", "without_one", "found_first", "window", "uncited", "full", "full_reversed"]
Wanted = Literal["right", "wrong"]
ORDER: tuple[str, ...] = ("unleaked", "sufficient", "necessary", "unshortcut", "distant", "unique")


class View(NamedTuple):
    """Some turns of a session, in the order shown, and what a sound pair's reader must do with them."""

    gate: str
    name: Name
    wanted: Wanted
    turns: tuple[int, ...]


class Visible:
    """The turns that a pair's reader may see at all: those before the context's end that are not withheld."""

    def __init__(self, pair: Pair, turns: Sequence[Turn]) -> None:
        end = len(turns) if pair.context_end is None else min(len(turns), pair.context_end)
        self.indices = tuple(i for i in range(end) if i not in pair.withheld_turns)
        stamps = [turn.created_at for turn in turns]
        self._stamped = not is_evenly_spaced(stamps)  # made-up stamps betray a turn that is left out by its gap
        self._turns = turns
        self._session = Session(turns[i] for i in self.indices)

    def text(self, indices: Sequence[int]) -> str:
        """Render turns in the given order, numbered by time without gaps: a gap would say that something is left out."""
        numbers = {index: number for number, index in enumerate(sorted(indices))}
        shown = []
        for index in indices:
            turn = replace(self._turns[index], index=numbers[index])
            shown.append(render(turn if self._stamped else replace(turn, created_at=None)))
        return "\n\n".join(shown)

    def row_ids(self, indices: Sequence[int]) -> list[str]:
        """Return the rows that turns were made from."""
        return [self._turns[index].row_id for index in indices]

    def shown(self, indices: Sequence[int]) -> tuple[Turn, ...]:
        """Return the turns of a view as they are, in time order."""
        return tuple(self._turns[index] for index in sorted(indices))

    def found_first(self, question: str) -> int | None:
        """Return the turn that BM25 ranks first for a question."""
        if not self.indices:
            return None
        return self.indices[self._session.found_first(question, len(self.indices))]


def views(pair: Pair, visible: Visible, *, full: bool) -> Iterator[View]:
    """Yield the views of a pair in the order in which they are tried; `full` adds the two readings of everything.

    Of a pair whose right answer is that the log does not say only the views that hold all of its evidence are meant.
    """
    supporting = tuple(t for t in pair.supporting_turns if t in visible.indices)
    # Of different values that several turns show, no single turn is needed: what is quoted is shown and hidden with the rest.
    cited = tuple(sorted({*supporting, *(item.turn for item in pair.evidence if item.turn in visible.indices)}))
    abstains = pair.answer_type == "abstention"
    if not abstains:
        yield View("unleaked", "closed_book", "wrong", ())
    yield View("sufficient", "supporting", "right", cited)
    if not abstains:
        for left_out in supporting:
            yield View("necessary", "without_one", "wrong", tuple(t for t in cited if t != left_out))
        first = visible.found_first(pair.question)
        if first is not None:
            yield View("unshortcut", "found_first", "wrong", (first,))
        yield from _windows(supporting, visible)
        yield View("unshortcut", "uncited", "wrong", tuple(t for t in visible.indices if t not in cited))
    if full:
        yield View("unique", "full", "right", visible.indices)
        yield View("unique", "full_reversed", "right", visible.indices[::-1])


def _windows(supporting: tuple[int, ...], visible: Visible) -> Iterator[View]:
    """Yield the two windows; one that shows just the supporting turns was read before, as a view without one."""
    if len(supporting) < 2:
        return
    for held in (supporting[1:], supporting[:-1]):
        window = tuple(t for t in visible.indices if held[0] <= t <= held[-1])
        if window != held:
            yield View("distant", "window", "wrong", window)
