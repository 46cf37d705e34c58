"""From a pair to the claim that its proof is about."""

from __future__ import annotations

from trajectory_compiler.dataflow.program import Claim, decode
from trajectory_compiler.model import Pair


def claim_of(pair: Pair) -> Claim:
    """Return what is to be proved of a pair that has a program. Raises ProgramError where its program is none."""
    return Claim(
        program=decode(bytes(pair.program or b"")),
        question=pair.question,
        answer=pair.answer,
        answer_type=pair.answer_type,
        evidence=pair.evidence,
        withheld_turns=pair.withheld_turns,
    )
