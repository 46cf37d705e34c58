"""`trajc ledger`: the append-only log itself. One file per subcommand, `cli/ledger_<name>.py`, loaded only to run it."""

from __future__ import annotations

from importlib import import_module

import click

from trajectory_compiler.cli import options as shared

# Name -> what it is for. The module `cli/ledger_<name>.py` holds it as `command`.
SUBCOMMANDS: dict[str, str] = {
    "init": "Create an append-only audit table in PostgreSQL or SQLite.",
    "import": "Write a log that is already there into a ledger.",
    "seal": "Seal the new rows of a log, anybody's, and sign a checkpoint.",
    "verify": "Find what was changed in a sealed log, or check a receipt.",
    "receipt": "Prove one row to somebody who has no database.",
    "purge": "Remove payloads by lawful order, and leave a record.",
}


class _LedgerGroup(click.Group):
    """A group that knows its subcommands by name and imports the module of one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUBCOMMANDS:
            return None
        command = import_module(f"trajectory_compiler.cli.ledger_{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


@click.group(
    cls=_LedgerGroup,
    name="ledger",
    epilog=shared.example("trajc ledger init postgresql://owner@host/db", "trajc ledger init agent_log.db --print"),
)
def command() -> None:
    """Create, seal, verify and fill an append-only audit log.

    For teams that have no log of what their agents do, and for teams that must show that nobody changed theirs.
    """
