"""Pairs written by a model: windows of a session, prompts, the schema of the answer, and what is checked of it."""

from trajectory_compiler.synthesis.compose import PlannedCall, Synthesis, plan_calls, synthesise
from trajectory_compiler.synthesis.options import SynthesisOptions, TokenCount, fitted
from trajectory_compiler.synthesis.paraphrase import Paraphrased, paraphrase
from trajectory_compiler.synthesis.reasons import REASONS
from trajectory_compiler.synthesis.windows import Window, windows_of

__all__ = [
    "REASONS",
    "Paraphrased",
    "PlannedCall",
    "Synthesis",
    "SynthesisOptions",
    "TokenCount",
    "Window",
    "fitted",
    "paraphrase",
    "plan_calls",
    "synthesise",
    "windows_of",
]
