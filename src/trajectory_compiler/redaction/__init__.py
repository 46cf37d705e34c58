"""The redaction boundary: the only maker of `Trajectory`."""

from trajectory_compiler.redaction.boundary import Boundary, Redaction, redact, redact_and_name
from trajectory_compiler.redaction.policies import load_policy
from trajectory_compiler.redaction.policy import Policy

__all__ = ["Boundary", "Policy", "Redaction", "load_policy", "redact", "redact_and_name"]
