"""`trajc redact`: the boundary on its own. One file per subcommand, `cli/redact_<name>.py`, loaded only to run it."""

from __future__ import annotations

from typing import ClassVar

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.lazy import LazyGroup

# Name -> what it is for. The module `cli/redact_<name>.py` holds it as `command`.
SUBCOMMANDS: dict[str, str] = {
    "run": "Write a redacted copy of a log, and a report of what was replaced.",
    "check": "Look for leaks in any files: planted canaries, and what the rules find.",
    "test": "Run the examples and counter-examples of the rules, yours included.",
    "restore": "Put back what a vault holds of a redacted copy.",
}


class _RedactGroup(LazyGroup):
    prefix = "redact_"
    sections: ClassVar = {"Commands": SUBCOMMANDS}


@click.group(
    cls=_RedactGroup,
    name="redact",
    epilog=shared.example(
        "trajc redact run agent_log.jsonl --output agent_log.redacted.jsonl",
        "trajc redact check agent_log.redacted.jsonl .trajc/store.db --canaries canaries.txt",
        "trajc redact test --policy trajc.toml",
    ),
)
def command() -> None:
    """Redact a log without compiling it, look for leaks, test rules, restore.

    `trajc compile` redacts by itself, by the same policy. What comes out is pseudonymised, not anonymous: docs/redaction.md.
    """
