"""Logs as streams of rows: files, databases and agents' own session files behind one protocol and one column mapping."""

from trajectory_compiler.sources.mapping import Mapping
from trajectory_compiler.sources.opening import open_source
from trajectory_compiler.sources.source import Source

__all__ = ["Mapping", "Source", "open_source"]
