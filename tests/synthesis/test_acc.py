"""A session's task and final answer become a pair, or a finding of the closed list says why not."""

from __future__ import annotations

from typing import Any

import pytest

from tests.building import session
from tests.synthesis.acc_sessions import ANSWER, TASK, calls, warehouse
from tests.synthesis.sessions import index_of
from trajectory_compiler.errors import OptionError
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.synthesis.acc import MAX_ANSWER, MAX_TASK, REASONS, STAGE, check_fields, compile_acc, said
from trajectory_compiler.synthesis.options import AccOptions

FIRST = AccOptions()
SUBMIT = AccOptions(task="start.question", answer="submit.answer")
SUBMIT_ONLY = AccOptions(task="start.question", answer="submit.answer", only_success=True)


def pair_of(trajectory: Trajectory, options: AccOptions = FIRST) -> Pair:
    """Return the one pair of a session."""
    made = compile_acc(index_of(trajectory), options, "dev")
    assert made.findings == ()
    (pair,) = made.pairs
    return pair


def reason_of(trajectory: Trajectory, options: AccOptions = FIRST) -> str:
    """Return why a session gives no pair."""
    made = compile_acc(index_of(trajectory), options, "dev")
    assert made.pairs == ()
    (finding,) = made.findings
    assert (finding.stage, finding.session_id, finding.detail) == (STAGE, trajectory.session_id, "")
    return finding.reason


def changed(place: int, *call: Any, number: int = 4401) -> Trajectory:
    """Return the session with another turn at a place."""
    own = calls(number)
    own[place] = call
    return session(*own, session_id="s-1")


def submitting(answer: object, **more: Any) -> Trajectory:
    """Return a session whose task and answer are arguments of tools."""
    own = calls(4401)
    own[0] = ("start", {"question": TASK.format(4401)}, {"state": "started"})
    own[5] = ("submit", {"answer": answer}, {"received": True}, more)
    return session(*own)


def test_first_and_last_message_make_a_pair() -> None:
    """Question and answer are the log's own words; state, origin and gates claim nothing; the context ends before it."""
    pair = pair_of(warehouse(4401))
    assert (pair.question, pair.answer) == (TASK.format(4401), ANSWER.format(4401))
    assert (pair.state, pair.origin, pair.qa_type, pair.proof.gates) == ("candidate", "acc", "composition", {})
    assert (pair.supporting_turns, pair.row_ids, pair.hops, pair.width) == ((1, 3), ("r1", "r3"), 2, 1)
    assert (pair.context_end, pair.span_turns, pair.split, pair.program) == (5, 3, "dev", None)
    assert pair.reasoning == "search_orders gives PRT-44017; get_part gives Limehouse-4401, 1936"


def test_arguments_of_tools_make_the_same_pair() -> None:
    """Named tools serve as well as messages: the first call has the task, the last one the answer."""
    pair = pair_of(submitting("Limehouse-4401"), SUBMIT)
    assert (pair.question, pair.answer, pair.answer_type) == (TASK.format(4401), "Limehouse-4401", "identifier")
    assert pair.supporting_turns == (1, 3)
    assert pair_of(submitting(1936), SUBMIT).answer_type == "number"


def test_the_same_session_has_the_same_id() -> None:
    """The id names source, session, question and evidence, so that another run finds the pair again."""
    assert pair_of(warehouse(4401)).id == pair_of(warehouse(4401)).id != pair_of(warehouse(4402)).id


def test_a_first_message_that_is_a_reply_is_no_task() -> None:
    """Where the agent spoke first, the log does not hold the task; all that the user says may be taken instead."""
    own = calls(4401)
    own[0] = ("respond", {"content": "How can I help?"}, TASK.format(4401))
    own[4] = ("respond", {"content": "Shall I look?"}, "Yes, please.")
    trajectory = session(*own)
    assert reason_of(trajectory) == "task_is_a_reply"
    assert pair_of(trajectory, AccOptions(task="messages")).question == f"{TASK.format(4401)}\n- Yes, please."


USELESS: list[tuple[str, Trajectory, AccOptions]] = [
    ("no_task", changed(0, "get_ticket", {"ticket": "T-1"}, {}), FIRST),
    ("no_task", warehouse(4401), AccOptions(task="start.question")),
    ("no_answer", changed(5, "get_ticket", {"ticket": "T-1"}, {}), FIRST),
    ("no_answer", warehouse(4401), AccOptions(answer="submit.answer")),
    ("answer_before_task", session(*reversed(calls(4401))), FIRST),
    ("task_too_long", changed(0, "message", {}, "ORD-4401 " * (MAX_TASK // 8), {"kind": "exchange"}), FIRST),
    ("answer_trivial", changed(5, "message", {"content": "Yes, done. Is there more?"}, None, {"kind": "exchange"}), FIRST),
    ("answer_trivial", submitting(" ... "), SUBMIT),
    ("answer_too_long", submitting("Limehouse-4401 " * (MAX_ANSWER // 10)), SUBMIT),
    ("answer_in_task", submitting("ORD-4401"), SUBMIT),
    ("too_few_pieces", submitting("somewhere in the north"), SUBMIT),
    ("too_few_pieces", submitting("TCK-44011"), SUBMIT),
    (
        "one_piece_suffices",
        warehouse(4401, ("get_report", {"day": "2026-03-02"}, "ORD-4401 waits, Limehouse-4401 has 1936")),
        FIRST,
    ),
    ("failed_session", submitting("Limehouse-4401", ok=False), SUBMIT_ONLY),
    (
        "unknown_outcome",
        session(*((*call[:3], {"ok": None, **(call[3] if len(call) > 3 else {})}) for call in calls(4401))),
        AccOptions(only_success=True),
    ),
]


@pytest.mark.parametrize(("reason", "trajectory", "options"), USELESS)
def test_a_session_without_a_pair_says_why(reason: str, trajectory: Trajectory, options: AccOptions) -> None:
    """Every drop is one finding with a reason of the list and nothing of the log's content."""
    assert reason_of(trajectory, options) == reason


def test_every_reason_is_met() -> None:
    """The list of reasons is closed: each is tried here, and there is no other."""
    assert {reason for reason, _, _ in USELESS} | {"task_is_a_reply"} == set(REASONS)


def test_success_is_asked_for_only_where_wanted() -> None:
    """A failed session gives its pair unless only successful ones are asked for; one that succeeded gives it either way."""
    assert pair_of(submitting("Limehouse-4401", ok=False), SUBMIT)
    assert pair_of(submitting("Limehouse-4401", ok=True), SUBMIT_ONLY)


@pytest.mark.parametrize("options", [AccOptions(task="reward"), AccOptions(answer="first-message"), AccOptions(task="a b.c")])
def test_a_field_that_is_none_is_refused(options: AccOptions) -> None:
    """A column outside the mapping, or a kind of message that the option does not know, is refused with what there is."""
    with pytest.raises(OptionError, match=r"^Cannot read --(task|answer): '.*' is neither .* nor of the form TOOL.ARGUMENT\. "):
        check_fields(options)


def test_tools_with_points_in_their_names_are_fields() -> None:
    """The last point sets tool and argument apart."""
    check_fields(AccOptions(task="agent.tasks.Start.question", answer="agent.tasks.Submit.answer"))


def test_messages_in_blocks_are_read_as_text() -> None:
    """A message may be a text, an object with its text, or a list of blocks; anything else says nothing."""
    blocks = {"content": [{"type": "text", "text": "one "}, {"type": "image", "source": {"data": "x"}}, {"text": "two"}]}
    assert said(blocks) == "one\ntwo"
    assert (said("plain"), said({"other": 5}), said(None), said(17)) == ("plain", "", "", "")
