"""The fixtures of the ledger's tests."""

from __future__ import annotations

from tests.ledger.sealed import logs_are_closed
from tests.ledger.written import written
from tests.postgres_server import postgres_address

__all__ = ["logs_are_closed", "postgres_address", "written"]
