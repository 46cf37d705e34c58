"""The report of a redaction run as one static page: types, counts, places, what was not scanned. No values, no script."""

from __future__ import annotations

from trajectory_compiler.exports.page import template
from trajectory_compiler.redaction.report import RedactionReport


def render_redaction_page(report: RedactionReport, version: str) -> str:
    """Return the page as HTML. Everything that comes from a log (tool names, keys) is escaped."""
    return template("redaction.html").render(
        report=report,
        version=version,
        replaced=sum(item.replaced for item in report.types),
        unscanned=sum(item.count for item in report.unscanned),
    )
