"""Which table of a database is the log: the one that the user names, else the only ledger, else the only one that maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import MappingError, SourceError
from trajectory_compiler.sources.ledger_table import is_ledger
from trajectory_compiler.sources.mapping import Mapping, Record, guess_mapping

_TABLES_TRIED = 200
_NAMES_SHOWN = 20


def choose_table(
    log: str, tables: Sequence[str], sample: Callable[[str], list[Record]], options: SourceOptions
) -> tuple[str, Mapping]:
    """Return the table of a log and its mapping.

    Raises: SourceError: the table does not exist, or several or none could be meant. MappingError: the only table, or the
    named one, lacks a needed column.
    """
    if not tables:
        raise SourceError(f"read {log}", "the database has no table", "Name a database with a log.")
    if options.table is not None and options.table not in tables:
        raise SourceError(f"read {log}", f"it has no table '{options.table}', but {_list(tables)}", "Name one of these.")
    named = options.table or (tables[0] if len(tables) == 1 else None)
    if named is not None:
        rows = sample(named)
        if not rows:
            raise SourceError(f"read {log}", f"the table '{named}' is empty", "Name a table with rows.")
        return named, guess_mapping(named, rows, options.columns)
    fitting: list[tuple[str, Mapping]] = []
    for table in tables[:_TABLES_TRIED]:
        rows = sample(table)
        try:
            if rows:
                fitting.append((table, guess_mapping(table, rows, options.columns)))
        except MappingError:
            continue
    ledgers = [item for item in fitting if is_ledger(item[1].available)]
    if len(fitting) == 1 or len(ledgers) == 1:
        return (ledgers or fitting)[0]
    if fitting:
        names = _list([table for table, _ in fitting])
        raise SourceError(f"read {log}", f"several tables could be the log: {names}", "Name one with --table.")
    raise SourceError(
        f"read {log}",
        f"no table has a session and a tool column; there are {_list(tables)}",
        "Name one with --table and --column.",
    )


def _list(tables: Sequence[str]) -> str:
    more = len(tables) - _NAMES_SHOWN
    return ", ".join(tables[:_NAMES_SHOWN]) + (f" and {more} more" if more > 0 else "")


def map_query(log: str, rows: list[Record], options: SourceOptions) -> Mapping:
    """Return the mapping of a query from its first rows. Raises SourceError where it gives none, MappingError."""
    if not rows:
        raise SourceError(f"read {log}", "the query gives no row", "Check its conditions.")
    return guess_mapping("the query", rows, options.columns)


def without_semicolon(query: str) -> str:
    """Return a query as it can stand inside another: a comment at its end must not swallow what follows."""
    return query.strip().rstrip(";").rstrip() + "\n"
