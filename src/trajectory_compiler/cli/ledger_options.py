"""Options that the commands about seals share."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from trajectory_compiler.cli import options as shared

DEFAULT_SEALS = ".trajc/ledger-seals.db"
DEFAULT_KEY = ".trajc/ledger.key"
DEFAULT_CHECKPOINT = ".trajc/ledger.checkpoint"

seals_option = click.option(
    "--seals",
    metavar="PATH",
    type=click.Path(path_type=Path),
    default=DEFAULT_SEALS,
    show_default=True,
    help="Where the seals of this log are kept; one file a log.",
)
key_option = click.option(
    "--key",
    metavar="FILE",
    type=click.Path(path_type=Path),
    default=DEFAULT_KEY,
    show_default=True,
    help="The signing key, mode 0600; the public key lies beside it as FILE.pub.",
)
public_key_option = click.option(
    "--public-key",
    metavar="FILE|KEY",
    default=f"{DEFAULT_KEY}.pub",
    show_default=True,
    help="The public key of the sealer. Get it from the sealer, not from beside the checkpoint.",
)


def table_options(command: shared.Command) -> shared.Command:
    """Add `--table` and `--column`."""
    options: list[Callable[[shared.Command], shared.Command]] = [
        click.option("--table", metavar="NAME", help="The table inside a database."),
        shared.columns_option,
    ]
    for option in reversed(options):
        command = option(command)
    return command
