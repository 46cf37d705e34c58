"""`trajc inspect`: what a log holds, what can be compiled and what is wrong with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.readiness_page import VERDICT_WORDS, write_readiness
from trajectory_compiler.cli.screen import add_row, counted, print_json, progress_bar, say, show, table
from trajectory_compiler.cli.survey import SURE, InspectReport, survey
from trajectory_compiler.sources import open_source

LISTED_TOOLS = 25
LISTED_COLUMNS = 20
DATABASES = ("PostgreSQL", "SQLite")


@click.command(
    name="inspect",
    epilog=shared.example(
        "trajc inspect agent_log.jsonl",
        "trajc inspect audit.db --table calls --json",
        "trajc inspect postgresql://reader@host/agents --html readiness.html",
        "trajc inspect ~/.claude/projects",
        "trajc inspect ~/.codex/sessions",
    ),
)
@click.argument("log")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write the readiness report as a page, too.")
@shared.log_options
@shared.store_option
@shared.json_option
def command(log: str, html: Path | None, store: str, as_json: bool, **given: Any) -> None:  # noqa: ARG001  # takes --store
    """Say what LOG holds: format, columns, sessions that qualify and why others do not, effects, cut values; change nothing.

    LOG is what `trajc compile` takes. Nothing is stored, and the content of the log is not shown. A table of a database also
    gets a readiness report: is it append-only (tried on one row and rolled back), are its times, sessions and indexes usable.
    """
    if html is not None:
        refuse_place(html)
    source = open_source(log, shared.source_options(given))
    with progress_bar("sessions") as progress:
        report = survey(log, source, shared.session_options(given), given["effects"], progress)
    if html is not None:
        write_readiness(report, html)
    if as_json:
        print_json(report)
    else:
        _print(report)
        if html is not None:
            say(f"The page: {html}")


def _print(report: InspectReport) -> None:
    say(f"{report.log}: {report.format}, {counted(report.rows, 'row')}, {counted(report.sessions, 'session')}", style="bold")
    say(f"The format is {report.told.sure}: {'; '.join(report.told.signs)}.")
    say()
    _print_columns(report)
    say(f"{report.qualified:,} of {counted(report.sessions, 'session')} qualify", style="bold")
    if report.qualified:
        say(f"{counted(report.turns, 'turn')}; median {report.median_turns:,} a session, longest {report.longest_turns:,}.")
    say()
    if report.left_out:
        shown = table("count", "left out or repaired: why", "where", right=(0,))
        for item in report.left_out:
            add_row(shown, item.count, item.why if item.dropped else f"(kept) {item.why}", item.where)
        show(shown)
    _print_tools(report)
    if report.format in DATABASES:
        _print_readiness(report)
    if report.suggestions:
        say("Suggestions", style="bold")
        for suggestion in report.suggestions:
            say(f"- {suggestion}")
    else:
        say("No problem found.", style="bold")
    if report.qualified:
        say(f"Next: trajc compile {report.log}")


def _print_readiness(report: InspectReport) -> None:
    shown = table("readiness", "", "what was seen, and what to do")
    for check in report.readiness:
        style = {"missing": "red", "partly": "yellow"}.get(check.verdict, "")
        add_row(shown, check.name, VERDICT_WORDS[check.verdict], check.found, style=style)
        if check.do:
            add_row(shown, "", "", f"-> {check.do}", style="dim")
    show(shown)


def _print_columns(report: InspectReport) -> None:
    shown = table("role", "column", "how sure", right=())
    for column in report.columns:
        sure = "certain" if column.confidence >= 1 else ("sure" if column.confidence >= SURE else "a guess")
        add_row(shown, column.role, column.column, f"{column.confidence:.0%} {sure}")
    show(shown)
    if report.other_columns:
        more = f" and {len(report.other_columns) - LISTED_COLUMNS} more" if len(report.other_columns) > LISTED_COLUMNS else ""
        say(f"Kept without a role: {', '.join(report.other_columns[:LISTED_COLUMNS])}{more}")
    if report.calls_and_results_apart:
        say("Calls and results stand in rows of their own and are joined.")
    if report.other_columns or report.calls_and_results_apart:
        say()


def _print_tools(report: InspectReport) -> None:
    if not report.tools:
        return
    shown = table("tool", "calls", "failed", "taken as", right=(1, 2))
    for tool in report.tools[:LISTED_TOOLS]:
        words = {"exchange": "words between agent and user", "thinking": "the agent's own thoughts"}
        taken = words.get(tool.kind) or ("changes something (effect)" if tool.effect else "reads")
        add_row(shown, tool.tool, tool.calls, tool.failed or "", taken)
    if len(report.tools) > LISTED_TOOLS:
        rest = report.tools[LISTED_TOOLS:]
        add_row(shown, f"... {len(rest)} more", sum(tool.calls for tool in rest), "", "", style="dim")
    show(shown)
