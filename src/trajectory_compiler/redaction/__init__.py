"""The redaction boundary: the only maker of `Trajectory`."""

from trajectory_compiler.redaction.boundary import Boundary, Redaction, masked, redact, redact_and_name, safe_identifier
from trajectory_compiler.redaction.policies import load_policy
from trajectory_compiler.redaction.policy import Policy

__all__ = ["Boundary", "Policy", "Redaction", "load_policy", "masked", "redact", "redact_and_name", "safe_identifier"]
