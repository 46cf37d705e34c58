"""The quality report as one self-contained page: plots as inline SVG, light and dark, no script, nothing from any network."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from trajectory_compiler.exports.in_words import FAMILY_WORDS, STAGE_WORDS, reason_in_words
from trajectory_compiler.exports.page import template
from trajectory_compiler.reports.plots import Plot, bars, fate, name_of, only_value, ranges, stacks
from trajectory_compiler.reports.quality import QualityReport
from trajectory_compiler.reports.suppression import Table

_SAID: dict[str, str] = {str(name): words for name, words in FAMILY_WORDS.items()}
TableRows = list[tuple[str, str, str]]


class Part(NamedTuple):
    """One part of the page: plots side by side, wide ones, tables of one value alone as words, tables as tables.

    `nothing` is said where it has none of them.
    """

    heading: str
    words: str
    plots: Sequence[Plot] = ()
    wide: Sequence[Plot] = ()
    same: Sequence[tuple[str, str]] = ()
    tables: Sequence[tuple[str, TableRows]] = ()
    nothing: str = "Too little stands behind these figures to show them."


def quality_page(report: QualityReport) -> str:
    """Return the page as HTML."""
    parts = [_gain(report), _mix(report), _gates(report), _readers(report), _redaction(report), _falls(report)]
    return template("quality.html").render(report=report, facts=facts_of(report), parts=parts)


def facts_of(report: QualityReport) -> list[tuple[str, str]]:
    """Return the figures at the head of a report, in words; what may not be shown as a dash."""
    gain = report.gain
    with_pairs = gain.share_of_sessions_with_pairs
    return [
        ("pairs that count as results", shown(report.mix.type.total)),
        ("sessions compiled", shown(next((row.count for row in gain.sessions.rows if row.name == "compiled"), None))),
        ("turns", shown(gain.turns)),
        ("pairs per 100 turns", shown(gain.pairs_per_100_turns)),
        ("sessions with a pair", "–" if with_pairs is None else f"{with_pairs:.0%}"),
    ]


def shown(figure: float | None) -> str:
    """Return a figure as text, or a dash."""
    if figure is None:
        return "–"
    return f"{figure:,}" if isinstance(figure, int) else f"{figure:.2f}"


def _drawn(*plots: Plot | None) -> list[Plot]:
    return [plot for plot in plots if plot is not None]


def _shares(*tables: tuple[str, Table]) -> tuple[list[Plot], list[tuple[str, str]]]:
    """Return the tables with several values as plots, those with one as (title, value)."""
    same = [(title, name.replace("_", " ")) for title, table in tables if (name := only_value(table)) is not None]
    return _drawn(*(bars(title, table) for title, table in tables)), same


def _gain(report: QualityReport) -> Part:
    plots, same = _shares(
        ("What became of the candidate questions", fate(report)),
        ("How long the sessions are", report.gain.session_lengths),
        ("States of the pairs that count as results", report.gain.shown),
        ("States of the pairs that do not", report.gain.held_back),
    )
    return Part(
        "Yield",
        "What the log gave. A candidate question is kept only where every gate holds; else the first that fails is counted.",
        plots,
        same=same,
    )


def _mix(report: QualityReport) -> Part:
    mix = report.mix
    rates = [(name.replace("_", " "), _SAID.get(name, ""), f"{rate:.2f}") for name, rate in mix.guess_rate.items()]
    plots, same = _shares(
        ("Types", mix.type),
        ("Answers", mix.answer),
        ("From the first supporting turn to the last", mix.distance),
        ("The same as a share of the session", mix.span_share),
        ("Hops of the chain", mix.hops),
        ("Turns side by side", mix.width),
        ("Made by", mix.origin),
        ("Splits", mix.split),
    )
    return Part(
        "What is asked",
        "Kinds of questions, and how far apart the turns stand that an answer needs. The chance to guess is what is left to a "
        "reader from whom one needed turn is hidden: lower is better.",
        plots,
        same=same,
        tables=[("Chance to guess, by type", rates)] if rates else [],
    )


def _gates(report: QualityReport) -> Part:
    exact, reader = ([item for item in report.gates if item.checker == name] for name in ("exact", "reader"))
    return Part(
        "Gates",
        "Outcomes over the stored proofs. The exact checker evaluates programs; what it stores as proved passed every gate. "
        "Readers are models: how far they can be trusted stands below.",
        _drawn(stacks("Exact checker", exact), stacks("Readers", reader)),
    )


def _readers(report: QualityReport) -> Part:
    plots, tables = [], []
    for item in report.calibrations:
        title = f"{item.reader.capitalize()} ({item.provider})"
        plots.append(ranges(title, item.rates))
        others = [rate for rate in item.rates if not 0.0 <= rate.value <= 1.0]
        if others:
            tables.append((f"{title}: figures that are no rates", [(name_of(rate), "", f"{rate.value:g}") for rate in others]))
    return Part(
        "Readers, calibrated",
        "Known faults are planted into proved pairs: how many of them a reader finds, and how many good pairs it rejects. "
        "Lines are intervals.",
        wide=_drawn(*plots),
        tables=tables,
        nothing="No reader was calibrated: pairs written by a model, if there are any, rest on no measured judgement.",
    )


def _redaction(report: QualityReport) -> Part:
    plots, same = _shares(
        ("Different values", report.redaction.values),
        ("Places", report.redaction.places),
        ("Policy, by sessions", report.redaction.policies),
    )
    return Part(
        "Redaction",
        "What was replaced by a name before anything else saw it, by kind. OWN stands for kinds of the team's own rules. "
        "The figures say what was found; what the rules cannot find is not in them.",
        plots,
        same=same,
    )


def _falls(report: QualityReport) -> Part:
    tables = []
    for stage in report.falls:
        rows = [
            (row.name.replace("_", " "), reason_in_words(stage.stage, row.name), f"{row.count:,}") for row in stage.reasons.rows
        ]
        words = STAGE_WORDS.get(stage.stage, stage.stage)
        tables.append((words[:1].upper() + words[1:], rows + _hidden(stage.reasons)))
    words, nothing = "Nothing disappears without a reason.", "Nothing was dropped, or too little to show."
    return Part("What was dropped, and why", words, tables=tables, nothing=nothing)


def _hidden(table: Table) -> TableRows:
    return [("other", "reasons too small to be shown one by one", f"{table.other:,}")] if table.other else []
