"""The fixtures of the tests of sources."""

from __future__ import annotations

from tests.postgres_server import postgres_address

__all__ = ["postgres_address"]
