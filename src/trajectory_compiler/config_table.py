"""One table of a config file such as `trajc.toml`, as a type of `config`: how every table but the policy's is read."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from trajectory_compiler.errors import OptionError

Options = TypeVar("Options")


def read_table(
    path: Path, name: str, kind: type[Options], action: str, *, parse_float: Callable[[str], Any] = float
) -> Options:
    """Return the table as a `kind`; its defaults for what the table leaves out, or where there is no table or no file.

    `action` says in an error what to do next.
    Raises: OptionError: the file cannot be read, or holds a value that cannot be used.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError:
        return kind()
    except (OSError, UnicodeDecodeError) as error:
        raise unusable(path, f"it cannot be read ({type(error).__name__})", action) from None
    try:
        table = tomllib.loads(text, parse_float=parse_float).get(name, {})
    except tomllib.TOMLDecodeError:
        raise unusable(path, "it is no TOML", action) from None
    try:
        return msgspec.convert(table, kind)
    except msgspec.ValidationError as error:
        raise unusable(path, f"its table [{name}] is not as it must be ({error})", action) from None


def unusable(path: Path, seen: str, action: str) -> OptionError:
    """Return the error of a config file that cannot be used."""
    return OptionError(f"use the config file '{path}'", seen, action)
