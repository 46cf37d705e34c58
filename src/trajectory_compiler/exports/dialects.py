"""How PostgreSQL and SQLite read values out of JSON, and how text becomes a literal that cannot break out of its quotes."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal

import msgspec

from trajectory_compiler.errors import InputError
from trajectory_compiler.model import decimal_text

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?")


def text(value: str) -> str:
    """Quote a text literal. A NUL, which no SQL text can hold, becomes U+FFFD and so matches nothing."""
    return "'" + value.replace("\0", "\ufffd").replace("'", "''") + "'"


def name(identifier: str) -> str:
    """Quote the name of a column, a table or a sub-query."""
    return '"' + identifier.replace("\0", "\ufffd").replace('"', '""') + '"'


def comment(words: str) -> str:
    """Return words as one comment line, whatever line breaks they hold."""
    return "-- " + " ".join(words.split())


def number_literal(value: str) -> str | None:
    """Return a canonical text as a number where a JSON number may have this text: `007` and `1.50` are none."""
    return value if _NUMBER.fullmatch(value) and decimal_text(Decimal(value)) == value else None


class Postgres:
    """PostgreSQL 13 and later; arguments and response are json, jsonb, or text that always holds JSON.

    In both dialects `column` is an expression that gives a JSON document and `steps` a path inside it.
    """

    def table(self, table: str) -> str:
        """Quote a table name."""
        return ".".join(map(name, table.split(".")))

    def document(self, column: str) -> str:
        """Give the column as a JSON document."""
        return f"{column}::jsonb"

    def row_order(self, refused: Callable[[str], InputError]) -> str:
        """Give the order of rows that have neither stamp nor id, or raise."""
        raise refused("its table has neither a stamp nor an id to order the rows by")

    def cannot_step(self, steps: Sequence[str]) -> bool:  # noqa: ARG002  # an array of text can hold any key
        """Say whether the dialect has no way to write this path."""
        return False

    def scalar(self, column: str, steps: Sequence[str], *, booleans: bool = False) -> str:  # noqa: ARG002  # #>> writes words
        """Read a scalar; with `booleans`, true and false as these words."""
        return f"{column} #>> {self._path(steps)}"

    def equals(self, column: str, steps: Sequence[str], wanted: str) -> str:
        """Compare a scalar with a canonical text: 5, 5.0 and "5" are one value."""
        number = number_literal(wanted)
        if number is None:
            return f"{self.scalar(column, steps)} = {text(wanted)}"
        return (
            f"{column} #> {self._path(steps)} IN ({text(msgspec.json.encode(wanted).decode())}::jsonb, {text(number)}::jsonb)"
        )

    def objects(self, document: str) -> tuple[str, str]:
        """Give the objects of a document as rows `r` with a column `value`, and what leaves the document itself out."""
        every = "'strict $.** ? (@.type() == \"object\")'"
        return f"jsonb_path_query({document}, {every}) AS r(value)", f"r.value <> {document}"

    def ends(self, value: str, ending: str) -> str:
        """Say whether a text ends so."""
        return f"right({value}, {len(ending)}) = {text(ending)}"

    def as_text(self, value: str) -> str:
        """Cast to text."""
        return f"({value})::text"

    def number(self, value: str) -> str:
        """Cast to a number."""
        return f"({value})::numeric"

    def rounded(self, value: str) -> str:
        """Take off what binary arithmetic adds."""
        return value

    def _path(self, steps: Sequence[str]) -> str:
        return f"ARRAY[{', '.join(map(text, steps))}]::text[]"


class Sqlite:
    """SQLite 3.38 and later; arguments and response are text, JSON or not. A step of digits is taken as a place in a list."""

    def table(self, table: str) -> str:
        """Quote a table name."""
        return name(table)

    def document(self, column: str) -> str:
        """Give the column as a JSON document."""
        nested = f"json_valid({column}) AND substr(trim({column}), 1, 1) IN ('{{', '[')"  # as the compiler read it
        return f"CASE WHEN {nested} THEN {column} ELSE json_quote({column}) END"

    def row_order(self, refused: Callable[[str], InputError]) -> str:  # noqa: ARG002  # SQLite numbers its rows
        """Give the order of rows that have neither stamp nor id, or raise."""
        return "rowid"

    def cannot_step(self, steps: Sequence[str]) -> bool:
        """Say whether the dialect has no way to write this path."""
        return any('"' in step for step in steps)

    def scalar(self, column: str, steps: Sequence[str], *, booleans: bool = False) -> str:
        """Read a scalar; with `booleans`, true and false as these words."""
        path = self._path(steps)
        if not booleans:
            return f"json_extract({column}, {path})"
        kind = f"json_type({column}, {path})"
        return f"CASE WHEN {kind} IN ('true', 'false') THEN {kind} ELSE json_extract({column}, {path}) END"

    def equals(self, column: str, steps: Sequence[str], wanted: str) -> str:
        """Compare a scalar with a canonical text: 5, 5.0 and "5" are one value."""
        value, kind = self.scalar(column, steps), f"json_type({column}, {self._path(steps)})"
        if wanted in ("true", "false"):
            return f"({value} = {text(wanted)} OR {kind} = {text(wanted)})"
        number = number_literal(wanted)
        if number is None:
            return f"{value} = {text(wanted)}"
        return f"({value} = {text(wanted)} OR ({value} = {number} AND {kind} IN ('integer', 'real')))"

    def objects(self, document: str) -> tuple[str, str]:
        """Give the objects of a document as rows `r` with a column `value`, and what leaves the document itself out."""
        return f"json_tree({document}) AS r", "r.type = 'object' AND r.fullkey <> '$'"

    def ends(self, value: str, ending: str) -> str:
        """Say whether a text ends so."""
        return f"substr({value}, -{len(ending)}) = {text(ending)}"

    def as_text(self, value: str) -> str:
        """Cast to text."""
        return f"CAST({value} AS TEXT)"

    def number(self, value: str) -> str:
        """Cast to a number."""
        return f"CAST({value} AS NUMERIC)"

    def rounded(self, value: str) -> str:
        """Take off what binary arithmetic adds."""
        return f"round({value}, 9)"

    def _path(self, steps: Sequence[str]) -> str:
        return text("$" + "".join(f"[{step}]" if step.isdigit() else f'."{step}"' for step in steps))


Dialect = Postgres | Sqlite
DIALECTS: dict[str, Dialect] = {"postgres": Postgres(), "sqlite": Sqlite()}
