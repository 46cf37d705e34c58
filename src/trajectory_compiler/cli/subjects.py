"""How a command is told whom it is about, without leaving the name in the history of the shell."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def _values(_: click.Context, __: click.Parameter, given: tuple[str, ...]) -> tuple[str, ...]:
    """Read `-` as one value a line of standard input."""
    values: list[str] = []
    for value in given:
        values += [line.strip() for line in sys.stdin] if value == "-" else [value.strip()]
    if given and not all(values):
        values = [value for value in values if value]
    if given and not values:
        raise click.BadParameter("there is no value: give one, or `-` and a line of standard input")
    return tuple(values)


def subject_option(command: Command) -> Command:
    """Add `--subject`."""
    return click.option(
        "--subject",
        "subjects",
        multiple=True,
        metavar="VALUE",
        callback=_values,
        help="An address, a name, a number of somebody; `-` reads standard input, a value a line. Repeatable.",
    )(command)
