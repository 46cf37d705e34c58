"""Quality reports on the terminal: one of them, or two side by side."""

from __future__ import annotations

from trajectory_compiler.cli.screen import add_row, say, show, table
from trajectory_compiler.reports.compare import compared, difference, text_of
from trajectory_compiler.reports.quality import QualityReport


def print_figures(*named: tuple[str, QualityReport]) -> None:
    """Print every figure of the reports, part by part; of two reports the difference, too."""
    lines = compared([report for _, report in named])
    names = [name or "figure" for name, _ in named]
    is_pair = len(named) > 1
    for part in dict.fromkeys(line.part for line in lines):
        shown = table(part, *names, *(["difference"] if is_pair else []), right=range(1, len(names) + 2))
        for line in lines:
            if line.part == part:
                figures = [text_of(line, value) for value in line.values]
                add_row(shown, line.name.replace("_", " "), *figures, *([difference(line)] if is_pair else []))
        show(shown)
    smallest = max(report.suppressed_below for _, report in named)
    say(f"Figures over fewer than {smallest} things or sessions are hidden; counts are rounded to a multiple of {smallest}.")
