"""The address of a PostgreSQL database and of the schema in it, taken apart once, so that no message can show its password.

    postgresql://trajc@db.example.com/agents?schema=trajc      `schema` is ours; all else is libpq's own form

Without `schema` the name is `trajc`: an own schema keeps the tables apart from the agents' and, on Supabase, out of reach of
the REST interface, which serves `public`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, quote, urlencode

from trajectory_compiler.errors import MissingExtraError, OptionError

PREFIXES = ("postgres://", "postgresql://")
DEFAULT_SCHEMA = "trajc"
CONNECT_TIMEOUT_SECONDS = "15"
_SCHEMA = re.compile(r"[a-z_][a-z0-9_]{0,49}")
_ESCAPES = "Write it as postgresql://USER@HOST/DATABASE, and @ : / # in a password as %40 %3A %2F %23."


@dataclass(frozen=True)
class Address:
    """Where a store lies on a server: what the driver needs (the password among it), the schema, and a name to show."""

    parameters: dict[str, str] = field(repr=False)
    schema: str
    name: str


def is_address(location: object) -> bool:
    """Say whether a location is a server's address and no file."""
    return str(location).startswith(PREFIXES)


def parse_address(location: str, schema: str | None = None) -> Address:
    """Take an address apart; `schema` has precedence over the one in it.

    Raises: OptionError: it is no such address, or the schema's name is not plain. MissingExtraError: the driver is missing.
    """
    goal = "use the address of a database"
    try:
        import psycopg  # noqa: PLC0415  # an optional part, and 0.2 s of imports
        from psycopg import conninfo  # noqa: PLC0415
    except ImportError:
        raise MissingExtraError(goal, "postgres") from None
    if not is_address(location):
        raise OptionError(goal, "it does not begin with postgresql://", _ESCAPES)
    place, _, query = location.partition("?")
    options = parse_qsl(query, keep_blank_values=True)
    inside = [value for key, value in options if key == "schema"]
    others = [(key, value) for key, value in options if key != "schema"]
    try:
        parameters = conninfo.conninfo_to_dict(f"{place}?{urlencode(others, quote_via=quote)}" if others else place)
    except psycopg.Error:
        raise OptionError(goal, "it cannot be understood", _ESCAPES) from None
    given = {key: str(value) for key, value in parameters.items() if value is not None}
    if any("@" in given.get(key, "") for key in ("host", "port", "dbname")):  # else the end of a password would pass for a host
        raise OptionError(goal, "it cannot be understood", _ESCAPES)
    chosen = schema or (inside[-1] if inside else DEFAULT_SCHEMA)
    if not _SCHEMA.fullmatch(chosen) or chosen.startswith("pg_") or chosen == "information_schema":
        raise OptionError(goal, "its schema has no plain name", "Use small letters, digits and underscores, such as trajc.")
    where = quote(given.get("host", "localhost"), safe=",.[]:")
    name = f"postgresql://{where}:{given.get('port', '5432')}/{given.get('dbname', '')}?schema={chosen}"
    given.setdefault("connect_timeout", CONNECT_TIMEOUT_SECONDS)
    return Address(given, chosen, name)
