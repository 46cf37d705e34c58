"""Wording: from a program to a question that a person would ask."""

from trajectory_compiler.dataflow.wording.questions import explain, word

__all__ = ["explain", "word"]
