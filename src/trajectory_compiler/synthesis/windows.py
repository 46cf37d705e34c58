"""Windows: what of a session a model is sent. A session is never cut: a window chooses from all of it.

A window grows by values (see `growth`): of what it takes up it wants every turn, so that the producer of a value stands
beside its users, though 2,000 turns lie between them. Turns are shown whole or in excerpts (see `shown`); what lies between
them stands there in outline: a line for each turn of a short gap, one line for a long one.

    #003 ... clerk read_mail        <- shown
    ...
    #004 search_tickets Lime Wharf  <- in outline
    #005 to #480: get_metric 410, read_mail 31, ...
    #481 ... clerk get_order        <- shown

Deterministic. Cost: near-linear in the session; a window looks at the turns of the values that it holds, at most 24 of each.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.synthesis.growth import Chooser
from trajectory_compiler.synthesis.links import Links
from trajectory_compiler.synthesis.options import SynthesisOptions, TokenCount
from trajectory_compiler.synthesis.shown import excerpt, outline, show

SHORT_GAP = 2
CHARACTERS_PER_TOKEN = 3


class Window(msgspec.Struct, frozen=True, kw_only=True):
    """A part of a session to be read by a model. Turns in `turns` may be cited, those in `outlined` have a line each."""

    number: int
    turns: tuple[int, ...]
    outlined: tuple[int, ...]
    text: str
    tokens: int
    whole: bool


def windows_of(index: SessionIndex, options: SynthesisOptions, count: TokenCount) -> tuple[Window, ...]:
    """Choose the windows of a session; a short session is one window. `count` guesses the tokens of a text."""
    stamps = index.times_are_real
    texts = [show(turn, stamps=stamps) for turn in index.turns]
    sizes = [count(text) + 1 for text in texts]
    total = sum(sizes)
    if total <= min(options.whole_tokens, options.window_tokens):
        turns = tuple(range(len(texts)))
        text = "\n\n".join(texts)
        return (Window(number=0, turns=turns, outlined=(), text=text, tokens=count(text), whole=True),) if turns else ()
    budget = max(options.share * total, options.whole_tokens * 2 / 3)
    number = max(1, min(options.windows, round(budget / options.window_tokens)))
    chooser = Chooser(Links(index), sizes, min(options.window_tokens, int(budget / number)))
    found: list[Window] = []
    for place in range(number):
        chosen = chooser.choose()
        if not chosen:
            break
        found.append(_written(index, chooser, chosen, count, place))
    return tuple(found)


def _written(index: SessionIndex, chooser: Chooser, chosen: list[int], count: TokenCount, number: int) -> Window:
    """Write a window; where the guess of its size was too small, the turns that were chosen last stay out."""
    links = chooser.links
    stamps = index.times_are_real
    while True:
        turns = sorted(chosen)
        holders = Counter(value for turn in turns for value in links.values[turn])
        characters = chooser.turn_tokens * CHARACTERS_PER_TOKEN
        shown = {
            t: excerpt(index.turns[t], [v for v in links.values[t] if holders[v] > 1], characters, stamps=stamps) for t in turns
        }
        text, outlined = _with_gaps(index, shown, holders)
        tokens = count(text)
        if tokens <= chooser.budget or len(chosen) <= 2:
            break
        chosen = chosen[: max(2, min(len(chosen) - 1, len(chosen) * chooser.budget // tokens))]
    chooser.shown.update(turns)
    return Window(number=number, turns=tuple(turns), outlined=tuple(outlined), text=text, tokens=tokens, whole=False)


def _with_gaps(index: SessionIndex, shown: dict[int, str], naming: Counter[str]) -> tuple[str, list[int]]:
    """Put the shown turns in order, with what lies between them in outline; return the turns that have a line of their own."""
    parts: list[str] = []
    outlined: list[int] = []
    at = 0
    for turn in (*sorted(shown), len(index.turns)):
        gap = range(at, turn)
        if 0 < len(gap) <= SHORT_GAP:
            parts.append("\n".join(outline(index.turns[t], naming) for t in gap))
            outlined.extend(gap)
        elif gap:
            parts.append(_run(index, gap))
        if turn in shown:
            parts.append(shown[turn])
        at = turn + 1
    return "\n\n".join(parts), outlined


def _run(index: SessionIndex, gap: range) -> str:
    """Return a line for many turns: how often which tool was called."""
    tools = Counter(index.turns[t].tool for t in gap)
    named = ", ".join(f"{' '.join(tool.split())} {times}" for tool, times in tools.most_common(2))
    others = ", ..." if len(tools) > 2 else ""
    return f"#{gap[0]:03d} to #{gap[-1]:03d}: {named}{others}"
