"""Programs that a model proposes: what is proved is kept, everything else is counted with its reason."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from tests.building import session
from tests.synthesis.scripted import ScriptedClient
from tests.synthesis.sessions import index_of, stamped
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.errors import InvalidOutputError
from trajectory_compiler.model import Json, Pair
from trajectory_compiler.pipeline.session import Prover, split_of
from trajectory_compiler.synthesis import REASONS, SynthesisOptions
from trajectory_compiler.synthesis.catalog import catalog
from trajectory_compiler.synthesis.programs import Find, Follow, Programs, Proposed, ProposedProgram, Tally, Where, propose

OPTIONS = SynthesisOptions(model="test:scripted")
ORDERS = ("ORD-44017", "ORD-55028", "ORD-66039", "ORD-77041", "ORD-88052")
CARRIERS = ("Larkspur Freight", "Quillon Post", "Marram Lines", "Teasel Vans", "Bracken Rail")


@pytest.fixture(scope="module")
def index() -> SessionIndex:
    """Return a session in which each of five mails leads to an order that is looked up five turns later."""
    mails = [("read_mail", {"mail_id": f"M-90{i}"}, {"about": order}) for i, order in enumerate(ORDERS)]
    orders = [
        ("get_order", {"order_id": order}, {"carrier": carrier, "crates": 3 + 4 * i})
        for i, (order, carrier) in enumerate(zip(ORDERS, CARRIERS, strict=True))
    ]
    return index_of(session(*(stamped(number, call) for number, call in enumerate((*mails, *orders)))))


def where(field: str, value: str = "", call: str = "", source: str = "") -> Where:
    """Return a condition: a literal, or what an earlier call has."""
    return Where(field=field, value=value, from_call=call, from_field=source)


def find(name: str, tool: str, *conditions: Where, pick: str = "only") -> Find:
    """Return a call to be found."""
    return msgspec.convert(
        {
            "name": name,
            "tool": tool,
            "pick": pick,
            "where": [msgspec.to_builtins(c) for c in conditions],
            "after": "",
            "before": "",
        },
        Find,
    )


MAIL = find("A", "read_mail", where("/arguments/mail_id", "M-902"))
ORDER = find("B", "get_order", where("/arguments/order_id", call="A", source="/response/about"))
ASKED = "Which carrier took the order that the mail `M-902` was about?"
GOOD = ProposedProgram(question=ASKED, find=[MAIL, ORDER], answer="value", call="B", field="/response/carrier", other="")


def proposed(index: SessionIndex, *programs: ProposedProgram, known: tuple[Pair, ...] = ()) -> Proposed:
    """Propose programs as a model would, and prove them as the pipeline does."""
    client = ScriptedClient(lambda _request, _number: Programs([], [], list(programs)))
    prover = Prover(index, split_of("s-1", CompileOptions()))
    return asyncio.run(propose(index, client, OPTIONS, prover.prove, known))


def test_a_program_that_holds_is_proved(index: SessionIndex) -> None:
    """Two hops over five turns: the pair has every gate, the model's name, and the answer that the session gives."""
    made = proposed(index, GOOD)
    (pair,) = made.pairs
    assert (pair.answer, pair.state, pair.origin, pair.supporting_turns) == (
        "Marram Lines",
        "proved",
        "program:test:scripted",
        (2, 7),
    )
    assert pair.proof.passed
    assert pair.program is not None
    assert decode(pair.program).family == pair.qa_type == "composition"


def test_own_words_stand_only_where_they_say_the_same(index: SessionIndex) -> None:
    """A wording that loses the anchor, adds a value or holds the answer falls back to the template; the program stands."""
    for question in ("Which carrier was it?", f"{ASKED[:-1]} and not ORD-55028?", "Was it Marram Lines that took the order?"):
        made = proposed(index, msgspec.structs.replace(GOOD, question=question))
        assert made.reworded == 0
        assert made.pairs[0].question != question
        assert "`M-902`" in made.pairs[0].question


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"find": [MAIL, find("B", "no_such_tool")]}, "program_malformed"),
        ({"call": "C"}, "program_malformed"),
        ({"field": "carrier"}, "program_malformed"),
        ({"answer": "difference"}, "program_malformed"),
        ({"field": "/response/nothing"}, "program_undefined"),
        ({"find": [find("A", "read_mail"), ORDER]}, "program_undefined"),
        ({"find": [MAIL, find("B", "get_order", where("/arguments/order_id", "ORD-66039"))]}, "program_malformed"),
        ({"answer": "count", "find": [find("B", "get_order", pick="all")], "field": ""}, None),
        ({"answer": "sum", "find": [find("B", "get_order", pick="all")], "field": "/response/crates"}, None),
    ],
)
def test_each_fall_has_its_reason(index: SessionIndex, changes: dict[str, Json], reason: str | None) -> None:
    """What is no program, has no answer, or is not proved is counted; nothing is kept that the checker does not prove."""
    made = proposed(index, msgspec.structs.replace(GOOD, **changes))
    assert {finding.reason for finding in made.findings} <= set(REASONS)
    if reason is not None:
        assert [finding.reason for finding in made.findings] == [reason]
        assert made.pairs == ()
    assert all(pair.proof.passed for pair in made.pairs)
    assert len(made.pairs) + sum(finding.count for finding in made.findings) == 1


def test_short_forms_are_written_out(index: SessionIndex) -> None:
    """A flow with its start is the program of the long form; a sum over neighbours falls; an unknown flow is malformed."""
    follow = Follow(1, "/arguments/mail_id", "M-902", "/response/carrier", ASKED)
    tally = Tally("get_order", "", "", "sum", "/response/crates", "How many crates were there in all?")
    client = ScriptedClient(lambda _request, _number: Programs([follow, msgspec.structs.replace(follow, flow=9)], [tally], []))
    made = asyncio.run(propose(index, client, OPTIONS, Prover(index, "train").prove))
    assert made.pairs[0].id == proposed(index, GOOD).pairs[0].id
    assert [pair.answer for pair in made.pairs] == ["Marram Lines"]
    assert [finding.reason for finding in made.findings] == ["program_malformed", "program_weak"]


def test_a_known_program_is_not_made_again(index: SessionIndex) -> None:
    """Neither twice in one answer nor beside the same program of the enumeration."""
    made = proposed(index, GOOD, GOOD)
    assert [(finding.reason, finding.count) for finding in made.findings] == [("program_known", 1)]
    again = proposed(index, GOOD, known=made.pairs)
    assert (again.pairs, [finding.reason for finding in again.findings]) == ((), ["program_known"])


def test_a_model_that_fails_is_said_to_fail(index: SessionIndex) -> None:
    """No answer is a failure, an empty answer is a finding; neither is silence."""
    client = ScriptedClient(lambda _request, _number: InvalidOutputError("ask", "nothing came", "Ask again."))
    failed = asyncio.run(propose(index, client, OPTIONS, lambda _candidate, _question: None))
    assert (failed.failed, [finding.reason for finding in failed.findings]) == (True, ["invalid_output"])
    assert [finding.reason for finding in proposed(index).findings] == ["nothing_proposed"]


def test_the_catalog_shows_what_flows(index: SessionIndex) -> None:
    """Tools with their fields, some of their values, and the fields between which values flow over a gap."""
    shown = catalog(index)
    assert "get_order: 5 calls (turns 5 to 9)" in shown
    assert "flow 1: read_mail /response/about -> get_order /arguments/order_id (5 times, 5 to 5 turns later)" in shown
    assert "`ORD-44017`, `ORD-55028`, `ORD-66039`, ... 5 different" in shown
