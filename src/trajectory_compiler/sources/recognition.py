"""How the format of a log was told: by which signs, and how sure that is."""

from __future__ import annotations

from typing import Literal

import msgspec

Sureness = Literal["certain", "likely", "a guess"]


class Told(msgspec.Struct, frozen=True):
    """A format's name, how sure it is, and the signs that were seen, as phrases.

    `certain`: a mark that only this format has (a magic number, a version string, its own envelope). `likely`: the shape fits,
    and another program could write the same. `a guess`: nothing contradicts it.
    """

    format: str
    sure: Sureness
    signs: tuple[str, ...]


_PLAIN: dict[str, tuple[Sureness, str]] = {
    "PostgreSQL": ("certain", "the address names a server"),
    "SQLite": ("certain", "the file begins as SQLite files do"),
    "Parquet": ("certain", "the file begins as Parquet files do"),
    "CSV": ("likely", "the first line is no JSON and has columns"),
    "JSONL": ("likely", "the lines are JSON objects with columns, and are of no agent's own format"),
}


def plainly_told(format_name: str) -> Told:
    """Return how a plain table or file was told; `format_name` may end in its compression."""
    sure, sign = _PLAIN.get(format_name.partition(" (")[0], ("a guess", "no other format fits"))
    return Told(format_name, sure, (sign,))
