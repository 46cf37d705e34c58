"""`trajc redact`: the boundary on its own. One file per subcommand, `cli/redact_<name>.py`, loaded only to run it."""

from __future__ import annotations

from importlib import import_module

import click

from trajectory_compiler.cli import options as shared

# Name -> what it is for. The module `cli/redact_<name>.py` holds it as `command`.
SUBCOMMANDS: dict[str, str] = {
    "run": "Write a redacted copy of a log, and a report of what was replaced.",
    "check": "Look for leaks in any files: planted canaries, and what the rules find.",
    "test": "Run the examples and counter-examples of the rules, yours included.",
    "restore": "Put back what a vault holds of a redacted copy.",
}


class _RedactGroup(click.Group):
    """A group that knows its subcommands by name and imports the module of one only to run it."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        return list(SUBCOMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in SUBCOMMANDS:
            return None
        command = import_module(f"trajectory_compiler.cli.redact_{cmd_name}").command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Commands"):
            formatter.write_dl(list(SUBCOMMANDS.items()))


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
