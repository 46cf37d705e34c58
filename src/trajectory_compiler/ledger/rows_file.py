"""A log in a file, sealed by what our readers make of each row. A row that they drop is not sealed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

import msgspec

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.rows import BATCH_ROWS, NULL, Pass, RowId, Scope, SealRow, Shape, WholeRow
from trajectory_compiler.model import Row
from trajectory_compiler.sources import Source, open_source

_CONTENT = (
    "session_id",
    "agent",
    "tool",
    "arguments",
    "response",
    "cost_usd",
    "duration_ms",
    "success",
    "kind",
    "extra",
)


class FileTable:
    """A file or folder of rows that have ids of their own."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.name = source.name

    @classmethod
    def open(cls, location: str, options: SourceOptions) -> FileTable:
        """Open a log. Raises SourceError, MappingError, SealError where its rows have no ids."""
        source = open_source(location, options)
        if source.mapping.column("id") is None:
            seen = "its rows have no id, and a place in a file is none: it changes with every line above"
            raise SealError(f"seal '{location}'", seen, "Name a column with --column id=NAME.")
        return cls(source)

    def columns(self) -> tuple[str, ...]:
        """Return the parts of a row."""
        return _CONTENT

    def shape(self) -> Shape:
        """Return how rows of files are sealed, which is one way for all."""
        types = ("json",) * len(_CONTENT)
        return Shape(form="file-1", id="id", is_numbered=False, stamp="created_at", content=_CONTENT, types=types)

    @contextmanager
    def read(self, shapes: Sequence[Shape], scope: Scope) -> Iterator[Pass]:  # noqa: ARG002  # a file is read as a whole
        """Open a pass over all rows."""
        yield Pass(self._batches(len(shapes)), None, is_complete=True)

    def _batches(self, shapes: int) -> Iterator[list[SealRow]]:
        batch = []
        for row in self._source.rows():
            batch.append(_sealed(row, shapes))
            if len(batch) == BATCH_ROWS:
                yield batch
                batch = []
        if batch:
            yield batch

    def row(self, row_id: RowId, shape: Shape) -> WholeRow | None:  # noqa: ARG002  # there is one shape
        """Return one row with the JSON of each part. Cost: the file is read up to it."""
        found = next((row for row in self._source.rows() if row.id == str(row_id)), None)
        if found is None:
            return None
        forms = [form.decode() for form in _forms(found)]
        return WholeRow(_sealed(found, 1), dict(zip(_CONTENT, forms, strict=True)))

    def hides_rows(self) -> bool:
        """Say no: a file is read or not."""
        return False

    def purge_record(self, record: str) -> dict[str, object] | None:  # noqa: ARG002  # a file keeps none
        """Return None."""
        return None


def _forms(row: Row) -> list[bytes]:
    return [msgspec.json.encode(getattr(row, name)) for name in _CONTENT]  # JSON has no raw tab, so a tab separates


def _sealed(row: Row, shapes: int) -> SealRow:
    digest = hashlib.sha256(b"\t".join(_forms(row))).digest()
    stamp = NULL if row.created_at is None else row.created_at.encode()
    return SealRow(row.id, stamp, b"", (digest,) * shapes)
