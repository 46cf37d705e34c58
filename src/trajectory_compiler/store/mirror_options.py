"""The mirror in `trajc.toml`: one line, or a table.

mirror = "postgresql://trajc_mirror@db.example.com/postgres"     # the password from ~/.pgpass or PGPASSWORD

[mirror]
url_env = "TRAJC_MIRROR_URL"      # or url = "postgresql://..."
schema = "trajc"
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from pathlib import Path

import msgspec

from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.errors import OptionError

_ACTION = "Correct the file; docs/mirror.md shows its form."


class _Table(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    url: str | None = None
    url_env: str | None = None
    schema: str | None = None


def read_mirror_options(path: Path, environment: Mapping[str, str]) -> MirrorOptions | None:
    """Return the mirror that a config file names, or None where it names none or does not exist.

    Raises: OptionError: the file cannot be read, its mirror is not as it must be, or the variable it names is not set.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unusable(path, f"it cannot be read ({type(error).__name__})") from None
    if "mirror" not in document:
        return None
    try:
        given = msgspec.convert(document["mirror"], str | _Table)
    except msgspec.ValidationError as error:
        raise _unusable(path, f"its mirror is not as it must be ({error})") from None
    table = _Table(url=given) if isinstance(given, str) else given
    if (table.url is None) == (table.url_env is None):
        raise _unusable(path, "its mirror needs url or url_env, one of them")
    if table.url is not None:
        return MirrorOptions(url=table.url, schema=table.schema)
    url = environment.get(table.url_env or "")
    if not url:
        raise _unusable(path, f"its mirror is in the variable {table.url_env}, which is not set")
    return MirrorOptions(url=url, schema=table.schema)


def _unusable(path: Path, seen: str) -> OptionError:
    return OptionError(f"use the config file '{path}'", seen, _ACTION)
