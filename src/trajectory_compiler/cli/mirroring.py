"""The mirror after a run: what `trajc compile` and `trajc sync` call where the config names one."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec

from trajectory_compiler.cli.screen import counted, progress_bar
from trajectory_compiler.errors import TrajcError
from trajectory_compiler.store import Store
from trajectory_compiler.store.mirror import MirrorReport
from trajectory_compiler.store.mirror_options import read_mirror_options


class Mirrored(msgspec.Struct, frozen=True):
    """What came of the mirror: an exit code, the line to print, and the report where the run came to its end."""

    code: int
    line: str
    report: MirrorReport | None = None


def mirror_after(store: Store, config: Path) -> Mirrored | None:
    """Mirror a store as the config file says, after a run that has ended well; None where it names no mirror.

    An outage takes nothing from the run: it comes back as a sentence with its code, and the next run catches up.
    """
    try:
        options = read_mirror_options(config, os.environ)
        if options is None:
            return None
        with progress_bar("items") as progress:
            report = store.mirror_into(options, progress)
    except TrajcError as error:
        return Mirrored(error.exit_code, str(error))
    return Mirrored(0 if report.complete else 1, mirror_line(report), report)


def mirror_line(report: MirrorReport) -> str:
    """Return what a run of the mirror did in one line."""
    parts = [f"{report.written:,} sent", f"{report.unchanged:,} unchanged", f"{report.deleted:,} deleted"]
    if report.held:
        parts.append(f"{counted(len(report.held), 'item')} held there by another store and left")
    if report.refused:
        parts.append(f"{counted(len(report.refused), 'item')} refused by the server")
    return f"Mirror {report.target}: {', '.join(parts)}"
