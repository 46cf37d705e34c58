"""The proof checker: it evaluates question programs naively and decides the gates by evaluation."""

from trajectory_compiler.verification.evaluate import ABSTENTION, Outcome, Session, Source, context_end, evaluate

__all__ = ["ABSTENTION", "Outcome", "Session", "Source", "context_end", "evaluate"]
