"""`trajc report compare`: two quality reports side by side."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.report_figures import print_figures
from trajectory_compiler.cli.screen import print_json, say
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.files import new_file
from trajectory_compiler.reports.compare import compare_page, compared
from trajectory_compiler.reports.quality import QualityReport, read_report

MAX_BYTES = 16_000_000  # a report has some ten thousand


@click.command(
    name="compare",
    epilog=shared.example(
        "trajc report compare ours.json theirs.json", "trajc report compare ours.json theirs.json --html compared.html"
    ),
)
@click.argument("first", type=click.Path(path_type=Path))
@click.argument("second", type=click.Path(path_type=Path))
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write one page with plots, too.")
@shared.json_option
def command(first: Path, second: Path, html: Path | None, as_json: bool) -> None:
    """Put two files of `trajc report quality --json` side by side, as shares."""
    if html is not None:
        refuse_place(html)
    reports = [_read(path) for path in (first, second)]
    names = [first.stem, second.stem] if first.stem != second.stem else [str(first), str(second)]
    if html is not None:
        with new_file(html) as write:
            write(compare_page(names, reports).encode("utf-8", "replace"))
    if as_json:
        print_json({"reports": names, "figures": compared(reports)})
        return
    print_figures(*zip(names, reports, strict=True))
    if html is not None:
        say(f"The page: {html}")


def _read(path: Path) -> QualityReport:
    goal = f"read the quality report '{path}'"
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(goal, error.strerror or type(error).__name__, "Name another file.") from error
    if len(data) > MAX_BYTES:
        raise InputError(goal, "it is too long to be one", "Name a file that `trajc report quality --json` wrote.")
    return read_report(data, str(path))
