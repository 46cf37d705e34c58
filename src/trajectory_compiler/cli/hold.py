"""`trajc hold`: legal holds, which no erasure passes."""

from __future__ import annotations

from typing import ClassVar

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.lazy import LazyGroup

SUBCOMMANDS: dict[str, str] = {
    "add": "Keep a session, an agent's sessions or a whole source from being erased.",
    "list": "List the holds.",
    "release": "End a hold.",
}


class _HoldGroup(LazyGroup):
    prefix = "hold_"
    sections: ClassVar = {"Commands": SUBCOMMANDS}


@click.group(
    cls=_HoldGroup,
    name="hold",
    epilog=shared.example('trajc hold add --session s-41 --reason "claim 7"', "trajc hold list", "trajc hold release 3fa2b1"),
)
def command() -> None:
    """Keep sessions from being erased while somebody has a duty to keep them."""
