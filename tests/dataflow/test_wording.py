"""Names of tools and fields as English."""

from __future__ import annotations

import pytest

from trajectory_compiler.dataflow.program import Call, Condition, Field, Literal
from trajectory_compiler.dataflow.wording.lexicon import article, plural, words_of
from trajectory_compiler.dataflow.wording.phrases import act, noun


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("/response/total_baggages", "total number of baggages"),
        ("/response/file/numLines", "number of lines returned"),
        ("/response/flights/1/price", "price of the second flight"),
        ("/response/0/prices/basic_economy", "basic economy price of the first result"),
        ("/response/reservations/2", "third reservation"),
        ("/arguments/vpcId", "VPC ID"),
        ("/response/address/city", "address city"),
        ("/response/user/name", "user name"),
        ("/response", "result"),
        ("/tool", "tool"),
    ],
)
def test_a_field_is_worded_as_a_noun(path: str, expected: str) -> None:
    """A field reads as a person would name it, with what it belongs to where its own name is too general."""
    assert noun(Field(path=path)) == expected


@pytest.mark.parametrize(
    ("tool", "where", "past"),
    [
        (
            "get_reservation_details",
            {"reservation_id": "OI5L9G"},
            "looked up the reservation details for reservation `OI5L9G`",
        ),
        ("ec2.CreateRouteTable", {"vpcId": "vpc-1"}, "created a route table with VPC `vpc-1`"),
        ("lambda.GetFunction20150331v2", {}, "looked up a function"),
        ("Read", {"file_path": "setup.go"}, "read the file `setup.go`"),
        ("Grep", {"pattern": "func main"}, "searched the code for `func main`"),
        ("Bash", {"description": "Run the tests"}, "ran a shell command described as `Run the tests`"),
        ("frobnicate", {}, "called `frobnicate`"),
    ],
)
def test_a_call_is_worded_by_what_it_did(tool: str, where: dict[str, str], past: str) -> None:
    """A call reads as something that the agent did, told apart by the arguments named."""
    conditions = tuple(Condition(path=f"/arguments/{key}", op="eq", value=Literal(value)) for key, value in where.items())
    assert act(Call(name="A", tool=tool, pick="only", where=conditions)).past == past


def test_small_grammar() -> None:
    """Articles, plurals and word splitting follow English in the cases that logs hold."""
    assert [article(w) for w in ("route table", "NAT gateway", "MFA device", "invoice", "user", "details")] == [
        "a route table", "a NAT gateway", "an MFA device", "an invoice", "a user", "details",
    ]  # fmt: skip
    assert [plural(w) for w in ("city", "box", "file path", "status")] == ["cities", "boxes", "file paths", "status"]
    assert words_of("mcp__tickets__getTicketByID") == ["get", "ticket", "by", "id"]
