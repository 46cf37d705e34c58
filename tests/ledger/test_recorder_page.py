"""The recorder's page, run: its Python example, and the names that it speaks of."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import pytest

from tests.ledger.written import Written
from trajectory_compiler.ledger import RecorderOptions, Status


@pytest.fixture(scope="module")
def page(root: Path) -> str:
    """Return the text of the page."""
    return (root / "docs" / "recorder.md").read_text()


def test_the_example_runs(page: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python block, run in an empty folder, prints 0 and leaves the two rows that it promises."""
    block = re.search(r"```python\n(.*?)```", page, re.DOTALL)
    assert block
    monkeypatch.chdir(tmp_path)
    printed = io.StringIO()
    names: dict[str, object] = {"__name__": "page"}
    with contextlib.redirect_stdout(printed):
        exec(compile(block.group(1), "recorder.md", "exec"), names)
    names["recorder"].close()  # type: ignore[attr-defined]
    assert printed.getvalue() == "0\n"
    rows = Written("agent_log.db", "agent_log.db", tmp_path).rows()
    assert [(row["session_id"], row["tool"]) for row in rows] == [("ticket-4711", "find_orders"), ("ticket-4711", "note")]


def test_the_settings_and_figures_of_the_page_exist(page: str) -> None:
    """Every setting and every number of `status()` that the page names is there, with the default that it states."""
    defaults = RecorderOptions()
    assert (defaults.max_field_bytes, defaults.memory_bytes, defaults.exit_seconds) == (16 << 20, 64 << 20, 5)
    named = set(re.findall(r"`status\(\)\.(\w+)`", page)) | {"unacknowledged", "uncommitted"}
    assert all(hasattr(Status, name) for name in named)
    assert {"max_field_bytes", "memory_bytes", "exit_seconds"} <= set(re.findall(r"`(\w+)`", page))
