"""Programs on sessions, for other parts of the project: what they answer, and where the context of a question ends."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import pairwise

from trajectory_compiler.dataflow.program import Claim, Program
from trajectory_compiler.model import Turn
from trajectory_compiler.verification.evaluate import Outcome, Part, Reading, Session
from trajectory_compiler.verification.proof import Case


def evaluate(program: Program, turns: Iterable[Turn], reading: Reading = "written") -> Outcome:
    """Evaluate on a set of turns as if they were the whole log, which must end where the program's context ends."""
    return Part(Session(turns)).evaluate(program, reading)


def context_end(program: Program, session: Session) -> int | None:
    """Return the index of the one call before which a program's context ends, or None where there is none.

    The checker's own word on it. Cost: an evaluation per turn that the program reads, none where it has no such call.
    """
    if program.until is None:
        return None
    ending = Case(Claim(program=program, question="", answer="", answer_type="text", evidence=()), session).ending
    return None if ending is None else ending.index


def is_evenly_spaced(stamps: Sequence[str | None]) -> bool:
    """Say whether three stamps or more all lie one and the same step apart."""
    times = [datetime.fromisoformat(stamp) for stamp in stamps if stamp is not None]
    return len(times) == len(stamps) >= 3 and len({later - earlier for earlier, later in pairwise(times)}) == 1
