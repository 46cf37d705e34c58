"""From what the user named to a source: the kind is told by content, not by name."""

from __future__ import annotations

from pathlib import Path

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources.bytestream import BrokenStreamError, cannot_read, compression, read_bytes
from trajectory_compiler.sources.jsonl import JsonlSource
from trajectory_compiler.sources.source import Source

_SUFFIXES = (".gz", ".zst", ".zstd", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".log")


def open_source(location: str, options: SourceOptions) -> Source:
    """Open a log: a file, a folder of Claude Code sessions, or a PostgreSQL address.

    Raises: SourceError: it cannot be opened, is empty, or is of no known format. MappingError: a needed column is missing.
    """
    path = Path(location).expanduser()
    if not path.is_file():
        raise SourceError(f"read {location}", "there is no such file", "Check the path.")
    head, compressed = _head(path)
    if not head.strip():
        raise SourceError(f"read {location}", "the log is empty", "Name a log with rows.")
    return JsonlSource(path, _stem(path), options, compressed)


def _head(path: Path) -> tuple[bytes, str]:
    """Return the first bytes of a file, decompressed, and how it is compressed."""
    try:
        with path.open("rb") as file:
            compressed = compression(file.read(8))
    except OSError as error:
        raise cannot_read(path, error) from error
    try:
        return next(read_bytes(path), b""), compressed
    except BrokenStreamError:
        return b"", compressed


def _stem(path: Path) -> str:
    name = path.name
    while name.lower().endswith(_SUFFIXES) and Path(name).stem:
        name = Path(name).stem
    return name
