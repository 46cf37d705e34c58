"""An item shows its supporting turns, as much of the session as was asked for, and never what it must not show."""

from __future__ import annotations

import re

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.store.samples import pair, session
from trajectory_compiler.errors import OptionError
from trajectory_compiler.exports import NO_CONTEXT, Context, parse_context
from trajectory_compiler.exports.context import SessionText, tokens
from trajectory_compiler.model import Pair, Trajectory, render


def _shown(trajectory: Trajectory, one: Pair, context: Context) -> list[int] | None:
    """Return the turns whose content the context shows, by what only they say."""
    text = SessionText(trajectory).context(one, context)
    return None if text is None else [int(number) for number in re.findall(r'"owner":"owner-(\d+)"', text)]


def test_none_shows_nothing() -> None:
    """Without a context there is no text at all."""
    assert SessionText(session()).context(pair(session()), NO_CONTEXT) == ""


def test_evidence_shows_the_supporting_turns() -> None:
    """The evidence context is the supporting turns, rendered as everywhere, in time order."""
    trajectory = session()
    text = SessionText(trajectory).context(pair(trajectory, 0, (4, 1)), parse_context("evidence"))
    assert text == f"{render(trajectory.turns[1])}\n\n{render(trajectory.turns[4])}"


def test_full_shows_every_turn() -> None:
    """The full context is the whole session."""
    assert _shown(session(), pair(session()), parse_context("full")) == list(range(8))


def test_nothing_from_the_end_of_the_context_on() -> None:
    """What comes after the end of the context is never shown, though it be named as supporting."""
    one = pair(session(), 0, (1, 4), context_end=4)
    assert _shown(session(), one, parse_context("full")) == [0, 1, 2, 3]
    assert _shown(session(), one, parse_context("evidence")) == [1]
    assert _shown(session(), one, parse_context("8k")) == [0, 1, 2, 3]


@pytest.mark.parametrize("context", ["evidence", "full", "300", "16k"])
def test_withheld_turn_leaves_no_trace(context: str) -> None:
    """A withheld turn is in no context, and the numbers of the turns close over it."""
    one = pair(session(), 0, (1, 4), withheld_turns=(4,))
    shown = _shown(session(), one, parse_context(context))
    assert shown is not None
    assert 1 in shown
    assert 4 not in shown
    text = SessionText(session()).context(one, parse_context("full")) or ""
    assert re.findall(r"^#(\d+)", text, re.MULTILINE) == [f"{number:03d}" for number in range(7)]


def test_budget_takes_the_nearest_turns_first() -> None:
    """Around the supporting turns the nearest others are shown, the earlier of two that are equally near."""
    trajectory = session(turns=20)
    one = pair(trajectory, 0, (5, 12))
    size = len(render(trajectory.turns[12])) + 2
    shown = _shown(trajectory, one, Context(kind="budget", label="x", tokens=5 * size // 4 + 1))
    assert shown == [4, 5, 6, 11, 12]


def test_turn_that_does_not_fit_is_passed_over() -> None:
    """A huge neighbour does not end the filling: the next turn that fits is shown."""
    trajectory = session(turns=8)
    huge = msgspec.structs.replace(trajectory.turns[2], response={"owner": "owner-2", "note": "x" * 5_000})
    trajectory = msgspec.structs.replace(trajectory, turns=(*trajectory.turns[:2], huge, *trajectory.turns[3:]))
    assert _shown(trajectory, pair(trajectory), parse_context("1k")) == [0, 1, 3, 4, 5, 6, 7]


def test_supporting_turns_that_do_not_fit() -> None:
    """Where the supporting turns alone pass the budget there is no item."""
    assert SessionText(session()).context(pair(session()), parse_context("20")) is None


@given(
    turns=st.integers(2, 40),
    support=st.sets(st.integers(0, 39), min_size=1, max_size=5),
    budget=st.integers(1, 1500),
    end=st.none() | st.integers(1, 40),
    withheld=st.sets(st.integers(0, 39), max_size=2),
)
def test_budget_holds(turns: int, support: set[int], budget: int, end: int | None, withheld: set[int]) -> None:
    """Whatever the pair: within the budget, all visible supporting turns, in time order, nothing that must not be shown."""
    trajectory = session(turns=turns)
    one = pair(trajectory, 0, tuple(sorted(support)), context_end=end, withheld_turns=tuple(sorted(withheld)))
    context = Context(kind="budget", label="x", tokens=budget)
    text = SessionText(trajectory).context(one, context)
    visible = set(range(min(turns, turns if end is None else end))) - withheld
    if text is None:
        alone = "\n\n".join(render(trajectory.turns[index]) for index in sorted(support & visible))
        assert tokens(alone) >= budget
        return
    shown = _shown(trajectory, one, context)
    assert shown is not None
    assert tokens(text) <= budget
    assert shown == sorted(set(shown))
    assert support & visible <= set(shown) <= visible


@pytest.mark.parametrize(("text", "count"), [("4096", 4096), ("16k", 16_000), ("1", 1)])
def test_tokens_are_read(text: str, count: int) -> None:
    """A budget is a number of tokens, in thousands with a k."""
    assert parse_context(text) == Context(kind="budget", label=text, tokens=count)


@pytest.mark.parametrize("text", ["", "0", "k", "-4", "4K ", "all", "1.5k", "\u0664k"])
def test_nonsense_is_refused(text: str) -> None:
    """Anything else is refused with an example of what would do."""
    with pytest.raises(OptionError, match="Give a number such as 16k"):
        parse_context(text)


def test_evenly_spaced_stamps_are_not_shown() -> None:
    """A made-up clock tells nothing, and its double step would show where a turn was withheld."""
    trajectory = session(turns=6)
    even = [msgspec.structs.replace(t, created_at=f"2026-03-01T10:00:{4 * t.index:02d}Z") for t in trajectory.turns]
    made_up = msgspec.structs.replace(trajectory, turns=tuple(even))
    one = pair(made_up, withheld_turns=(3,))
    assert "2026-03-01" not in (SessionText(made_up).context(one, parse_context("full")) or "")
    assert "2026-11-24" in (SessionText(trajectory).context(one, parse_context("full")) or "")
