"""CSV with a header line: plain, gzip or Zstandard; comma, semicolon, tab or bar; quoted fields may hold line breaks."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

from trajectory_compiler.model import Json
from trajectory_compiler.sources.bytestream import MAX_ROW_BYTES, line_blocks, read_bytes
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.mapping import Record

DELIMITERS = ",;\t|"


class CsvReader:
    """Reads a CSV file. Empty fields are absent values. Rows are named by the line that they end on."""

    unit = "line"

    def __init__(self, path: Path) -> None:
        self._path = path
        self._size = path.stat().st_size

    def records(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the line number and the fields of each row by column name."""
        for number, header, row in self._rows(drops):
            yield number, {name: field or None for name, field in zip(header, row, strict=True)}

    def column_values(self, column: str) -> Iterator[Json]:
        """Yield one column; CSV must be read in full for it."""
        for _, header, row in self._rows(Drops("sources")):
            yield row[header.index(column)]

    def _rows(self, drops: Drops) -> Iterator[tuple[int, list[str], list[str]]]:
        csv.field_size_limit(max(csv.field_size_limit(), MAX_ROW_BYTES))
        lines = _Lines(self._path, self._size, drops)
        first = next(lines, "").removeprefix("\ufeff")
        delimiter = delimiter_of(first)
        header = column_names(next(csv.reader([first], delimiter=delimiter), []))
        reader = csv.reader(lines, delimiter=delimiter)
        while True:
            try:
                row = next(reader, None)
            except csv.Error as error:
                drops.add("row_too_large" if "limit" in str(error) else "unreadable_csv", lines.number)
                continue
            if row is None:
                return
            if lines.broken:
                lines.broken = False
                drops.add("invalid_utf8", lines.number)
            elif len(row) == len(header):
                yield lines.number, header, row
            elif row:
                drops.add("wrong_field_count", lines.number)


class _Lines:
    """The lines of a file as text. `broken` is set when a line was not UTF-8, until the row that it is part of is dropped."""

    def __init__(self, path: Path, size: int, drops: Drops) -> None:
        self._blocks = line_blocks(read_bytes(path, size), drops)
        self._block: Iterator[bytes] = iter(())
        self.number = 0
        self.broken = False

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> str:
        line = next(self._block, None)
        while line is None:
            self._block = iter(next(self._blocks)[1])
            line = next(self._block, None)
        self.number += 1
        try:
            return line.decode("utf-8") + "\n"
        except UnicodeDecodeError:
            self.broken = True
            return line.decode("utf-8", "replace") + "\n"


def delimiter_of(header: str) -> str:
    """Return the delimiter that cuts a header line into the most columns."""
    return max(DELIMITERS, key=lambda mark: len(next(csv.reader([header], delimiter=mark), [])))


def column_names(header: list[str]) -> list[str]:
    """Return usable column names: nameless columns are numbered, a repeated name gets its place."""
    names: list[str] = []
    for place, field in enumerate(header, 1):
        name = field.strip() or f"column_{place}"
        names.append(f"{name}_{place}" if name in names else name)
    return names
