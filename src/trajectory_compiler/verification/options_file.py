"""The table `[verification]` of `trajc.toml`.

[verification]
require_calibration = true   # a reader moves no pair before `trajc calibrate` found it good enough
min_detection = 0.8          # of planted faults
max_false_rejection = 0.3    # of sound pairs
full_share = 0.1             # of the pairs are read in full context, twice
"""

from __future__ import annotations

from pathlib import Path

from trajectory_compiler.config import VerificationOptions
from trajectory_compiler.config_table import read_table, unusable

_ACTION = "Correct the file; docs/verification.md shows its form."


def read_verification_options(path: Path) -> VerificationOptions:
    """Return what a config file says of verification, and the defaults for what it leaves out or where there is none.

    Raises: OptionError: the file cannot be read, or holds a value that cannot be used.
    """
    options = read_table(path, "verification", VerificationOptions, _ACTION)
    shares = (options.min_detection, options.max_false_rejection, options.full_share)
    if not all(0 <= share <= 1 for share in shares):
        raise unusable(path, "a share of its table [verification] is not between 0 and 1", _ACTION)
    return options
