"""What all tests share: the recorded logs, and campaigns that run at full size only when asked."""

from __future__ import annotations

from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
RECORDED = ROOT.parent / "shared" / "data"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--long`: every campaign at its full size (`make test-long`)."""
    parser.addoption("--long", action="store_true", help="run the campaigns marked `long` at their full size, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave the long campaigns out unless they are asked for."""
    if config.getoption("--long"):
        return
    long = [item for item in items if item.get_closest_marker("long")]
    if long:
        config.hook.pytest_deselected(items=long)
        items[:] = [item for item in items if not item.get_closest_marker("long")]


@pytest.fixture(scope="session")
def recorded() -> Path:
    """Return the folder of recorded logs beside the checkout, or skip."""
    if not RECORDED.is_dir():
        pytest.skip("the recorded logs (../shared/data) are not beside this checkout")
    return RECORDED


@pytest.fixture(scope="session")
def root() -> Path:
    """Return the root of the checkout."""
    return ROOT
