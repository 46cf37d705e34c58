"""The proof checker: it evaluates question programs naively and decides the gates by evaluation.

`proof.py` and `evaluate.py` are the trusted kernel; the other modules stand on it and decide nothing.
"""

from trajectory_compiler.verification.contexts import context_end
from trajectory_compiler.verification.edits import Edit, apply_edits
from trajectory_compiler.verification.evaluate import Outcome, Source, evaluate
from trajectory_compiler.verification.proof import ABSTENTION, Claim, Session, prove
from trajectory_compiler.verification.twins import Twin, twins

__all__ = [
    "ABSTENTION",
    "Claim",
    "Edit",
    "Outcome",
    "Session",
    "Source",
    "Twin",
    "apply_edits",
    "context_end",
    "evaluate",
    "prove",
    "twins",
]
