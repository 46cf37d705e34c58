"""The reference page: it is what the commands say of themselves."""

from __future__ import annotations

import runpy
from pathlib import Path


def test_the_reference_page_is_current(root: Path) -> None:
    """`docs/cli.md` is the live help; after a change of a command run `python docs/generate_cli.py`."""
    generator = runpy.run_path(str(root / "docs" / "generate_cli.py"))
    assert (root / "docs" / "cli.md").read_text(encoding="utf-8") == generator["page"]()
