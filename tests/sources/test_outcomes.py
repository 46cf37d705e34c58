"""Whether a call succeeded."""

from __future__ import annotations

from typing import Any

import pytest

from trajectory_compiler.sources.outcomes import outcome, shows_failure

FAILURES: tuple[Any, ...] = (
    "Error: no such ticket",
    "error: pathspec did not match",
    "Traceback (most recent call last):\n",
    {"is_error": True},
    {"error": "denied"},
    {"error": {"code": 4}},
    {"errorCode": "AccessDenied"},
    {"exception": "ValueError"},
    {"exit_code": 1},
    {"exitCode": 127, "stdout": ""},
    {"returncode": -9},
    {"success": False},
)
SUCCESSES: tuple[Any, ...] = (
    "Errors found: 0",
    "The error: was fixed",
    "",
    {},
    [],
    {"is_error": False, "error": None},
    {"error": ""},
    {"exit_code": 0},
    {"exitCode": "0"},
    {"errors": 3},
    {"rows": [{"error": "deep down, of one of many"}]},
)


@pytest.mark.parametrize("response", FAILURES, ids=str)
def test_failures(response: Any) -> None:
    """These responses tell of a failure."""
    assert shows_failure(response)


@pytest.mark.parametrize("response", SUCCESSES, ids=str)
def test_successes(response: Any) -> None:
    """These do not."""
    assert not shows_failure(response)


@pytest.mark.parametrize(
    ("said", "response", "expected"),
    [
        (None, None, None),
        (None, "fine", True),
        (None, "Error: no", False),
        (True, "Error: says the text, but the column knows better", True),
        (False, "fine", False),
        ("ok", None, True),
        ("FAILED", "fine", False),
        ("running", "fine", True),
        (200, "fine", True),
        ("404", "fine", False),
        (1, None, True),
        (0, "fine", False),
    ],
)
def test_success_column(said: Any, response: Any, expected: bool | None) -> None:
    """A column of outcomes decides where it says one; elsewhere the response does."""
    assert outcome(said, response, is_error_column=False) is expected


@pytest.mark.parametrize(
    ("said", "response", "expected"),
    [
        (None, "fine", True),
        ("", None, None),
        ("disk full", "fine", False),
        (True, "fine", False),
        (False, "Error: x", True),
        (0, "a", True),
    ],
)
def test_error_column(said: Any, response: Any, expected: bool | None) -> None:
    """A column of errors says failure where it holds one."""
    assert outcome(said, response, is_error_column=True) is expected
