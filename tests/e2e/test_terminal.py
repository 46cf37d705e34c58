"""At a real terminal: one key is one decision, and a long run shows how far it is."""

from __future__ import annotations

import os
import pty
import select
import termios
import time
from pathlib import Path

import pytest

from tests.cli.logs import write_small_log
from tests.e2e.conftest import COMMAND, Trajc

PATIENCE_SECONDS = 60.0


class Terminal:
    """A command on a pseudo-terminal: wait for a text, type keys, read the rest."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.seen = ""
        self.process, self._descriptor = pty.fork()
        if self.process == 0:
            os.chdir(folder)
            os.environ.update(TERM="xterm-256color", COLUMNS="110", LINES="40")
            os.execv(str(COMMAND), [str(COMMAND), *arguments])

    def wait_for(self, text: str) -> None:
        """Read until the text appears behind what was waited for before."""
        start = len(self.seen)
        waited = time.monotonic() + PATIENCE_SECONDS
        while text not in self.seen[start:]:
            assert time.monotonic() < waited, self.seen
            assert self._read(), self.seen

    def press(self, key: str) -> None:
        """Press one key, once the command waits for one: what is typed before that is thrown away."""
        waited = time.monotonic() + PATIENCE_SECONDS
        while termios.tcgetattr(self._descriptor)[3] & termios.ICANON:
            assert time.monotonic() < waited, self.seen
            time.sleep(0.01)
        os.write(self._descriptor, key.encode())

    def type(self, line: str) -> None:
        """Type a line and Enter."""
        os.write(self._descriptor, f"{line}\r".encode())

    def end(self) -> int:
        """Read to the end and return the exit code."""
        while self._read():
            pass
        os.close(self._descriptor)
        return os.waitstatus_to_exitcode(os.waitpid(self.process, 0)[1])

    def _read(self) -> bool:
        if not select.select([self._descriptor], [], [], PATIENCE_SECONDS)[0]:
            return False
        try:
            data = os.read(self._descriptor, 65536)
        except OSError:  # Linux says so when the other side has closed
            return False
        self.seen += data.decode(errors="replace")
        return bool(data)


@pytest.fixture
def folder(trajc: Trajc, tmp_path: Path) -> Path:
    """Return a folder with a compiled log."""
    write_small_log(tmp_path / "log.jsonl", sessions=5)
    assert trajc("compile", "log.jsonl").returncode == 0
    return tmp_path


def test_an_audit_takes_one_key_at_a_time(folder: Path) -> None:
    """A key shows the answer, a key decides, no Enter is needed; a reason is a line; Ctrl-C keeps what was decided."""
    terminal = Terminal(folder, "audit", "-n", "3")
    terminal.wait_for("any key shows the answer")
    assert "A  " not in terminal.seen
    terminal.press(" ")
    terminal.wait_for("[q]uit")
    terminal.press("a")
    terminal.wait_for("any key shows the answer")
    terminal.press("x")
    terminal.wait_for("[q]uit")
    terminal.press("r")
    terminal.wait_for("Why")
    terminal.type("reads badly")
    terminal.wait_for("any key shows the answer")
    terminal.press("\x03")
    assert terminal.end() == 130
    assert "Stopped. What was finished is kept" in terminal.seen


def test_a_run_shows_how_far_it_is_on_stderr_only_at_a_terminal(folder: Path, trajc: Trajc) -> None:
    """The bar counts sessions and is gone at the end; where stderr is no terminal there is none."""
    terminal = Terminal(folder, "compile", "log.jsonl", "--new-snapshot")
    assert terminal.end() == 0
    assert "sessions" in terminal.seen.split("5 sessions", 1)[0]
    assert trajc("compile", "log.jsonl", "--new-snapshot").stderr == ""
