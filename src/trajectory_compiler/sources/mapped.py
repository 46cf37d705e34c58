"""A source made of a reader, which knows one format, and a mapping, which knows what the columns mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Protocol

import msgspec

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.model import Finding, Json, Row
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.joining import rows_of
from trajectory_compiler.sources.ledger_table import is_ledger, with_errors
from trajectory_compiler.sources.mapping import SAMPLE_ROWS, Mapping, Record, guess_mapping
from trajectory_compiler.sources.recognition import Told, plainly_told
from trajectory_compiler.sources.rows import session_of
from trajectory_compiler.sources.undecoded import SessionText

SAMPLE_BYTES = 8 << 20


class Reader(Protocol):
    """Reads the records of one log, from the beginning on every call. `unit` is what it numbers: `line` or `row`."""

    unit: str

    def records(self, drops: Drops) -> Iterator[tuple[int | str, Record]]:
        """Yield each readable record with its place; the rest is counted in `drops`. Records are the caller's to change."""

    def column_values(self, column: str) -> Iterator[Json]:
        """Yield the values of one column, reading as little else as the format allows; unreadable rows are left out."""


class GroupingReader(Reader, Protocol):
    """A reader whose rows come session by session and can be grouped before they are decoded."""

    def texts(self, column: str, drops: Drops) -> Iterator[SessionText]:
        """Yield the rows by what `column` holds; rows that name no session are counted in `drops`."""

    def decode(self, texts: Iterable[SessionText], drops: Drops) -> Iterator[tuple[int | str, Record]]:
        """Yield the place and the values of each row; unreadable ones are counted in `drops`."""


class MappedSource:
    """A log whose rows come from `reader` by way of `mapping`. `told` says how its format was recognised."""

    def __init__(
        self,
        name: str,
        format_name: str,
        reader: Reader,
        mapping: Mapping,
        *,
        ordered: bool = False,
        told: Told | None = None,
    ) -> None:
        self.name, self.format, self.mapping, self.ordered = name, format_name, mapping, ordered
        self.told = told or plainly_told(format_name)
        self.reader = reader
        self._drops = Drops("sources", reader.unit)

    def rows(self) -> Iterator[Row]:
        """Read the log from its beginning."""
        drops = self._drops = Drops("sources", self.reader.unit)
        return self._rows(self.reader.records(drops), drops)

    def _rows(self, records: Iterator[tuple[int | str, Record]], drops: Drops) -> Iterator[Row]:
        return rows_of(with_errors(records) if is_ledger(self.mapping.available) else records, self.mapping, drops)

    def session_ids(self) -> Iterator[str]:
        """Yield the session id of each row that has one."""
        return filter(None, map(session_of, self.reader.column_values(self.mapping.columns["session_id"])))

    def findings(self) -> tuple[Finding, ...]:
        """Return what the last pass dropped or noted."""
        return self._drops.findings()


class MappedTextSource(MappedSource):
    """A mapped source of a database, which gives its sessions one after the other, decoded or not."""

    def __init__(self, name: str, format_name: str, reader: GroupingReader, mapping: Mapping) -> None:
        super().__init__(name, format_name, reader, mapping, ordered=True)
        self._texts = reader

    def session_texts(self) -> Iterator[SessionText]:
        """Read the log from its beginning, a session at a time, and decode nothing."""
        drops = self._drops = Drops("sources", self.reader.unit)
        return self._texts.texts(self.mapping.columns["session_id"], drops)

    def decoded(self, texts: Iterable[SessionText]) -> Iterator[Row]:
        """Decode sessions; what is dropped is added to what the pass that gave them counted."""
        return self._rows(self._texts.decode(texts, self._drops), self._drops)


def sample_of(reader: Reader) -> list[Record]:
    """Return the first records of a log, from which its columns are mapped."""
    return first_of(record for _, record in reader.records(Drops("sources", reader.unit)))


def first_of(records: Iterable[Record]) -> list[Record]:
    """Return at most `SAMPLE_ROWS` records, and no more than fill `SAMPLE_BYTES`."""
    found: list[Record] = []
    held = 0
    for record in islice(records, SAMPLE_ROWS):
        found.append(record)
        held += len(msgspec.json.encode(record, enc_hook=repr))
        if held > SAMPLE_BYTES:
            break
    return found


def map_source(log: str, name: str, format_name: str, reader: Reader, options: SourceOptions) -> MappedSource:
    """Guess the mapping of a log from its first records and return the source. Raises MappingError."""
    return MappedSource(options.name or name, format_name, reader, guess_mapping(log, sample_of(reader), options.columns))
