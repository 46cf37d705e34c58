"""What goes to the terminal: text, tables, JSON, a progress bar; and log text made harmless before it gets there."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import click
import msgspec
from rich import box
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bar
from rich.table import Table
from rich.text import Text

if TYPE_CHECKING:
    from trajectory_compiler.pipeline import Progress

PIPED_WIDTH = 120
REDRAW_SECONDS = 0.1
_PICTURES = {code: chr(0x2400 + code) for code in range(0x20) if code not in (0x09, 0x0A)} | {0x7F: "\u2421"}
_HIDDEN = [*range(0x80, 0xA0), *range(0x200E, 0x2010), *range(0x202A, 0x202F), *range(0x2066, 0x206A)]
_VISIBLE = str.maketrans({**_PICTURES, **dict.fromkeys(_HIDDEN, "\ufffd")})


def printable(text: str) -> str:
    """Replace what a terminal would obey instead of showing: escape sequences, bells, marks that reverse the reading order."""
    return text.translate(_VISIBLE)


def console(*, stderr: bool = False) -> Console:
    """Return a console on the present stdout (or stderr). Text is taken as it is: no markup, no guessed colours."""
    stream = sys.stderr if stderr else sys.stdout
    width = None if stream.isatty() else PIPED_WIDTH
    return Console(file=stream, width=width, markup=False, highlight=False, emoji=False)


def counted(number: int, noun: str) -> str:
    """Return a number with its noun: `1 session`, `2,310 sessions`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def say(text: str | Text = "", *, style: str = "") -> None:
    """Print a line of text; a long one is wrapped by the terminal, so that a pipe gets it whole."""
    console().print(printable(text) if isinstance(text, str) else text, style=style or None, soft_wrap=True)


def table(*columns: str, right: Sequence[int] = (), title: str = "") -> Table:
    """Return an empty table; the columns whose numbers are in `right` are aligned to the right."""
    made = Table(
        box=box.SIMPLE_HEAD, title=title or None, title_justify="left", title_style="bold", pad_edge=False, show_edge=False
    )
    for number, name in enumerate(columns):
        made.add_column(name, justify="right" if number in right else "left", overflow="fold")
    return made


def add_row(made: Table, *cells: object, style: str = "") -> None:
    """Add a row of cells; text is made printable, whole numbers get thousands separators."""
    shown = [f"{cell:,}" if isinstance(cell, int) and not isinstance(cell, bool) else printable(str(cell)) for cell in cells]
    made.add_row(*(Text(cell) for cell in shown), style=style or None)


def show(made: Table) -> None:
    """Print a table and an empty line."""
    out = console()
    out.print(made)
    out.print()


def print_json(value: Any) -> None:
    """Print one JSON document, two spaces deep."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def warn(text: str) -> None:
    """Print a sentence on stderr."""
    click.echo(printable(text), err=True)


@contextmanager
def progress_bar(unit: str) -> Iterator[Progress]:
    """Give a function that shows how far a run is, on stderr and only where that is a terminal."""
    if not sys.stderr.isatty():
        yield lambda _stage, _done, _total: None
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn(unit),
        TimeElapsedColumn(),
    )
    # Drawn from this thread alone: a run forks its workers, and a fork must not meet another thread in the middle of something.
    with Bar(*columns, console=console(stderr=True), transient=True, auto_refresh=False) as bar:
        task = bar.add_task("", total=None)
        drawn = 0.0

        def report(stage: str, done: int, total: int | None) -> None:
            nonlocal drawn
            bar.update(task, description=stage, completed=done, total=total)
            if bar.get_time() - drawn >= REDRAW_SECONDS:
                drawn = bar.get_time()
                bar.refresh()

        yield report
