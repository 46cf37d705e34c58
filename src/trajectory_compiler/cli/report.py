"""`trajc report`: reports for others. One file per subcommand, `cli/report_<name>.py`, loaded only to run it."""

from __future__ import annotations

from typing import ClassVar

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.lazy import LazyGroup

# Name -> what it is for. The module `cli/report_<name>.py` holds it as `command`.
SUBCOMMANDS: dict[str, str] = {
    "quality": "Aggregate figures of the store, to show to another team.",
    "compare": "Put two quality reports side by side.",
    "evidence": "What was processed, under which rules, with what proof: for whoever must answer.",
}


class _ReportGroup(LazyGroup):
    prefix = "report_"
    sections: ClassVar = {"Commands": SUBCOMMANDS}


@click.group(
    cls=_ReportGroup,
    name="report",
    epilog=shared.example(
        "trajc report quality --html quality.html",
        "trajc report compare ours.json theirs.json",
        "trajc report evidence --profile pra-ss123 --html evidence.html",
    ),
)
def command() -> None:
    """Write reports for others: figures to compare with another team's, and an evidence pack.

    A quality report holds no text and no name; an evidence pack holds ten redacted pairs and stays inside the organisation.
    """
