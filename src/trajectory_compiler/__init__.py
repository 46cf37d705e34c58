"""Compile an agent's audit log into long-context question-answer pairs, each with a proof that it needs several turns."""

from typing import TYPE_CHECKING, Any

from trajectory_compiler.config import CompileOptions, DataflowOptions, SessionOptions, SourceOptions
from trajectory_compiler.model import Evidence, Pair, Proof, Trajectory, Turn

if TYPE_CHECKING:
    from trajectory_compiler.api import compile_log

__version__ = "0.1.0"
__all__ = [
    "CompileOptions",
    "DataflowOptions",
    "Evidence",
    "Pair",
    "Proof",
    "SessionOptions",
    "SourceOptions",
    "Trajectory",
    "Turn",
    "compile_log",
]


def __getattr__(name: str) -> Any:
    """Load `compile_log` with everything behind it only when it is asked for."""
    if name == "compile_log":
        from trajectory_compiler.api import compile_log  # noqa: PLC0415  # the types alone import in milliseconds

        return compile_log
    raise AttributeError(name)
