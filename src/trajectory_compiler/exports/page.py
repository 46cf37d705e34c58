"""One static page of pairs with their evidence marked inside the turns, and of what was dropped and why.

The page is a file on its own: no script, no font, no image, nothing from any network. Its content security policy forbids them
all, so that a log which holds `<script>` shows it and does not run it. It follows the reader's light or dark setting.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cache
from typing import NamedTuple

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Template
from markupsafe import Markup, escape

from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.errors import ProgramError
from trajectory_compiler.exports.excerpt import Piece, pieces_of, shorten
from trajectory_compiler.exports.in_words import (
    FAMILY_WORDS,
    STAGE_WORDS,
    action_for,
    is_dropped,
    proof_in_words,
    reason_in_words,
)
from trajectory_compiler.exports.program_words import program_in_words
from trajectory_compiler.model import FAMILIES, Evidence, Pair, Trajectory, Turn
from trajectory_compiler.store import Drop

PAGE_PAIRS = 30
AROUND_CHARACTERS = 220
HEAD_CHARACTERS = 160
MAX_TURNS_SHOWN = 12
MAX_TICKS = 400


class PageReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the page reports beside the pairs it shows. `families` counts all stored pairs, not only those shown."""

    source: str
    version: str
    sessions: int
    turns: int
    pairs: int
    families: dict[str, int]
    drops: tuple[Drop, ...]
    blocked: int = 0


class _ShownTurn(NamedTuple):
    """A supporting turn on the page: `skipped` turns lie between it and the one before; parts are (label, styled pieces)."""

    number: int
    stamp: str
    agent: str
    tool: str
    effect: bool
    skipped: int
    parts: list[tuple[str, list[tuple[str, str]]]]


class _ShownPair(NamedTuple):
    pair: Pair
    number: int
    family: str
    question: list[tuple[bool, str]]
    place: str
    turns: list[_ShownTurn]
    more_turns: int
    span: tuple[float, float]
    ticks: list[tuple[float, str]]
    program: list[tuple[str, list[tuple[bool, str]]]]
    gates: list[tuple[str, bool | None, str]]


def render_page(report: PageReport, pairs: Iterable[tuple[Pair, Trajectory]]) -> str:
    """Return the page as HTML. Everything that comes from a log is escaped.

    Raises: nothing for odd content: a pair whose program cannot be read is shown without its program.
    """
    shown = [_shown_pair(number, pair, trajectory) for number, (pair, trajectory) in enumerate(pairs, start=1)]
    most = max(report.families.values(), default=1)
    asked = sorted((name for name in FAMILIES if report.families.get(name)), key=lambda name: -report.families[name])
    mix = [(name, report.families[name], report.families[name] / most, FAMILY_WORDS[name]) for name in asked]
    counts = Counter(item.pair.qa_type for item in shown)
    return template("page.html").render(
        report=report,
        pairs=shown,
        mix=mix,
        filters=[(name, counts[name]) for name in FAMILIES if counts[name]],
        stages=_stages(report.drops),
        dropped=sum(drop.count for drop in report.drops if is_dropped(drop.reason)),
    )


@cache
def template(name: str) -> Template:
    """Return a page's template. What it is given is escaped; a name that is not given is an error."""
    environment = Environment(
        loader=PackageLoader("trajectory_compiler.exports"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["thousands"] = lambda number: f"{number:,}"
    environment.filters["breakable"] = breakable
    environment.filters["turn"] = lambda index: f"#{index:03d}"
    return environment.get_template(name)


def _shown_pair(number: int, pair: Pair, trajectory: Trajectory) -> _ShownPair:
    evidence = [item for item in pair.evidence if item.turn not in pair.withheld_turns]
    styles = [_mark_of(item, pair) for item in evidence]
    support = sorted(set(pair.supporting_turns))
    listed = support if len(support) <= MAX_TURNS_SHOWN else [*support[: MAX_TURNS_SHOWN - 1], support[-1]]
    turns: list[_ShownTurn] = []
    before: int | None = None
    for index in listed:
        skipped = 0 if before is None else index - before - 1
        before = index
        turns.append(_shown_turn(trajectory.turns[index], skipped, evidence, styles, withheld=index in pair.withheld_turns))
    return _ShownPair(
        pair=pair,
        number=number,
        family=FAMILY_WORDS[pair.qa_type],
        question=code_spans(pair.question),
        place=_place(pair, len(trajectory.turns)),
        turns=turns,
        more_turns=len(support) - len(listed),
        span=_span(pair, len(trajectory.turns)),
        ticks=_ticks(pair, len(trajectory.turns)),
        program=_program(pair),
        gates=proof_in_words(pair.proof),
    )


def code_spans(text: str) -> list[tuple[bool, str]]:
    """Cut a question at its backticks into (is code, text); a stray backtick leaves the text whole."""
    parts = text.split("`")
    if len(parts) % 2 == 0:
        return [(False, text)]
    return [(bool(number % 2), part) for number, part in enumerate(parts) if part]


def _place(pair: Pair, turns: int) -> str:
    support = sorted(set(pair.supporting_turns))
    named = [f"#{t:03d}" for t in support]
    listed = ", ".join(named) if len(named) <= 6 else f"{', '.join(named[:4])}, ... {named[-1]} ({len(named)} in all)"
    words = f"Supporting turns {listed} of a session of {turns:,}"
    if pair.context_end is not None:
        words += f"; the reader sees the turns before #{pair.context_end:03d}"
    return f"{words}. {pair.hops} hop{'' if pair.hops == 1 else 's'}{f', {pair.width} turns wide' if pair.width > 1 else ''}."


def _shown_turn(turn: Turn, skipped: int, evidence: Sequence[Evidence], styles: Sequence[str], *, withheld: bool) -> _ShownTurn:
    return _ShownTurn(
        number=turn.index,
        stamp=turn.created_at or "",
        agent=turn.agent,
        tool=turn.tool,
        effect=turn.effect,
        skipped=skipped,
        parts=[] if withheld else _parts(turn, evidence, styles),
    )


def _parts(turn: Turn, evidence: Sequence[Evidence], styles: Sequence[str]) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return arguments and response, each with its label; the head of a turn has a line of its own on the page."""
    parts: list[tuple[str, list[tuple[str, str]]]] = []
    body = [piece for piece in pieces_of(turn, evidence) if piece.style != "head"]
    for piece in shorten(body, around=AROUND_CHARACTERS, head=HEAD_CHARACTERS):
        if piece.style == "label":
            parts.append((piece.text.strip(": \n"), []))
        elif parts:
            parts[-1][1].append((_css_class(piece, styles), piece.text))
    return parts


def breakable(text: str) -> Markup:
    """Escape a text and allow line breaks after its commas: compact JSON has no spaces to break at."""
    return escape(text).replace(",", Markup(",<wbr>"))


def _css_class(piece: Piece, styles: Sequence[str]) -> str:
    return styles[piece.evidence] if piece.evidence is not None else piece.style


def _mark_of(evidence: Evidence, pair: Pair) -> str:
    """Say what a quoted value is to the question: (part of) the answer, named in the question, or a step on the way."""
    parts = {pair.answer, *pair.answer.split(" -> ")}
    if evidence.quote in parts:
        return "answer"
    names = [text for is_code, text in code_spans(pair.question) if is_code]  # a path is named by its end
    named = evidence.quote in pair.question or any(evidence.quote.endswith(f"/{name}") for name in names)
    return "named" if named else "step"


def _ticks(pair: Pair, turns: int) -> list[tuple[float, str]]:
    """Return where the supporting turns stand along the session, from 0 to 100, with their kind."""
    last = max(1, turns - 1)
    support = sorted(set(pair.supporting_turns))[:MAX_TICKS]
    ticks = [(round(100 * t / last, 2), "withheld" if t in pair.withheld_turns else "support") for t in support]
    if pair.context_end is not None:
        ticks.append((round(100 * min(pair.context_end, last) / last, 2), "end"))
    return ticks


def _span(pair: Pair, turns: int) -> tuple[float, float]:
    """Return where the supporting turns begin along the session and how far they reach, from 0 to 100."""
    first, last = min(pair.supporting_turns, default=0), max(pair.supporting_turns, default=0)
    return round(100 * first / max(1, turns - 1), 2), round(100 * (last - first) / max(1, turns - 1), 2)


def _program(pair: Pair) -> list[tuple[str, list[tuple[bool, str]]]]:
    if pair.program is None:
        return []
    try:
        return [(name, code_spans(words)) for name, words in program_in_words(decode(pair.program))]
    except ProgramError:
        return []


class _ShownStage(NamedTuple):
    words: str
    total: int
    reasons: list[tuple[str, int, float, str]]


def _stages(drops: Sequence[Drop]) -> list[_ShownStage]:
    """Group drops by stage, stages in the order of the passes, reasons by how often they came."""
    stages = [stage for stage in STAGE_WORDS if any(drop.stage == stage for drop in drops)]
    stages += sorted({drop.stage for drop in drops} - set(stages))
    shown = []
    for stage in stages:
        own = sorted((drop for drop in drops if drop.stage == stage), key=lambda drop: (-drop.count, drop.reason))
        total = sum(drop.count for drop in own)
        reasons = [(_why(drop), drop.count, drop.count / max(1, own[0].count), action_for(drop.reason)) for drop in own]
        shown.append(_ShownStage(STAGE_WORDS.get(stage, stage), total, reasons))
    return shown


def _why(drop: Drop) -> str:
    words = reason_in_words(drop.stage, drop.reason)
    return words if is_dropped(drop.reason) else f"{words} (kept)"
