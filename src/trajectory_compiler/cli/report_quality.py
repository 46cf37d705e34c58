"""`trajc report quality`: aggregate figures of the store, to show to another team."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler import __version__
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.report_figures import print_figures
from trajectory_compiler.cli.screen import print_json, say
from trajectory_compiler.exports.files import new_file
from trajectory_compiler.reports.counting import Made, quality_report
from trajectory_compiler.reports.quality import schema
from trajectory_compiler.reports.quality_page import quality_page
from trajectory_compiler.reports.suppression import SMALLEST
from trajectory_compiler.store import Store
from trajectory_compiler.store.clock import utc_now


@click.command(
    name="quality",
    epilog=shared.example(
        "trajc report quality", "trajc report quality --json > ours.json", "trajc report quality --html quality.html"
    ),
)
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write one page with plots, too.")
@click.option(
    "--smallest",
    type=click.IntRange(min=SMALLEST),
    metavar="N",
    default=SMALLEST,
    show_default=True,
    help="Hide figures over fewer things or sessions, and round all others to a multiple of this.",
)
@click.option("--schema", "as_schema", is_flag=True, help="Print the JSON Schema of the report and nothing else.")
@shared.store_option
@shared.json_option
def command(html: Path | None, smallest: int, as_schema: bool, store: str, as_json: bool) -> None:
    """Count yield, mix, gates, calibrations and redaction: aggregate figures only, for comparing two teams.

    No text, no id, no name of an agent, tool, source or model is in the report; small counts are hidden, also from subtraction.
    """
    if as_schema:
        print_json(schema())
        return
    if html is not None:
        refuse_place(html)
    with Store.open(store, read_only=True) as opened:
        report = quality_report(opened, Made(utc_now()[:10], __version__, smallest))
    if html is not None:
        with new_file(html) as write:
            write(quality_page(report).encode())
    if as_json:
        print_json(report)
        return
    print_figures(("", report))
    if html is not None:
        say(f"The page: {html}")
