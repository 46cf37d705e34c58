"""The redaction boundary: the only maker of `Trajectory`."""

from trajectory_compiler.redaction.boundary import Boundary, redact
from trajectory_compiler.redaction.policies import load_policy
from trajectory_compiler.redaction.policy import Policy

__all__ = ["Boundary", "Policy", "load_policy", "redact"]
