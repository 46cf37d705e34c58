"""The proof checker: it evaluates question programs naively and decides the gates by evaluation.

`evaluate.py`, `edits.py` and `proof.py` are the trusted kernel; `twins.py` stands on it and decides nothing.
"""

from trajectory_compiler.verification.edits import Edit, apply_edits
from trajectory_compiler.verification.evaluate import Outcome, Source, evaluate
from trajectory_compiler.verification.proof import ABSTENTION, Claim, Session, context_end, prove
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
