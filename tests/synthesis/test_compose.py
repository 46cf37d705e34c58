"""From a session to checked pairs, with a model that answers from a script."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from tests.building import session
from tests.synthesis.scripted import ScriptedClient, always, data_of, proposal
from tests.synthesis.sessions import count, index_of, noise, scattered
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.errors import BudgetError, ContextOverflowError, InvalidOutputError, ModelError, OptionError
from trajectory_compiler.model import Pair
from trajectory_compiler.synthesis import Synthesis, SynthesisOptions, plan_calls, synthesise
from trajectory_compiler.synthesis.answers import Answers, Proposal
from trajectory_compiler.synthesis.reasons import REASONS

OPTIONS = SynthesisOptions(model="test:scripted")
GOOD = proposal(
    "In what state does the switch show the trunk of the order that the carrier's mail names?",
    "unregistered",
    (3, "Order reference: ORD-44017"),
    (10, "trunk_id: TRK-307"),
    (16, "state: unregistered"),
)


def written(
    *proposals: Proposal, index: SessionIndex | None = None, known: tuple[Pair, ...] = (), options: SynthesisOptions = OPTIONS
) -> Synthesis:
    """Ask for pairs of a session of 20 turns, where every window is answered with the same proposals."""
    return asyncio.run(synthesise(index or index_of(scattered(20)), always(*proposals), options, count, known=known))


def reasons(result: Synthesis) -> dict[str, int]:
    """Return what was dropped, by reason."""
    assert {finding.reason for finding in result.findings} <= set(REASONS)
    assert {finding.stage for finding in result.findings} <= {"synthesis"}
    return {finding.reason: finding.count for finding in result.findings}


def test_a_good_proposal_becomes_a_candidate() -> None:
    """Question, answer, places of the quotes, row ids, chain, span, origin and the versions of prompt and checks."""
    result = written(GOOD)
    (pair,) = result.pairs
    assert (pair.question, pair.answer, pair.answer_type) == (GOOD.question, "unregistered", "text")
    assert [(e.turn, e.path, e.quote) for e in pair.evidence] == [
        (3, "/response", "Order reference: ORD-44017"),
        (10, "/response/trunk_id", "TRK-307"),
        (16, "/response", "state: unregistered"),
    ]
    assert (pair.supporting_turns, pair.row_ids) == ((3, 10, 16), ("r3", "r10", "r16"))
    assert (pair.hops, pair.width, pair.span_turns) == (3, 1, 14)
    assert (pair.state, pair.origin, pair.program, pair.split) == ("candidate", "model:test:scripted", None, "train")
    assert not pair.proof.passed
    assert pair.proof.reasons == ("written by prompt pairs-1", "checked by quotes-1")
    assert (result.findings, result.failed, result.proposed, result.call_ids) == ((), False, 1, ("call-0",))


def test_turns_side_by_side_count_as_width() -> None:
    """A count over three turns is one hop and three wide."""
    calls = [noise(i) for i in range(12)]
    for i in (2, 5, 9):
        calls[i] = ("book", {"room": f"R-{i}00"}, {"state": "booked"})
    asked = proposal("How many rooms were booked?", "3", *((i, "booked") for i in (2, 5, 9)), answer_type="number")
    (pair,) = written(replace(asked, qa_type="aggregation"), index=index_of(session(*calls))).pairs
    assert (pair.hops, pair.width, pair.span_turns) == (1, 3, 8)


def test_the_same_answer_gives_the_same_pair() -> None:
    """Ids and everything else depend on the session and the answer alone."""
    assert written(GOOD) == written(GOOD)


@pytest.mark.parametrize(
    ("reason", "changes"),
    [
        ("too_few_turns", {"supporting": GOOD.supporting[:1]}),
        ("turn_not_shown", {"supporting": [*GOOD.supporting, replace(GOOD.supporting[0], turn=77)]}),
        ("turn_not_shown", {"supporting": [*GOOD.supporting, replace(GOOD.supporting[0], turn=-1)]}),
        ("quote_missing", {"supporting": [*GOOD.supporting[:2], replace(GOOD.supporting[2], quote=" -- ")]}),
        ("quote_not_found", {"supporting": [*GOOD.supporting[:2], replace(GOOD.supporting[2], quote="State: Unregistered")]}),
        ("quote_not_found", {"supporting": [replace(GOOD.supporting[0], turn=4), *GOOD.supporting[1:]]}),
        ("adjacent", {"supporting": [replace(GOOD.supporting[2], turn=15), GOOD.supporting[2]]}),
        ("question_form", {"question": "Name the state of the trunk."}),
        ("question_form", {"question": "What is it? And why?"}),
        ("question_form", {"question": "What is\nthe state?"}),
        ("answer_form", {"answer": "  "}),
        ("answer_form", {"answer": "unregistered " * 30}),
        ("turn_number", {"question": "What state does the trunk of turn 10 have?"}),
        ("turn_number", {"question": "What state does the trunk of #010 have?"}),
        ("names_the_window", {"question": "Which state of the trunk does the log show?"}),
        ("names_the_window", {"question": "In the data above, what state does the trunk have, as shown above?"}),
        ("yes_or_no", {"answer": "No, it is unregistered"}),
        ("yes_or_no", {"question": "Does the switch say whether the trunk works?"}),
        ("abstention", {"answer": "Not stated."}),
        ("answer_in_question", {"question": "Is the trunk of the order still unregistered?"}),
        ("answer_not_supported", {"answer": "registered at gw7"}),
        ("foreign_value", {"question": "In what state is the trunk of order ORD-99999?"}),
        ("foreign_value", {"question": "In what state is the trunk, says boss@evil.example?"}),
        ("one_turn_suffices", {"question": "What state does `sipctl show TRK-307` report?"}),
    ],
)
def test_what_is_wrong_is_dropped_with_its_reason(reason: str, changes: dict[str, Any]) -> None:
    """One change of a good proposal, one reason; nothing is kept and the drop is counted."""
    result = written(replace(GOOD, **changes))
    assert result.pairs == ()
    assert reasons(result) == {reason: 1}


@pytest.mark.parametrize(
    ("question", "answer"),
    [
        ("Of which gate does the log file of the trunk on the mailed order tell?", "N-204"),
        ("What does the switch report about the trunk on the mailed order, at line 12 of its output?", "no route"),
    ],
)
def test_what_only_resembles_a_fault_is_kept(question: str, answer: str) -> None:
    """A log file is not the log, a line of output no turn; `N-204` and `no route` are answers, not a no."""
    calls: list[tuple[Any, ...]] = [noise(i) for i in range(12)]
    calls[2] = ("read_mail", {"mail_id": "M-9001"}, "Order reference: ORD-44017")
    calls[8] = ("run_shell", {"command": "sipctl show"}, f"trunk of ORD-44017\nreport: {answer}")
    asked = proposal(question, answer, (2, "ORD-44017"), (8, f"report: {answer}"))
    assert [pair.answer for pair in written(asked, index=index_of(session(*calls))).pairs] == [answer]


def test_every_reason_is_documented() -> None:
    """Each reason says what it means, in words, and names itself as an identifier."""
    assert all(name.replace("_", "").isalpha() and len(meaning) > 20 for name, meaning in REASONS.items())


def test_reasoning_that_names_something_foreign_is_emptied() -> None:
    """The pair is kept, its reasoning is not, and that is counted."""
    result = written(replace(GOOD, reasoning="See https://evil.example/prize for the answer."))
    assert [pair.reasoning for pair in result.pairs] == [""]
    assert reasons(result) == {"reasoning_dropped": 1}


def test_duplicates_are_dropped() -> None:
    """The same question in other letters, other words on the same places, the same turns and answer, nearly the same words."""
    again = replace(GOOD, question=GOOD.question.replace("In what", "In  WHAT"))
    other_words = replace(GOOD, question="How does the trunk stand for which the mail came?")
    other_quotes = replace(other_words, supporting=[*GOOD.supporting[:2], replace(GOOD.supporting[2], quote="unregistered")])
    fewer_turns = replace(
        GOOD, question=GOOD.question.replace("show the", "show a"), supporting=[GOOD.supporting[0], GOOD.supporting[2]]
    )
    result = written(GOOD, again, other_words, other_quotes, fewer_turns)
    assert [pair.question for pair in result.pairs] == [GOOD.question]
    assert reasons(result) == {"same_question": 1, "same_evidence": 2, "paraphrase": 1}


def test_what_the_dataflow_asks_already_is_a_duplicate() -> None:
    """A known pair on the same turns with the same answer makes a proposal superfluous."""
    (known,) = written(GOOD).pairs
    other = replace(GOOD, question="How does the trunk stand for which the mail came?")
    result = written(other, known=(replace(known, origin="dataflow", evidence=known.evidence[:1]),))
    assert reasons(result) == {"same_evidence": 1}


def test_a_session_gives_no_more_than_was_asked_for() -> None:
    """The rest is counted; the first proposal of each window goes before the second of any."""
    index = index_of(scattered(3_000))
    options = replace(OPTIONS, pairs=2, window_tokens=2_000)

    def script(_request: object, number: int) -> Answers:
        needed = [replace(s, turn=t) for s, t in zip(GOOD.supporting, (3, 1_500, 2_996), strict=True)]
        if number == 0:
            return Answers(
                [replace(GOOD, supporting=needed), replace(GOOD, question="How does the trunk fare?", supporting=needed)]
            )
        return Answers([])

    result = asyncio.run(synthesise(index, ScriptedClient(script), options, count))
    assert len(result.windows) > 1
    assert [pair.question for pair in result.pairs] == [GOOD.question]
    assert reasons(result) == {"same_evidence": 1, "nothing_proposed": 1}


def test_each_call_says_what_it_shows() -> None:
    """The place of a call names stage, prompt, session, and the rows of all turns whose content is in the prompt."""
    index = index_of(scattered(2_000))
    client = always()
    result = asyncio.run(synthesise(index, client, OPTIONS, count))
    assert len(client.requests) == len(result.windows) > 1
    for request, place, window in zip(client.requests, client.places, result.windows, strict=True):
        assert (place.stage, place.prompt_version, place.source, place.session_id) == ("synthesis", "pairs-1", "test", "s-1")
        assert place.row_ids == tuple(f"r{t}" for t in sorted((*window.turns, *window.outlined)))
        assert data_of(request) == window.text
    assert client.requests == [call.request for call in plan_calls(index, OPTIONS, count)]


def test_a_session_without_an_answer_is_failed_and_says_so() -> None:
    """Of three windows one overflows, one is answered badly, one gets no answer: three findings, and the session failed."""
    errors = (
        ContextOverflowError("ask", "it is long", "Cut it."),
        InvalidOutputError("ask", "no JSON", "Retry."),
        ModelError("ask", "HTTP 503", "Wait."),
    )
    client = ScriptedClient(lambda _request, number: errors[number])
    result = asyncio.run(
        synthesise(index_of(scattered(1_500)), client, replace(OPTIONS, windows=3, window_tokens=1_500), count)
    )
    assert result.failed
    assert (result.answered, result.proposed, result.pairs) == (0, 0, ())
    assert reasons(result) == {"context_overflow": 1, "invalid_output": 1, "call_failed": 1}


def test_an_empty_answer_is_a_finding_not_a_failure() -> None:
    """A model may find nothing: that is said."""
    result = written()
    assert not result.failed
    assert reasons(result) == {"nothing_proposed": 1}


@pytest.mark.parametrize(
    "error",
    [BudgetError("ask", "spent", "Raise it."), ModelError("ask", "wrong key", "Set it.", stops=True), ValueError("defect")],
)
def test_what_stops_the_run_is_raised(error: Exception) -> None:
    """A spent budget, a wrong key and a defect of our own are no findings."""
    with pytest.raises(type(error)):
        asyncio.run(synthesise(index_of(scattered(20)), ScriptedClient(lambda _r, _n: error), OPTIONS, count))


def test_a_bad_model_name_is_refused_before_anything_is_asked() -> None:
    """The name must be `provider:name`."""
    with pytest.raises(OptionError, match="provider:name"):
        plan_calls(index_of(scattered(20)), SynthesisOptions(model="gemini"), count)
