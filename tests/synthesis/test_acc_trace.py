"""Which results a final answer rests on."""

from __future__ import annotations

from tests.building import session
from tests.synthesis.acc_sessions import ANSWER, TASK, calls, warehouse
from tests.synthesis.sessions import index_of
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Trajectory
from trajectory_compiler.synthesis.acc_trace import Asked, Trace, trace

ASKED = Asked(task=TASK.format(4401), answer=ANSWER.format(4401), turn=5)


def traced(trajectory: Trajectory, asked: Asked = ASKED) -> Trace:
    """Trace an answer in a session of a log in which no value recurs."""
    return trace(index_of(trajectory), asked)


def test_the_slice_goes_back_through_arguments() -> None:
    """The answer's values lead to one call, its argument to another; what nothing used is left out."""
    found = traced(warehouse(4401))
    assert (found.turns, found.hops, found.width) == ((1, 3), 2, 1)
    assert set(found.values) == {"Limehouse-4401", "1936"}
    assert [(quote.turn, quote.path, quote.quote) for quote in found.evidence] == [
        (1, "/response/orders/0/part", "PRT-44017"),
        (3, "/response/place", "Limehouse-4401"),
        (3, "/response/left", "1936"),
    ]


def test_results_side_by_side_are_width() -> None:
    """Values of two calls of which neither needs the other: one hop, two wide."""
    found = traced(warehouse(4401), Asked(task="Who?", answer="TCK-44011 went to <PERSON_1>; ORD-4401 needs PRT-44017", turn=5))
    assert (found.hops, found.width) == (1, 2)


def test_what_somebody_named_before_is_no_result() -> None:
    """A value that the task or an earlier message or argument holds does not lead to the call that repeats it."""
    told = Asked(task=f"{ASKED.task} Limehouse-4401?", answer="Limehouse-4401", turn=5)
    assert traced(warehouse(4401), told).turns == ()
    own = calls(4401)
    own[2] = ("respond", {"content": "Where?"}, "Somebody spoke of Limehouse-4401.")
    assert traced(session(*own), Asked(task="Where?", answer="Limehouse-4401", turn=5)).turns == ()


def test_what_comes_after_the_answer_does_not_count() -> None:
    """Only turns before the answer can support it."""
    assert traced(warehouse(4401), Asked(task="Where?", answer="Limehouse-4401", turn=3)).turns == ()


def test_common_values_link_nothing() -> None:
    """A value that half of the log's sessions hold does not say where the answer came from."""
    index = SessionIndex(warehouse(4401), lambda value: 5 if value == "1936" else 1, 10)
    assert trace(index, ASKED).values == ("Limehouse-4401",)


def test_names_inside_long_texts_are_found() -> None:
    """A path or an identifier in the text of a response links as a whole value does, at its place in the text."""
    trajectory = session(
        ("run_shell", {"command": "ls"}, "total 2\n-rw setup.cfg\n-rw src/main_loop.py"),
        ("run_shell", {"command": "grep -n retry src/main_loop.py"}, "17: retry_limit = 4\n18: other"),
        ("message", {"content": "retry_limit"}, None, {"kind": "exchange"}),
    )
    found = traced(trajectory, Asked(task="What limits it?", answer="It is retry_limit.", turn=2))
    assert found.turns == (0, 1)
    assert [quote.span for quote in found.evidence] == [(26, 42), (4, 15)]
