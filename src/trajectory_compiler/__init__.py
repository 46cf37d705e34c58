"""Compile an agent's audit log into long-context question-answer pairs, each with a proof that it needs several turns."""

__version__ = "0.1.0"
