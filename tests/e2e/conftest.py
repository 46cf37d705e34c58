"""The installed command in a fresh folder, and a log that takes it a few seconds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.cli.logs import write_small_log

COPIES = 24
COMMAND = Path(sys.executable).with_name("trajc")
# Cheap to compile, so that a run is mostly reading and writing: what is stopped here is the writing.
CHEAP = ("--families", "recall", "--policy", "off", "--policy-reason", "synthetic", "--workers", "2")
Done = subprocess.CompletedProcess[str]
Trajc = Callable[..., Done]
Start = Callable[..., subprocess.Popen[str]]


def _environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name not in ("TRAJC_DEBUG", "COLUMNS")}


def _hear_interrupts() -> None:
    """Undo what a shell does to what it runs in the background, and its children inherit: SIGINT is ignored."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


@pytest.fixture
def trajc(tmp_path: Path) -> Trajc:
    """Return a function that runs the installed command to its end in an empty folder."""
    if not COMMAND.exists():
        pytest.skip("the command is not installed in this environment (pip install -e .)")

    def run(*arguments: object, stdin: str = "") -> Done:
        return subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            cwd=tmp_path,
            env=_environment(),
            input=stdin,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )

    return run


@pytest.fixture
def start(trajc: Trajc, tmp_path: Path) -> Start:  # skips where the command is missing
    """Return a function that starts the installed command and does not wait for it."""

    def begin(*arguments: object) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [str(COMMAND), *map(str, arguments)],
            cwd=tmp_path,
            env=_environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=_hear_interrupts,  # noqa: PLW1509  # no other thread runs here
            text=True,
        )

    return begin


@pytest.fixture(scope="session")
def long_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log of some hundred sessions: copies of a few, each with a session id of its own."""
    folder = tmp_path_factory.mktemp("long")
    small = write_small_log(folder / "small.jsonl").read_text(encoding="utf-8")
    log = folder / "long.jsonl"
    with log.open("w", encoding="utf-8") as file:
        for copy in range(COPIES):
            file.write(small.replace('"id": "', f'"id": "c{copy}-').replace('"session_id": "', f'"session_id": "c{copy}-'))
    return log
