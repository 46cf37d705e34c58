"""What a process does to its recorders at its turning points: exit, SIGTERM, fork."""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
import weakref
from types import FrameType
from typing import Any, Protocol

_NEVER_COLLECTED: list[Any] = []  # in a forked child: connections and locks that are still the parent's


class Recording(Protocol):
    """What this module needs of a recorder."""

    def at_exit(self) -> None:
        """Deliver and end."""

    def at_signal(self) -> None:
        """Deliver and go on."""

    def in_child(self) -> Any:
        """Begin anew in a forked child; return what must not be collected there."""


_recorders: weakref.WeakSet[Recording] = weakref.WeakSet()
_hooked = False
_previous: list[Any] = []  # the handlers that ours came after, oldest first
_depth = 0  # how many of ours are at work: a former handler may itself call one of ours


def watch(recorder: Recording, *, sigterm: bool) -> None:
    """Take care of a recorder for the rest of this process.

    A handler for SIGTERM can be set by the main thread alone. It delivers, then does what was to happen before: it calls the
    former handler, or ends the process as the signal does.
    """
    global _hooked  # noqa: PLW0603  # hooks belong to the process
    _recorders.add(recorder)
    if not _hooked:
        _hooked = True
        atexit.register(_at_exit)
        os.register_at_fork(after_in_child=_in_child)
        _finish_with_multiprocessing()
    if (
        sigterm
        and threading.current_thread() is threading.main_thread()
        and signal.getsignal(signal.SIGTERM) is not _on_sigterm
    ):
        _previous.append(signal.signal(signal.SIGTERM, _on_sigterm))


def _at_exit() -> None:
    for recorder in list(_recorders):
        recorder.at_exit()


def _in_child() -> None:
    _NEVER_COLLECTED.extend(recorder.in_child() for recorder in list(_recorders))
    _finish_with_multiprocessing()


def _finish_with_multiprocessing() -> None:
    """Deliver at the end of a process of `multiprocessing`, which runs no `atexit`.

    Some of its ways to start a child forget what was registered before the child's work begins, others do not: hence both.
    """
    util = sys.modules.get("multiprocessing.util")
    if util is not None:
        util.Finalize(None, _at_exit, exitpriority=0)
        util.register_after_fork(_recorders, lambda _: util.Finalize(None, _at_exit, exitpriority=0))


def _on_sigterm(number: int, frame: FrameType | None) -> None:
    global _depth  # noqa: PLW0603  # as above
    for recorder in list(_recorders):
        recorder.at_signal()
    _depth += 1
    former = _previous[-_depth] if _depth <= len(_previous) else signal.SIG_DFL
    try:
        if callable(former):
            former(number, frame)
        elif former is not signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)
    finally:
        _depth -= 1
