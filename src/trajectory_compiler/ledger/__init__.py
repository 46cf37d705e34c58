"""The append-only log itself: the table, its guards, its seals, and the recorder that writes it."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from trajectory_compiler.ledger.delivery import Status
    from trajectory_compiler.ledger.recorder import Recorder, RecorderOptions, Session

__all__ = ["Recorder", "RecorderOptions", "Session", "Status"]
_HOMES = {"Recorder": "recorder", "RecorderOptions": "recorder", "Session": "recorder", "Status": "delivery"}


def __getattr__(name: str) -> Any:
    """Load the recorder only when it is asked for: sealing needs none of it."""
    if name in _HOMES:
        from importlib import import_module  # noqa: PLC0415  # as above

        return getattr(import_module(f"trajectory_compiler.ledger.{_HOMES[name]}"), name)
    raise AttributeError(name)
