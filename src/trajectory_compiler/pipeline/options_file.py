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

from pathlib import Path

from trajectory_compiler.config import PurposeOptions, RetentionOptions
from trajectory_compiler.config_table import read_table, unusable

_ACTION = "Correct the file; docs/erasure.md shows its form."


def read_retention(path: Path) -> RetentionOptions:
    """Return how long sessions are kept by a config file; without end where it does not say or does not exist.

    Raises: OptionError: the file cannot be read, or holds a value that cannot be used.
    """
    options = read_table(path, "retention", RetentionOptions, _ACTION)
    if options.retention_days is not None and options.retention_days < 1:
        raise unusable(path, "retention_days is 1 or more", _ACTION)
    return options


def read_purpose(path: Path) -> PurposeOptions:
    """Return the purpose that a config file states; none where it does not say or does not exist.

    Raises: OptionError: as `read_retention`.
    """
    options = read_table(path, "purpose", PurposeOptions, _ACTION)
    if not all((*options.exclude_agents, *options.exclude_tools, *options.exclude_sessions)):
        raise unusable(path, "an excluded name is empty", _ACTION)
    return options
