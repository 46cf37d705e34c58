"""Readers whose behaviour is known, to test the gates with: each reads only what it is shown, none knows the right answer.

    perfect       evaluates the question's program on the turns shown: passes every gate of a sound pair
    closed_book   remembers the whole session, whatever it is shown: falls at `unleaked`
    last_turn     evaluates on the last turn shown alone: falls at `sufficient`
    random        says some value of the turns shown, drawn by a seed: falls at `sufficient` but by chance
    liar          says another value of the field that is asked for: falls at `sufficient`, and a judge may believe it

The programs are those of proved dataflow pairs: they say how a question is to be read, as its words do for a person.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random

from msgspec.structs import replace

from trajectory_compiler.dataflow.program import Program, decode
from trajectory_compiler.model import Pair, Turn, canonical
from trajectory_compiler.values import leaves
from trajectory_compiler.verification.evaluate import Part, Session
from trajectory_compiler.verification.readers.reader import ReaderAnswer
from trajectory_compiler.verification.readers.views import View, Visible

UNKNOWN = ReaderAnswer("", known=False, answer="")


class ScriptedReader:
    """A reader made of a function from (program, pair, turns, view) to an answer, or None: the log does not say."""

    def __init__(self, name: str, says: Callable[[Program, Pair, Visible, View], str | None]) -> None:
        self.name = f"scripted:{name}"
        self._says = says

    async def read(self, pair: Pair, visible: Visible, view: View) -> ReaderAnswer:
        """Answer by the script. Raises ProgramError for a pair without a program: nothing says how its question is read."""
        # The context ends where the view ends: the call that a program ends before is not shown.
        program = replace(decode(bytes(pair.program or b"")), until=None)
        said = self._says(program, pair, visible, view)
        return UNKNOWN if said is None else ReaderAnswer("", known=True, answer=said)


def scripted_readers(seed: int = 0) -> dict[str, ScriptedReader]:
    """Return the five readers by name."""

    def random(_: Program, pair: Pair, visible: Visible, view: View) -> str | None:
        found = _values(visible.shown(view.turns))
        return Random(f"{seed}/{pair.id}/{view.name}/{view.turns}").choice(found) if found else None  # noqa: S311  # a seeded draw

    scripts = {"perfect": _perfect, "closed_book": _closed_book, "last_turn": _last_turn, "random": random, "liar": _lie}
    return {name: ScriptedReader(name, says) for name, says in scripts.items()}


def answer_on(program: Program, turns: Sequence[Turn]) -> str | None:
    """Return what a program answers on some turns as if they were the whole log: the naive evaluator's word."""
    return Part(Session(turns)).evaluate(program).answer if turns else None


def _perfect(program: Program, _: Pair, visible: Visible, view: View) -> str | None:
    return answer_on(program, visible.shown(view.turns))


def _closed_book(program: Program, _: Pair, visible: Visible, view: View) -> str | None:
    del view
    return answer_on(program, visible.shown(visible.indices))


def _last_turn(program: Program, _: Pair, visible: Visible, view: View) -> str | None:
    return answer_on(program, visible.shown(view.turns)[-1:])


def _lie(program: Program, pair: Pair, visible: Visible, view: View) -> str | None:
    """Say another value of the field that the program reads, out of the turns shown or else out of the whole session."""
    truth = answer_on(program, visible.shown(view.turns)) or answer_on(program, visible.shown(visible.indices))
    others = topical(pair, truth, visible)
    return Random(f"lie/{pair.id}/{view.name}").choice(others) if others else None  # noqa: S311  # a seeded draw


def topical(pair: Pair, truth: str | None, visible: Visible) -> list[str]:
    """Return other values of a pair's kind that the session shows: where its quotes stand, else anywhere; no duplicates."""
    places = {_place(item.path) for item in pair.evidence}
    like: dict[str, None] = {}
    rest: dict[str, None] = {}
    for turn in visible.shown(visible.indices):
        for part, document in (("/response", turn.response), ("/arguments", turn.arguments)):
            for leaf in leaves(document, part):
                if 0 < len(leaf.text) <= 200 and leaf.text.strip() and leaf.text != truth and leaf.text.isprintable():
                    (like if _place(leaf.path) in places else rest)[leaf.text] = None
    return list(like) or list(rest)


def _place(path: str) -> str:
    return "/".join(step for step in path.split("/") if not step.isdigit())


def _values(turns: Sequence[Turn]) -> list[str]:
    found = {
        text: None
        for turn in turns
        for part, document in (("/response", turn.response), ("/arguments", turn.arguments))
        for leaf in leaves(document, part)
        if (text := canonical(leaf.text)) and len(text) <= 200
    }
    return list(found)
