"""The tables `[retention]` and `[purpose]`: read as they stand, refused with one sentence where they cannot be meant."""

from __future__ import annotations

from pathlib import Path

import pytest

from trajectory_compiler.config import PurposeOptions, RetentionOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.pipeline.options_file import read_purpose, read_retention

GOOD = """
[retention]
retention_days = 365

[purpose]
use = "evaluation"
lawful_basis = "register entry 12"
dpia = "DPIA-2026-04"
exclude_agents = ["hr-*"]
"""


def test_both_tables_are_read(tmp_path: Path) -> None:
    """What is stated comes back, what is left out has its default; without a file or table nothing is stated."""
    config = tmp_path / "trajc.toml"
    assert read_retention(config) == RetentionOptions()
    config.write_text(GOOD, encoding="utf-8")
    assert read_retention(config).retention_days == 365
    wanted = PurposeOptions(use="evaluation", lawful_basis="register entry 12", dpia="DPIA-2026-04", exclude_agents=("hr-*",))
    assert read_purpose(config) == wanted
    config.write_text("[models]\ncheap = 'mine:m'\n", encoding="utf-8")
    assert read_purpose(config) == PurposeOptions()


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("[retention]\nretention_days = 0\n", "1 or more"),
        ("[retention]\nretention_days = 'a year'\n", r"table \[retention\]"),
        ("[retention]\ndays = 3\n", r"table \[retention\]"),
        ("[purpose]\nuse = 'fun'\n", r"table \[purpose\]"),
        ("[purpose]\nexclude_tools = ['']\n", "an excluded name is empty"),
        ("[purpose\n", "it is no TOML"),
    ],
)
def test_what_cannot_be_meant_is_refused(tmp_path: Path, text: str, seen: str) -> None:
    """A typing error in a limit or an exclusion stops the command: it never counts as no limit."""
    config = tmp_path / "trajc.toml"
    config.write_text(text, encoding="utf-8")
    read = read_retention if "[retention]" in text else read_purpose
    with pytest.raises(OptionError, match=seen):
        read(config)
