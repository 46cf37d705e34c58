"""Pairs written by a model: windows of a session, prompts, the schema of the answer, and what is checked of it."""
