"""The fixtures of the ledger's tests."""

from __future__ import annotations

from tests.ledger.written import written
from tests.postgres_server import postgres_address

__all__ = ["postgres_address", "written"]
