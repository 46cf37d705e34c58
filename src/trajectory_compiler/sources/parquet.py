"""Parquet files, by way of pyarrow (the extra `parquet`), a few hundred rows at a time."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from trajectory_compiler.errors import MissingExtraError, SourceError
from trajectory_compiler.model import Json
from trajectory_compiler.sources.documents import UnreadableError
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.rows import json_value

BATCH_ROWS = 256
MAGIC = b"PAR1"


class ParquetReader:
    """Reads a Parquet file. Raises: MissingExtraError: pyarrow is not installed. SourceError: the file is damaged."""

    unit = "row"

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            import pyarrow as arrow  # noqa: PLC0415 - an optional part, and 60 MB of imports
            from pyarrow import parquet  # noqa: PLC0415
        except ImportError:
            raise MissingExtraError(f"read {path}", "parquet") from None
        self._arrow: Any = arrow
        self._parquet: Any = parquet
        self._open().close()

    def records(self, drops: Drops) -> Iterator[tuple[int, Record]]:
        """Yield the row number, from 1, and the values of each row."""
        number = 0
        for batch in self._batches(None):
            for values in self._rows_of(batch):
                number += 1
                if values is None:
                    drops.add("invalid_utf8", number)
                    continue
                try:
                    record = {name: json_value(_without_nulls(value), drops, number) for name, value in values.items()}
                except UnreadableError as error:
                    drops.add(error.reason, number)
                    continue
                yield number, record

    def column_values(self, column: str) -> Iterator[Json]:
        """Read one column chunk after the other and nothing else."""
        for batch in self._batches([column]):
            for values in self._rows_of(batch):
                if values is not None:
                    yield values[column]

    def _open(self) -> Any:
        try:
            return self._parquet.ParquetFile(self._path)
        except (self._arrow.ArrowException, OSError) as error:
            raise self._damaged(0) from error

    def _batches(self, columns: list[str] | None) -> Iterator[Any]:
        done = 0
        with self._open() as file:
            batches = file.iter_batches(batch_size=BATCH_ROWS, columns=columns)
            while True:
                try:
                    batch = next(batches, None)
                    if batch is None:
                        return
                    batch = self._with_stamps_as_text(batch)
                except (self._arrow.ArrowException, OSError) as error:
                    raise self._damaged(done) from error
                done += batch.num_rows
                yield batch

    def _with_stamps_as_text(self, batch: Any) -> Any:
        """Cast stamps to text: Python's own have no nanoseconds and would lose the precision of the column."""
        types = self._arrow.types
        for place, field in enumerate(batch.schema):
            if types.is_timestamp(field.type):
                text = batch.column(place).cast(self._arrow.string())
                batch = batch.set_column(place, field.name, text)
        return batch

    def _rows_of(self, batch: Any) -> list[dict[str, Any] | None]:
        try:
            rows: list[dict[str, Any] | None] = batch.to_pylist(maps_as_pydicts="lossy")
        except UnicodeDecodeError:  # one row's text is not UTF-8: find out which
            if batch.num_rows == 1:
                return [None]
            return [row for place in range(batch.num_rows) for row in self._rows_of(batch.slice(place, 1))]
        return rows

    def _damaged(self, done: int) -> SourceError:
        return SourceError(f"read {self._path}", f"the Parquet file is damaged after row {done:,}", "Write the file again.")


def _without_nulls(value: Any) -> Any:
    """Leave out the null fields of a struct: its type holds the fields of every row, so that null only means absent."""
    if isinstance(value, dict):
        return {key: _without_nulls(item) for key, item in value.items() if item is not None}
    return [_without_nulls(item) for item in value] if isinstance(value, list) else value
