"""The proof checker: it evaluates question programs naively and decides the gates by evaluation.

`proof.py` and `evaluate.py` are the trusted kernel; the other modules stand on it and decide nothing. `lookup.py` makes it
fast.
"""

from trajectory_compiler.dataflow.program import Claim
from trajectory_compiler.verification.claims import claim_of
from trajectory_compiler.verification.contexts import context_end, evaluate
from trajectory_compiler.verification.edits import Edit, apply_edits
from trajectory_compiler.verification.evaluate import Outcome, Part, Session, Source
from trajectory_compiler.verification.lookup import session_for_many
from trajectory_compiler.verification.proof import ABSTENTION, prove
from trajectory_compiler.verification.twins import Twin, twins

__all__ = [
    "ABSTENTION",
    "Claim",
    "Edit",
    "Outcome",
    "Part",
    "Session",
    "Source",
    "Twin",
    "apply_edits",
    "claim_of",
    "context_end",
    "evaluate",
    "prove",
    "session_for_many",
    "twins",
]
