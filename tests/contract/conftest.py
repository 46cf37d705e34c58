"""The fixtures of the contract suites."""

from __future__ import annotations

from tests.postgres_server import postgres_address

__all__ = ["postgres_address"]
