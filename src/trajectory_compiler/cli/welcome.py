"""Bare `trajc`: the agents' session files that lie on this machine, or the short help."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler.cli.screen import counted, say
from trajectory_compiler.sources.discover import discover

MEGABYTE = 1_000_000


def welcome(ctx: click.Context) -> None:
    """Print what could be compiled here and now, then the help."""
    for place in discover(Path.home()):
        size = f"{place.size_bytes / MEGABYTE:,.1f} MB" if place.size_bytes >= MEGABYTE else f"{place.size_bytes:,} bytes"
        say(f"Found {place.format}: {counted(place.files, 'file')}, {size}, in {place.location}")
        say(f"  trajc inspect {place.location}")
        say(f"  trajc compile {place.location}")
        say()
    click.echo(ctx.get_help())
