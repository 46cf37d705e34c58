"""The fixtures of the tests of the pipeline."""

from __future__ import annotations

from tests.postgres_server import postgres_address

__all__ = ["postgres_address"]
