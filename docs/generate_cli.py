"""Write `docs/cli.md` from the live help of every command: `python docs/generate_cli.py`. A test keeps the page current."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from click.testing import CliRunner

from trajectory_compiler.cli.top import SECTIONS, trajc

PAGE = Path(__file__).with_name("cli.md")
WIDTH = 100
INTRODUCTION = """# The commands

This page is written by `docs/generate_cli.py` from the commands' own help; change the help, then run it again.

- Results go to standard output, errors and progress to standard error. `--json` prints one JSON document.
- The store is `.trajc/store.db` below the current folder unless `--store` names another.
- An error is one sentence: what could not be done, what was seen, what to do next. `TRAJC_DEBUG=1` shows the traceback too.
- Ctrl-C ends a command with exit code 130. Whatever was finished is kept: the same command goes on from there.
"""


def page() -> str:
    """Return the page as it should be now."""
    parts = [INTRODUCTION, _section("trajc", [])]
    for name in (name for commands in SECTIONS.values() for name in commands):
        parts.append(_section(f"trajc {name}", [name]))
        parts += [_section(f"trajc {name} {below}", [name, below]) for below in _subcommands(name)]
    return "\n".join(parts)


def _subcommands(name: str) -> list[str]:
    """Return the names of a group's subcommands; none for a command."""
    context = click.Context(trajc)
    command = trajc.get_command(context, name)
    return command.list_commands(context) if isinstance(command, click.Group) else []


def _section(title: str, arguments: list[str]) -> str:
    result = CliRunner().invoke(trajc, [*arguments, "--help"], prog_name="trajc", terminal_width=WIDTH)
    assert result.exit_code == 0, result.output
    return f"## {title}\n\n```text\n{result.output.rstrip()}\n```\n"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    sys.stdout.write(f"wrote {PAGE.name}\n")
