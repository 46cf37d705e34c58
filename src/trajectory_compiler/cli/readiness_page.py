"""The readiness of a log as one page: a file on its own, with no script and nothing from any network."""

from __future__ import annotations

from pathlib import Path

from trajectory_compiler import __version__
from trajectory_compiler.cli.survey import InspectReport
from trajectory_compiler.exports.files import new_file
from trajectory_compiler.exports.page import template
from trajectory_compiler.ledger.readiness import Verdict

VERDICT_WORDS: dict[Verdict, str] = {"ready": "ready", "partly": "partly", "missing": "missing", "unknown": "not known"}


def readiness_page(report: InspectReport) -> str:
    """Return the page as HTML. It holds names, counts and verdicts; the address and the content of the log are not on it."""
    return template("readiness.html").render(
        report=report,
        version=__version__,
        checks=report.readiness,
        ready=sum(check.verdict == "ready" for check in report.readiness),
        words=VERDICT_WORDS,
    )


def write_readiness(report: InspectReport, path: Path) -> None:
    """Write the page. Raises InputError where the file cannot be written."""
    with new_file(path) as write:
        write(readiness_page(report).encode("utf-8", "replace"))
