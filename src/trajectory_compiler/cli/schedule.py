"""`trajc schedule`: an entry for the scheduler that you have. One file per subcommand, `cli/schedule_<name>.py`."""

from __future__ import annotations

from typing import ClassVar

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.lazy import LazyGroup

# Name -> what it is for. The module `cli/schedule_<name>.py` holds it as `command`.
SUBCOMMANDS: dict[str, str] = {
    "print": "Print files for systemd, cron, Kubernetes or GitHub Actions that run trajc sync.",
}


class _ScheduleGroup(LazyGroup):
    prefix = "schedule_"
    sections: ClassVar = {"Commands": SUBCOMMANDS}


@click.group(
    cls=_ScheduleGroup,
    name="schedule",
    epilog=shared.example("trajc schedule print systemd agent_log.db", "trajc schedule print cron --at 02:30"),
)
def command() -> None:
    """Print a schedule for trajc sync. There is no daemon: the scheduler that you have is better than one of ours."""
