"""The tables `[retention]` and `[purpose]` of `trajc.toml`.

[retention]
retention_days = 365                        # `trajc forget --retention` erases what is older

[purpose]
use = "evaluation"                          # or "training"
lawful_basis = "legitimate interests, register entry 12"
dpia = "DPIA-2026-04"
exclude_agents = ["hr-*"]                   # of these nothing leaves in an export
exclude_tools = ["read_medical_record"]
exclude_sessions = ["s-41"]
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import TypeVar

import msgspec

from trajectory_compiler.config import PurposeOptions, RetentionOptions
from trajectory_compiler.errors import OptionError

Options = TypeVar("Options")
_ACTION = "Correct the file; docs/erasure.md shows its form."


def read_retention(path: Path) -> RetentionOptions:
    """Return how long sessions are kept by a config file; without end where it does not say or does not exist.

    Raises: OptionError: the file cannot be read, or holds a value that cannot be used.
    """
    options = _table(path, "retention", RetentionOptions)
    if options.retention_days is not None and options.retention_days < 1:
        raise _unusable(path, "retention_days is 1 or more")
    return options


def read_purpose(path: Path) -> PurposeOptions:
    """Return the purpose that a config file states; none where it does not say or does not exist.

    Raises: OptionError: as `read_retention`.
    """
    options = _table(path, "purpose", PurposeOptions)
    if not all((*options.exclude_agents, *options.exclude_tools, *options.exclude_sessions)):
        raise _unusable(path, "an excluded name is empty")
    return options


def _table(path: Path, name: str, kind: type[Options]) -> Options:
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return kind()
    except (OSError, UnicodeDecodeError) as error:
        raise _unusable(path, f"it cannot be read ({type(error).__name__})") from None
    except tomllib.TOMLDecodeError:
        raise _unusable(path, "it is no TOML") from None
    try:
        return msgspec.convert(document.get(name, {}), kind)
    except msgspec.ValidationError as error:
        raise _unusable(path, f"its table [{name}] is not as it must be ({error})") from None


def _unusable(path: Path, seen: str) -> OptionError:
    return OptionError(f"use the config file '{path}'", seen, _ACTION)
