"""One key at a time from a person at a terminal, or one line at a time from anything else."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import click


class Keys:
    """Where decisions come from. `quiet` leaves the prompts out, for `--json`. None means that the input has ended."""

    def __init__(self, *, quiet: bool) -> None:
        self._terminal = sys.stdin.isatty()
        if quiet and self._terminal:
            raise click.UsageError("--json asks nothing, so it needs the keys as lines on stdin.")
        self.quiet = quiet

    def ask(self, prompt: str) -> str | None:
        """Return one key, in lower case; Enter is the empty text."""
        self._show(f"{prompt} ")
        if not self._terminal:
            line = sys.stdin.readline()
            self._show("\n")
            return line.strip().lower()[:1] if line else None
        key = click.getchar()
        self._show("\n")
        return key.strip().lower()

    def choose(self, prompt: str, among: Sequence[str]) -> str | None:
        """Return one of some keys, asking until it is one of them."""
        while (key := self.ask(prompt)) is not None:
            if key in among:
                return key
        return None

    def line(self, prompt: str) -> str:
        """Return a line of text."""
        self._show(prompt)
        return sys.stdin.readline().strip()

    def _show(self, text: str) -> None:
        if not self.quiet:
            click.echo(text, nl=False)
