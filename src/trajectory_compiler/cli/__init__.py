"""The command line: `trajc`, and `python -m trajectory_compiler`. One file per command: parse, call, print."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

INTERRUPTED = 130
CLOSED_PIPE = 141


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line and exit with its code.

    A known error is one sentence on stderr; its traceback shows only where the environment holds `TRAJC_DEBUG=1`.
    """
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")  # a terminal without UTF-8 shows `?`, and does not end the run
    code = run(arguments)
    try:
        sys.stdout.flush()
    except OSError:
        code = code or CLOSED_PIPE
    if code == CLOSED_PIPE:
        # The reader (`head`, a closed pager) has what it wanted. Python's own flush at exit would complain again.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return its exit code."""
    # ruff: noqa: PLC0415  # `trajc --help` and `import trajectory_compiler.cli` must not load every command's libraries
    import click

    from trajectory_compiler.cli.top import OutputClosed, trajc
    from trajectory_compiler.errors import TrajcError

    try:
        code = trajc.main(args=None if arguments is None else list(arguments), prog_name="trajc", standalone_mode=False)
    except click.exceptions.Abort:  # click's form of Ctrl-C, and of an input that ended
        click.echo("Stopped. What was finished is kept: run the same command again to go on.", err=True)
        return INTERRUPTED
    except click.ClickException as error:
        error.show()
        return error.exit_code
    except OutputClosed:
        return CLOSED_PIPE
    except Exception as error:  # noqa: BLE001  # a traceback may quote the log, which may not be redacted yet
        if os.environ.get("TRAJC_DEBUG"):
            traceback.print_exc()
        click.echo(str(error) if isinstance(error, TrajcError) else _unforeseen(error), err=True)
        return error.exit_code if isinstance(error, TrajcError) else 2
    return code if isinstance(code, int) else 0


def _unforeseen(error: Exception) -> str:
    """Return the sentence for an error that no command foresaw: where it came from, never what it quotes."""
    if isinstance(error, OSError):
        return f"Cannot finish: the system reports '{error.strerror or type(error).__name__}'. Mend that and run again."
    last = traceback.extract_tb(error.__traceback__)[-1]
    place = f"{type(error).__name__} in {last.filename.rpartition(os.sep)[2]}, line {last.lineno}"
    return (
        f"Cannot finish: the program met a defect of its own ({place}). Run again with TRAJC_DEBUG=1 and report what it prints."
    )
