"""A limit on how long one session may take: an expression or a model that does not come to an end must not hold up a night.

The operating system's timer interrupts the work, also inside a regular expression. It works in a process's main thread on
POSIX; elsewhere there is no limit, and the rules are linear anyway (a test holds them to it).
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def deadline(seconds: float) -> Iterator[None]:
    """Raise TimeoutError inside the block once it has run for so many seconds; 0 is no limit."""
    if seconds <= 0 or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGALRM, _interrupt)
    signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)


def _interrupt(number: int, frame: FrameType | None) -> None:  # noqa: ARG001  # the signal module's signature
    raise TimeoutError
