"""The order of the passes: the statistics pass, then redact, enumerate, select, prove and save, session by session."""

from trajectory_compiler.pipeline.run import Progress, RunSummary, compile_into
from trajectory_compiler.pipeline.session import Corpus, compile_trajectory

__all__ = ["Corpus", "Progress", "RunSummary", "compile_into", "compile_trajectory"]
