"""Plots as plain geometry: what the templates draw as inline SVG, without a script, a font or an image.

A plot is a list of rows, each with its label and its marks in the plot's own units: 0 to 100 along the axis.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence

import msgspec

from trajectory_compiler.reports.quality import GateOutcomes, QualityReport, Rate
from trajectory_compiler.reports.suppression import Table, TableRow

HIDDEN = "other"
HIDDEN_LABEL = "too small to show"
STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25)
MOST_TICKS = 5


class Mark(msgspec.Struct, frozen=True):
    """A piece of a bar from `start`, `length` long, in percent of the axis; `style` is its class."""

    start: float
    length: float
    style: str


class PlotRow(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a plot: label, what it means in words, its marks, and the figures as text at its end."""

    label: str
    words: str = ""
    marks: tuple[Mark, ...]
    text: str


class Plot(msgspec.Struct, frozen=True, kw_only=True):
    """Rows over one axis. `ticks` are (place in percent, label); `about` says in one sentence what a blind reader must know."""

    title: str
    rows: tuple[PlotRow, ...]
    ticks: tuple[tuple[float, str], ...]
    about: str
    legend: tuple[tuple[str, str], ...] = ()


def bars(title: str, table: Table, words: Mapping[str, str] | None = None) -> Plot | None:
    """Draw the shares of a table as bars, or nothing where it shows nothing or one value alone."""
    if not table.total or only_value(table) is not None:
        return None
    said = words or {}
    rows = [(row.name, row.count) for row in table.rows]
    rows += [(HIDDEN, table.other)] if table.other else []
    axis, ticks = _axis(max(count / table.total for _, count in rows))
    return Plot(
        title=title,
        rows=tuple(
            PlotRow(
                label=HIDDEN_LABEL if name == HIDDEN else name.replace("_", " "),
                words=said.get(name, ""),
                marks=(Mark(0.0, _percent(count / table.total, axis), "hidden" if name == HIDDEN else "first"),),
                text=f"{count:,} · {count / table.total:.0%}",
            )
            for name, count in rows
        ),
        ticks=ticks,
        about=_told(title, [(name, count / table.total) for name, count in rows]),
    )


def only_value(table: Table) -> str | None:
    """Return the name that everything in a table has, or None: a bar of 100% says less than a word."""
    return table.rows[0].name if len(table.rows) == 1 and not table.other else None


def paired_bars(title: str, tables: Sequence[Table]) -> Plot | None:
    """Draw the shares of the same table of two reports, one bar above the other, or nothing where neither shows anything."""
    shares = [shares_of(table) for table in tables]
    names = list(dict.fromkeys(name for part in shares for name in part))
    if not names:
        return None
    names.sort(key=lambda name: name == HIDDEN)
    axis, ticks = _axis(max(share for part in shares for share in part.values()))
    rows = [
        PlotRow(
            label=HIDDEN_LABEL if name == HIDDEN else name.replace("_", " "),
            marks=tuple(
                Mark(0.0, _percent(part.get(name, 0.0), axis), style)
                for part, style in zip(shares, ("first", "second"), strict=True)
            ),
            text=" / ".join(f"{part[name]:.0%}" if name in part else "–" for part in shares),
        )
        for name in names
    ]
    told = [(name, part[name]) for part in shares for name in names if name in part]
    return Plot(title=title, rows=tuple(rows), ticks=ticks, about=_told(title, told))


def shares_of(table: Table) -> dict[str, float]:
    """Return the shares of a table by name, what is hidden under `other`; empty where it shows nothing."""
    if not table.total:
        return {}
    shares = {row.name: row.count / table.total for row in table.rows}
    return shares | ({HIDDEN: table.other / table.total} if table.other else {})


def stacks(title: str, gates: Iterable[GateOutcomes]) -> Plot | None:
    """Draw the outcomes of gates as bars of three parts, each bar as long as the whole; a hidden part is drawn as such."""
    rows = []
    for item in gates:
        shares = shares_of(item.outcomes)
        marks, at = [], 0.0
        for name, style in (("passed", "first"), ("failed", "bad"), ("not_tried", "none"), (HIDDEN, "hidden")):
            if share := shares.get(name, 0.0):
                marks.append(Mark(at, min(100.0 - at, 100.0 * share), style))
                at = marks[-1].start + marks[-1].length
        passed = f"{shares['passed']:.0%}" if "passed" in shares else "not shown"
        rows.append(PlotRow(label=item.gate.replace("_", " "), marks=tuple(marks), text=passed))
    if not rows:
        return None
    legend = (
        ("first", "passed"),
        ("bad", "failed"),
        ("none", "not tried"),
        ("hidden", "too small to be shown"),
    )
    used = {mark.style for row in rows for mark in row.marks}
    return Plot(
        title=title,
        rows=tuple(rows),
        ticks=tuple((at, f"{at:.0f}%") for at in (0.0, 25.0, 50.0, 75.0, 100.0)),
        about=f"{title}: " + "; ".join(f"{row.label} {row.text}" for row in rows) + ".",
        legend=tuple((style, words) for style, words in legend if style in used),
    )


def ranges(title: str, rates: Iterable[Rate]) -> Plot | None:
    """Draw measured rates as dots with their intervals, from 0 to 1; figures that are no rates are left to the table."""
    rows = []
    for rate in rates:
        if not 0.0 <= rate.value <= 1.0:
            continue
        low, high = (rate.value if end is None else min(1.0, max(0.0, end)) for end in (rate.low, rate.high))
        marks = (Mark(100 * low, max(0.0, 100 * (high - low)), "range"), Mark(100 * rate.value, 0.0, "dot"))
        interval = f" [{low:.2f}, {high:.2f}]" if rate.low is not None and rate.high is not None else ""
        cases = f" of {rate.cases:,}" if rate.cases else ""
        rows.append(PlotRow(label=name_of(rate), marks=marks, text=f"{rate.value:.2f}{interval}{cases}"))
    if not rows:
        return None
    ticks = tuple((100 * at, f"{at:g}") for at in (0.0, 0.25, 0.5, 0.75, 1.0))
    about = f"{title}: " + "; ".join(f"{row.label} {row.text}" for row in rows) + "."
    return Plot(title=title, rows=tuple(rows), ticks=ticks, about=about)


def name_of(rate: Rate) -> str:
    """Return the name of a figure as words: `faults.wrong_answer` gives `faults: wrong answer`."""
    return rate.name.replace(".", ": ").replace("_", " ")


def fate(report: QualityReport) -> Table:
    """Return what became of the candidate questions: `kept`, or `fell: GATE`."""
    proof = next((stage.reasons for stage in report.falls if stage.stage == "proof"), Table())
    kept = report.mix.type.total
    if kept is None or proof.total is None:
        return Table()
    rows = (TableRow("kept", kept), *(TableRow(f"fell: {row.name}", row.count) for row in proof.rows))
    return Table(rows=rows, other=proof.other, total=kept + proof.total)


def _axis(most: float) -> tuple[float, tuple[tuple[float, str], ...]]:
    """Return where the axis ends, as a share, and its ticks: the finest round steps that give at most five."""
    step = next((step for step in STEPS if most / step <= MOST_TICKS), STEPS[-1])
    end = min(1.0, max(step, math.ceil(most / step - 1e-9) * step))
    count = round(end / step)
    return end, tuple((100 * number / count, f"{100 * end * number / count:.0f}%") for number in range(count + 1))


def _percent(share: float, axis: float) -> float:
    return round(min(100.0, 100 * share / axis), 2)


def _told(title: str, shares: Iterable[tuple[str, float]]) -> str:
    return f"{title}: " + "; ".join(f"{name.replace('_', ' ')} {share:.0%}" for name, share in shares) + "."
