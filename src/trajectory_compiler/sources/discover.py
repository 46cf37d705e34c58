"""Agents' own session files on this machine, for people who have no log at hand."""

from __future__ import annotations

from pathlib import Path

import msgspec

PLACES = (".claude/projects", ".config/claude/projects")


class Discovery(msgspec.Struct, frozen=True, kw_only=True):
    """A place that `open_source` can open, and how much lies there."""

    location: str
    format: str
    files: int
    size_bytes: int


def discover(home: Path) -> tuple[Discovery, ...]:
    """Return the folders of Claude Code sessions under a home folder that hold any. Reads names and sizes, no content."""
    found = []
    for place in PLACES:
        folder = home / place
        sizes = [_size(path) for path in folder.rglob("*.jsonl")] if folder.is_dir() else []
        if any(sizes):
            found.append(
                Discovery(location=str(folder), format="Claude Code sessions", files=len(sizes), size_bytes=sum(sizes))
            )
    return tuple(found)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
