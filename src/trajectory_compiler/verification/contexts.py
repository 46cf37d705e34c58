"""Where the context of a question ends: at the end of its session, or before the call that it asks about."""

from __future__ import annotations

from trajectory_compiler.dataflow.program import Program
from trajectory_compiler.verification.proof import Case, Claim, Session


def context_end(program: Program, session: Session) -> int | None:
    """Return the index of the one call before which a program's context ends, or None where there is none.

    The checker's own word on it. Cost: an evaluation per turn that the program reads, none where it has no such call.
    """
    if program.until is None:
        return None
    return Case(Claim(program=program, question="", answer="", answer_type="text", evidence=()), session).end
