"""Windows choose from a whole session: what belongs together stands together, whatever lies between."""

from __future__ import annotations

import pytest

from tests.building import session
from tests.synthesis.sessions import count, index_of, noise, scattered
from trajectory_compiler.synthesis.options import SynthesisOptions
from trajectory_compiler.synthesis.shown import show
from trajectory_compiler.synthesis.windows import windows_of

OPTIONS = SynthesisOptions(model="test:scripted")


def test_a_short_session_goes_whole() -> None:
    """Under the limit there is one window: every turn as `show` writes it, nothing in outline, then the leads."""
    trajectory = scattered(12)
    (window,) = windows_of(index_of(trajectory), OPTIONS, count)
    assert window.whole
    assert window.turns == tuple(range(12))
    assert window.outlined == ()
    turns, leads = window.text.split("\n\nvalues that stand in several turns\n")
    assert turns == "\n\n".join(show(turn) for turn in trajectory.turns)
    assert leads == "  ORD-44017: #003 #006\n  TRK-307: #006 #008"


@pytest.mark.parametrize("turns", [200, 10_000])
def test_what_shares_values_stands_together_over_any_distance(turns: int) -> None:
    """Mail, order and shell output that share two identifiers stand in one window, though thousands of turns lie between."""
    windows = windows_of(index_of(scattered(turns)), OPTIONS, count)
    needed = {3, turns // 2, turns - 4}
    together = [window for window in windows if needed <= set(window.turns)]
    assert together
    assert "Order reference: ORD-44017" in together[0].text
    assert "state: unregistered" in together[0].text


@pytest.mark.parametrize("window_tokens", [400, 1_500, 6_000])
def test_no_window_is_larger_than_its_budget(window_tokens: int) -> None:
    """Each window keeps to its tokens, their number to its limit, and all of them together to a share of the session."""
    index = index_of(scattered(1_500))
    options = SynthesisOptions(model="test:scripted", window_tokens=window_tokens, windows=4, share=0.2)
    windows = windows_of(index, options, count)
    total = sum(count(show(turn)) for turn in index.turns)
    assert 1 <= len(windows) <= 4
    assert all(window.tokens == count(window.text) <= window_tokens for window in windows)
    assert sum(window.tokens for window in windows) <= 0.21 * total


def test_the_same_session_gives_the_same_windows() -> None:
    """Nothing is drawn at random, and no order of a set leaks into a window."""
    assert windows_of(index_of(scattered(700)), OPTIONS, count) == windows_of(index_of(scattered(700)), OPTIONS, count)


def test_what_is_not_shown_is_named_in_outline() -> None:
    """A turn is shown, has a line of its own, or falls into a run with its numbers: none is missing without a word."""
    index = index_of(scattered(300))
    for window in windows_of(index, OPTIONS, count):
        covered = set(window.turns) | set(window.outlined)
        for line in window.text.split("\n"):
            if line.startswith("#") and " to #" in line:
                first, _, rest = line.partition(" to #")
                covered.update(range(int(first[1:]), int(rest.partition(":")[0]) + 1))
        assert covered == set(range(300))


def test_a_session_without_any_link_is_shown_all_the_same() -> None:
    """Where no value is shared, the turns that matter are shown first: a message, an effect, a failure."""
    calls = [noise(i) for i in range(400)]
    effect = ("send_mail", {"to": "x"}, {"state": "sent"}, {"effect": True})
    failure = ("get_metric", {"series": "disk"}, {"error": "timeout"}, {"ok": False})
    trajectory = session(*calls[:200], effect, *calls[200:300], failure, *calls[300:])
    windows = windows_of(index_of(trajectory), OPTIONS, count)
    assert {200, 301} <= set(windows[0].turns)


def test_leads_name_what_joins_distant_turns() -> None:
    """A window ends with the values that its own turns share, each once with its turns; neighbours alone are no lead."""
    for window in windows_of(index_of(scattered(900)), OPTIONS, count):
        _, _, leads = window.text.partition("values that stand in several turns\n")
        for line in leads.splitlines():
            turns = [int(number) for number in line.partition(": #")[2].split(" #")]
            assert line.startswith("  ")
            assert set(turns) <= set(window.turns)
            assert turns[-1] - turns[0] > 1
    first = windows_of(index_of(scattered(900)), OPTIONS, count)[0].text
    assert "  ORD-44017: #003 #450\n" in first


def test_an_empty_session_has_no_window() -> None:
    """Nothing is sent for nothing."""
    assert windows_of(index_of(session()), OPTIONS, count) == ()
