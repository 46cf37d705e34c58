"""Programs as sentences."""

from __future__ import annotations

import pytest

from trajectory_compiler.dataflow.program import (
    Bridge,
    Call,
    Change,
    Changes,
    Condition,
    Count,
    Difference,
    Distinct,
    Expression,
    Field,
    Get,
    Literal,
    Program,
    StateAt,
    Sum,
    Target,
    Walk,
)
from trajectory_compiler.exports.program_words import program_in_words

PRICE = Field(path="/response/price")
A = Call(
    name="A", tool="get_order", pick="first", where=(Condition(path="/arguments/order_id", op="eq", value=Literal("O-1")),)
)


def words(answer: Expression, *calls: Call, until: Target | None = None) -> dict[str, str]:
    """Return the sentences of a program by the name of their line."""
    program = Program(version=1, family="composition", calls=calls or (A,), answer=answer, until=until)
    return dict(program_in_words(program))


def test_a_chain_reads_as_what_the_agent_did() -> None:
    """Each call says what is sought and how it hangs on the one before, the last line what is asked."""
    second = Call(
        name="B",
        tool="get_customer",
        pick="only",
        where=(
            Condition(
                path="/arguments/customer_id",
                op="eq",
                value=Bridge("A", Field(path="/response/customer_id")),
            ),
        ),
        after="A",
    )
    said = words(Get("B", Field(path="/response/city")), A, second)
    assert said["A"] == "the first time the agent looked up the order `O-1`"
    assert said["B"] == ("the only time the agent looked up the customer, with customer ID = the customer ID of A, after A")
    assert said["answer"] == "the city of B"


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Count("A"), "how many A there are"),
        (Sum("A", PRICE), "the price of every A, added up"),
        (Distinct("A", PRICE), "how many different prices the A have"),
        (Difference(Get("A", PRICE), Get("B", PRICE)), "the price of A minus that of B"),
        (Change(Get("A", PRICE), Get("B", PRICE)), "the price of A -> that of B"),
        (StateAt("A", PRICE, 2), "the second value that the price went through over the A"),
        (Changes("A", PRICE), "how often the price changed from one A to the next"),
    ],
)
def test_every_kind_of_answer_has_its_words(answer: Expression, expected: str) -> None:
    """What is computed from the calls is said in one phrase."""
    assert words(answer)["answer"] == expected


def test_a_walk_says_what_it_follows_and_how_far() -> None:
    """A walk names where it starts, the argument that it follows into, its steps and what it lists."""
    said = words(Walk("A", "/response", "/arguments/ticket_id", 2, Field(path="/arguments/ticket_id")))["answer"]
    assert "values of A" in said
    assert "2 times over" in said


def test_picks_outcomes_and_the_end_of_the_context_are_said() -> None:
    """The k-th of many, the extremum, a failed call and the effect that must be foretold each show."""
    third = Call(name="A", tool="book_flight", pick="nth", k=3, ok=False)
    dearest = Call(name="B", tool="get_order", pick="max", by=PRICE)
    said = words(Get("B", PRICE), third, dearest, until=Target("X", Field(path="/arguments/order_id")))
    assert said["A"].startswith("the third time")
    assert said["A"].endswith("and it failed")
    assert "highest price" in said["B"]
    assert said["end"] == "the context ends before X; its order ID is what must be foretold"
