"""Two quality reports side by side: every figure that either shows, as shares, so that stores of any size can be compared.

No difference is called significant: pairs of one session hang together, and a report does not say which pairs do.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from trajectory_compiler.exports.page import template
from trajectory_compiler.reports.plots import HIDDEN, Plot, fate, paired_bars, shares_of
from trajectory_compiler.reports.quality import QualityReport
from trajectory_compiler.reports.quality_page import facts_of
from trajectory_compiler.reports.suppression import Table


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One figure of all reports, in their order; null where a report does not show it. `is_share` says that it is one."""

    part: str
    name: str
    values: tuple[float | None, ...]
    is_share: bool = True


def compared(reports: Sequence[QualityReport]) -> tuple[Line, ...]:
    """Return every figure that any of the reports shows."""
    lines = list(_head(reports))
    for part, tables in _tables(reports):
        shares = [shares_of(table) for table in tables]
        names = sorted(dict.fromkeys(name for found in shares for name in found), key=lambda name: name == HIDDEN)
        lines += [Line(part=part, name=name, values=tuple(found.get(name) for found in shares)) for name in names]
    rates = [report.mix.guess_rate for report in reports]
    for name in dict.fromkeys(name for found in rates for name in found):
        lines.append(Line(part="chance to guess", name=name, values=tuple(found.get(name) for found in rates), is_share=False))
    return tuple(lines + list(_readers(reports)))


def _head(reports: Sequence[QualityReport]) -> Iterator[Line]:
    gains = [report.gain for report in reports]
    yield Line(part="size", name="pairs", values=tuple(report.mix.type.total for report in reports), is_share=False)
    yield Line(part="size", name="turns", values=tuple(gain.turns for gain in gains), is_share=False)
    yield Line(part="yield", name="pairs per 100 turns", values=tuple(g.pairs_per_100_turns for g in gains), is_share=False)
    yield Line(part="yield", name="sessions with a pair", values=tuple(gain.share_of_sessions_with_pairs for gain in gains))


def _tables(reports: Sequence[QualityReport]) -> Iterator[tuple[str, list[Table]]]:
    """Yield the tables of the reports by name, in the order of the page."""
    yield "candidate questions", [fate(report) for report in reports]
    yield "session length", [report.gain.session_lengths for report in reports]
    yield "state", [report.gain.shown for report in reports]
    for name in ("type", "distance", "span_share", "hops", "width", "answer", "origin", "split"):
        yield name.replace("_", " "), [getattr(report.mix, name) for report in reports]
    for key in dict.fromkeys((item.checker, item.gate) for report in reports for item in report.gates):
        found = [{(item.checker, item.gate): item.outcomes for item in report.gates}.get(key, Table()) for report in reports]
        yield f"gate {key[1].replace('_', ' ')} ({key[0]})", found
    yield "redacted values", [report.redaction.values for report in reports]
    yield "sessions by policy", [report.redaction.policies for report in reports]


def _readers(reports: Sequence[QualityReport]) -> Iterator[Line]:
    """Yield the figures of the readers, by their number: reader 1 of one team need not be reader 1 of the other."""
    for number in range(max((len(report.calibrations) for report in reports), default=0)):
        readers = [report.calibrations[number : number + 1] for report in reports]
        rates = [{rate.name: rate.value for reader in found for rate in reader.rates} for found in readers]
        for name in dict.fromkeys(name for found in rates for name in found):
            values = tuple(found.get(name) for found in rates)
            yield Line(part=f"reader {number + 1}", name=name, values=values, is_share=False)


def compare_page(names: Sequence[str], reports: Sequence[QualityReport]) -> str:
    """Return the comparison as HTML: paired bars for every table, figures in words beside them."""
    plots = [(part, paired_bars(part.capitalize(), tables)) for part, tables in _tables(reports) if not part.startswith("gate")]
    drawn: list[Plot] = [plot for _, plot in plots if plot is not None]
    heads = [facts_of(report) for report in reports]
    facts = [(row[0][0], [figure for _, figure in row]) for row in zip(*heads, strict=True)]
    further = [line for line in compared(reports) if line.part.startswith(("gate", "chance", "reader"))]
    return template("compare.html").render(
        names=names, reports=reports, facts=facts, plots=drawn, further=further, text=text_of
    )


def text_of(line: Line, value: float | None) -> str:
    """Return one figure of a line as text."""
    if value is None:
        return "–"
    if line.is_share:
        return f"{value:.0%}"
    return f"{value:,.0f}" if line.part == "size" else f"{value:.2f}"


def difference(line: Line) -> str:
    """Return the difference of the second figure to the first: in percentage points for shares."""
    if len(line.values) != 2 or line.values[0] is None or line.values[1] is None or line.part == "size":
        return ""
    change = line.values[1] - line.values[0]
    return f"{100 * change:+.0f} points" if line.is_share else f"{change:+.2f}"
