"""What the recorder must say aloud, once per trouble: an agent's output is not the place for a message a second."""

from __future__ import annotations

import logging
import threading
from contextlib import suppress

LOGGER = logging.getLogger("trajectory_compiler.ledger")


class Notices:
    """Says a trouble once, and once more that it is over. Never raises, whatever the handlers of the log do."""

    def __init__(self) -> None:
        self._told: set[str] = set()
        self._lock = threading.RLock()

    def tell(self, trouble: str, sentence: str) -> None:
        """Warn of a trouble unless that was done since it was last over."""
        with self._lock:
            if trouble in self._told:
                return
            self._told.add(trouble)
        _say(logging.WARNING, sentence)

    def told(self, trouble: str) -> bool:
        """Say whether a trouble was told and is not over."""
        return trouble in self._told

    def over(self, trouble: str) -> None:
        """Say that a trouble is over, if it was told."""
        with self._lock:
            if trouble not in self._told:
                return
            self._told.discard(trouble)
        _say(logging.INFO, f"the {trouble} works again")


def _say(level: int, sentence: str) -> None:
    with suppress(Exception):  # a broken log handler must not end the thread that keeps the rows
        LOGGER.log(level, "Ledger recorder: %s.", sentence)
