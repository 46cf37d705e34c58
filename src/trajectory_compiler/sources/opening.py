"""From what the user named to a source. The format is told by content, not by name."""

from __future__ import annotations

import os
from itertools import islice
from pathlib import Path

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources import parquet, postgres, postgrest, sqlite_table
from trajectory_compiler.sources.bytestream import MAX_ROW_BYTES, BrokenStreamError, cannot_read, compression, read_bytes
from trajectory_compiler.sources.claude_code import open_claude_code
from trajectory_compiler.sources.csv_file import CsvReader
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats import CLAUDE_CODE, open_format, single, tell_file, tell_files
from trajectory_compiler.sources.jsonl import JsonlReader
from trajectory_compiler.sources.mapped import map_source, sample_of
from trajectory_compiler.sources.source import Source

_SUFFIXES = (".gz", ".zst", ".zstd", ".jsonl", ".ndjson", ".json", ".csv", ".tsv", ".parquet", ".txt", ".log")
_TABULAR = (".csv", ".tsv", ".txt")
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_RECORDS_LOOKED_AT = 50
_BYTES_LOOKED_AT = 2 * MAX_ROW_BYTES


def open_source(location: str, options: SourceOptions) -> Source:
    """Open a log: a file, a folder of an agent's own session files, a database or its REST interface by the address.

    Raises: SourceError: it cannot be opened, is empty, or is of no known format. MappingError: a needed column is missing.
    MissingExtraError: the format needs a part that is not installed.
    """
    if location.startswith(postgres.ADDRESSES):
        return postgres.open_postgres(location, options)
    if location.startswith(postgrest.ADDRESSES):
        return postgrest.open_postgrest(location, options, os.environ)
    path = sqlite_table.sqlite_path(location)
    if path.is_dir():
        return _open_folder(path, options)
    head, compressed = _head(path)
    if head.startswith(sqlite_table.MAGIC):
        return sqlite_table.open_sqlite(path, options)
    if options.table is not None or options.query is not None:
        raise SourceError(f"read {path}", "--table and --query need a database", "Leave them out for a file.")
    if head.startswith(parquet.MAGIC):
        return map_source(path.name, _stem(path), "Parquet", parquet.ParquetReader(path), options)
    return _open_text(path, head, compressed, options)


def _open_folder(path: Path, options: SourceOptions) -> Source:
    found = tell_files(path)
    if found is None:
        raise SourceError(
            f"read {path}",
            "the folder holds no file of a format that agents write",
            "Name a log file, or a folder such as ~/.claude/projects.",
        )
    if found.told.format == CLAUDE_CODE:
        return open_claude_code(path, options, found.told)
    return open_format(found, options)


def _open_text(path: Path, head: bytes, compressed: str, options: SourceOptions) -> Source:
    if not head.strip():
        seen = "nothing can be read from the compressed file" if compressed else "the log is empty"
        raise SourceError(f"read {path}", seen, "Name a log with rows.")
    if head.startswith(_UTF_16):
        raise SourceError(f"read {path}", "the file is UTF-16 text", "Convert it: iconv -f UTF-16 -t UTF-8.")
    suffix = f" ({compressed})" if compressed else ""
    if _looks_tabular(path, head):
        reader = CsvReader(path)
        if not sample_of(reader):
            raise SourceError(f"read {path}", "the CSV file has no row under its header", "Name a log with rows.")
        return map_source(path.name, _stem(path), f"CSV{suffix}", reader, options)
    told = tell_file(path) if not options.columns else None
    if told is not None and told.format == CLAUDE_CODE:
        return open_claude_code(path, options, told)
    if told is not None:
        return open_format(single(path, told), options, _stem(path))
    beginning = JsonlReader(path, at_most=_BYTES_LOOKED_AT)
    first = [record for _, record in islice(beginning.records(Drops("sources")), _RECORDS_LOOKED_AT)]
    if not first:
        raise _unknown(path, head)
    return map_source(path.name, _stem(path), f"JSONL{suffix}", JsonlReader(path), options)


def _head(path: Path) -> tuple[bytes, str]:
    """Return the first bytes of a file, decompressed, and how it is compressed."""
    try:
        if path.exists() and not path.is_file():
            raise SourceError(f"read {path}", "it is no regular file", "A log is read twice; write it to a file first.")
        with path.open("rb") as file:
            compressed = compression(file.read(8))
    except OSError as error:
        raise cannot_read(path, error) from error
    try:
        return next(read_bytes(path), b""), compressed
    except BrokenStreamError:
        return b"", compressed


def _looks_tabular(path: Path, head: bytes) -> bool:
    """Say whether a text is CSV: its first line is no JSON, is text, and has columns or a name that promises them."""
    line = head.removeprefix(b"\xef\xbb\xbf").lstrip().split(b"\n", 1)[0]
    if line[:1] in (b"{", b"[") or b"\0" in head:
        return False
    name = path.name.lower().removesuffix(".gz").removesuffix(".zst").removesuffix(".zstd")
    return name.endswith(_TABULAR) or any(line.count(mark) >= 2 for mark in (b",", b";", b"\t", b"|"))


def _unknown(path: Path, head: bytes) -> SourceError:
    if head.lstrip()[:1] == b"[":
        return SourceError(f"read {path}", "it is one JSON list, not JSON lines", "Convert it: jq -c '.[]' FILE > log.jsonl.")
    return SourceError(
        f"read {path}",
        "no line is a JSON object, and it is no CSV, Parquet or SQLite file",
        "Name a log of one of these formats.",
    )


def _stem(path: Path) -> str:
    name = path.name
    while name.lower().endswith(_SUFFIXES) and Path(name).stem:
        name = Path(name).stem
    return name
