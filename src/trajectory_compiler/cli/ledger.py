"""`trajc ledger`: the append-only log itself. One file per subcommand, `cli/ledger_<name>.py`, loaded only to run it."""

from __future__ import annotations

from typing import ClassVar

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.lazy import LazyGroup

# Name -> what it is for. The module `cli/ledger_<name>.py` holds it as `command`.
SUBCOMMANDS: dict[str, str] = {
    "init": "Create an append-only audit table in PostgreSQL or SQLite.",
    "import": "Write a log that is already there into a ledger.",
    "seal": "Seal the new rows of a log, anybody's, and sign a checkpoint.",
    "verify": "Find what was changed in a sealed log, or check a receipt.",
    "receipt": "Prove one row to somebody who has no database.",
    "purge": "Remove payloads by lawful order, and leave a record.",
}


class _LedgerGroup(LazyGroup):
    prefix = "ledger_"
    sections: ClassVar = {"Commands": SUBCOMMANDS}


@click.group(
    cls=_LedgerGroup,
    name="ledger",
    epilog=shared.example("trajc ledger init postgresql://owner@host/db", "trajc ledger init agent_log.db --print"),
)
def command() -> None:
    """Create, seal, verify and fill an append-only audit log.

    For teams that have no log of what their agents do, and for teams that must show that nobody changed theirs.
    """
