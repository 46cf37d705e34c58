"""The formats that agents write themselves, one file each: how a log is told, and what becomes of its records."""

from trajectory_compiler.sources.formats.registry import CLAUDE_CODE, FORMATS, open_format, single, tell_file, tell_files

__all__ = ["CLAUDE_CODE", "FORMATS", "open_format", "single", "tell_file", "tell_files"]
