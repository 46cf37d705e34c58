"""How a pair looks on a terminal: question, answer, and its supporting turns with what was quoted from each."""

from __future__ import annotations

from collections.abc import Sequence

from rich.text import Text

from trajectory_compiler.cli.screen import console, printable
from trajectory_compiler.dataflow.program import Field
from trajectory_compiler.dataflow.wording.phrases import noun
from trajectory_compiler.exports.excerpt import Piece, pieces_of, shorten
from trajectory_compiler.model import Evidence, Pair, Trajectory, Turn, resolve, turn_object

SHORT_ID = 12
MAX_QUOTE = 100
MAX_LINES = 8
LEAD_CHARACTERS = 30
SPOKEN_PLACES = 10  # "the tenth item" is said; beyond it the path is clearer
STYLES = {"head": "bold", "label": "dim", "key": "dim", "mark": "bold black on yellow", "gap": "italic dim", "text": ""}


def print_pair(pair: Pair, trajectory: Trajectory) -> None:
    """Print a pair with one line for each supporting turn."""
    print_question(pair, trajectory)
    print_answer(pair)
    for line in supporting_lines(pair, trajectory):
        console().print(line, soft_wrap=True)
    console().print()


def print_question(pair: Pair, trajectory: Trajectory) -> None:
    """Print what kind of pair it is and its question, nothing that gives the answer away."""
    out = console()
    out.print(
        Text(f"{pair.qa_type.replace('_', ' ')} · {measure(pair, trajectory)} · {pair.id[:SHORT_ID]}", style="dim"),
        soft_wrap=True,
    )
    out.print(Text.assemble(("Q  ", "bold cyan"), (printable(pair.question), "bold")), soft_wrap=True)


def print_answer(pair: Pair) -> None:
    """Print the answer of a pair."""
    console().print(Text.assemble(("A  ", "bold green"), (printable(pair.answer), "green")), soft_wrap=True)


def measure(pair: Pair, trajectory: Trajectory) -> str:
    """Say how deep, wide and long a pair is."""
    hops = f"{pair.hops} hop{'' if pair.hops == 1 else 's'}"
    wide = f", {pair.width} wide" if pair.width > 1 else ""
    return f"{hops}{wide} · spans {pair.span_turns} of {len(trajectory.turns)} turns"


def supporting_lines(pair: Pair, trajectory: Trajectory) -> list[Text]:
    """Return one line for each supporting turn: its number, its tool, what was quoted from it and from where."""
    turns = sorted(set(pair.supporting_turns))
    listed = turns if len(turns) <= MAX_LINES else [*turns[: MAX_LINES - 1], turns[-1]]
    lines = [_line(trajectory.turns[turn], pair) for turn in listed]
    if len(listed) < len(turns):
        lines.insert(-1, Text(f"   ... {len(turns) - len(listed)} more turns", style="dim"))
    return lines


def _line(turn: Turn, pair: Pair) -> Text:
    line = Text.assemble("   ", (f"#{turn.index:03d}", "cyan"), f"  {printable(turn.tool)}")
    if turn.index in pair.withheld_turns:
        return line.append("  withheld: without this turn the log does not say", style="dim")
    quoted = [item for item in pair.evidence if item.turn == turn.index and item.path != "/tool"]
    for number, item in enumerate(quoted):
        line.append(" · " if number else "  ", style="dim")
        place = place_of(item)
        line.append(f"{place}: " if " " in place else f"{place} ", style="dim").append(_before(turn, item), style="dim")
        line.append(_clipped(printable(item.quote)), style="yellow")
    return line


def _before(turn: Turn, evidence: Evidence) -> str:
    """Return what stands before a quoted span on its line: a value in running text says little without it."""
    text = resolve(turn_object(turn), evidence.path)
    if evidence.span is None or not isinstance(text, str):
        return ""
    start = evidence.span[0]
    return printable(text[max(text.rfind("\n", 0, start) + 1, start - LEAD_CHARACTERS) : start])


def place_of(evidence: Evidence) -> str:
    """Name where a value was quoted from: `/response/items/0/name` is "got name of the first item"."""
    steps = evidence.path.split("/")[1:]
    side = {"arguments": "given", "response": "got"}.get(steps[0], steps[0])
    spoken = all(not step.isdigit() or int(step) < SPOKEN_PLACES for step in steps)
    words = noun(Field(path=evidence.path)) if spoken and len(steps) > 1 else "/".join(steps[1:])
    return printable(f"{side} {words}".rstrip())


def _clipped(text: str) -> str:
    line = text.replace("\n", " ")
    return line if len(line) <= MAX_QUOTE else f"{line[:MAX_QUOTE]}…"


def turn_text(turn: Turn, evidence: Sequence[Evidence], *, around: int | None) -> Text:
    """Return a turn as a reader sees it with the evidence marked; `around` characters about each mark, None for all of it."""
    pieces = pieces_of(turn, evidence)
    if around is not None:
        pieces = shorten(pieces, around=around, head=around)
    return _styled(pieces)


def _styled(pieces: Sequence[Piece]) -> Text:
    """Set pieces in their styles; where there is no colour, quoted text stands between « and »."""
    before, after = ("«", "»") if console().color_system is None else ("", "")
    text = Text()
    for piece in pieces:
        shown = printable(piece.text)
        text.append(f"{before}{shown}{after}" if piece.style == "mark" else shown, style=STYLES[piece.style])
    return text
