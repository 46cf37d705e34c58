"""Wording: from a program to a question that a person would ask."""

from trajectory_compiler.dataflow.wording.questions import word
from trajectory_compiler.dataflow.wording.steps import explain

__all__ = ["explain", "word"]
