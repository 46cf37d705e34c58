"""The naive evaluator against the specification: conditions, extractors, picks and values, with counter-examples."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.building import session, turn
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
    Extract,
    Field,
    Get,
    Item,
    Literal,
    Pick,
    Program,
    StateAt,
    Sum,
    Target,
    Walk,
)
from trajectory_compiler.verification import Session, context_end, evaluate
from trajectory_compiler.verification.evaluate import View, occurs

VALUE = Field(path="/response/v")


def program(answer: Expression, *calls: Call, **more: Any) -> Program:
    """Return a program of no particular family."""
    return Program(version=1, family="composition", calls=calls, answer=answer, **more)


def reads(*values: Any, **more: Any) -> tuple[Any, ...]:
    """Return a session of calls of one tool, each with a response value."""
    return session(*[("read", {"n": n}, {"v": value}, more) for n, value in enumerate(values)]).turns


def over_all(answer: Expression) -> Program:
    """Return a program over all calls of the tool."""
    return program(answer, Call(name="a", tool="read", pick="all"))


@pytest.mark.parametrize(
    ("wanted", "text", "found"),
    [
        ("1949", "in 1949, they", True),
        ("1949", "5.1949", False),
        ("1949", "1949.5", False),
        ("1949", "it was 1949.", True),
        ("1949", "1,949 and 1949,50", False),
        ("r-12", "see (r-12)", True),
        ("r-12", "see r-123", False),
        ("r-12", "see xr-12", False),
        ("r-12", "see r-12-b", False),
        ("main.py", "/src/main.py:12", True),
        ("main.py", "/src/domain.py", False),
        ("a", "a_b aä", False),
        ("x.5", "x.5.1", False),
        ("x.5", "x.5.", True),
        ("", "", True),
        ("", "ab", False),
    ],
)
def test_a_value_occurs_where_no_character_continues_it(wanted: str, text: str, found: bool) -> None:
    """Letters, digits, underscore and hyphen continue a token; a point or comma does between digits."""
    assert occurs(wanted, text) is found


@pytest.mark.parametrize(
    ("kind", "key", "text", "value"),
    [
        ("line_value", "state", "a: 1\nstate: open \nb: 2", "open"),
        ("line_value", "state", "- state :  half done", "half done"),
        ("line_value", "state", "  * state: x: y", "x: y"),
        ("line_value", "state", "state: a\nstate: b", None),
        ("line_value", "state", "the state: open", None),
        ("line_value", "state", "state:open", None),
        ("line_value", "state", "state: \nopen", None),
        ("line_value", "State", "state: open", None),
        ("line_value", "1st", "1st: open", None),
        ("line_value", "a" * 41, "a" * 41 + ": open", None),
        ("line_value", "zone 2/b", "zone 2/b: mid", "mid"),
        ("quantity", "passed", "12 passed, 3 failed", "12"),
        ("quantity", "passed", "1,204.5  passed", "1204.5"),
        ("quantity", "passed", "v12 passed", None),
        ("quantity", "passed", "-12 passed", None),
        ("quantity", "passed", "3.12 passed, 4 passed", None),
        ("quantity", "passed", "12 passedX", None),
        ("quantity", "passed", "12passed", None),
        ("quantity", "passed", "12 Passed", None),
        ("quantity", "passed", "12,34 passed", None),
        ("quantity", "ok", "12 ok", None),
        ("exit_code", "", "Exit code: 3", "3"),
        ("exit_code", "", "exited with code -1", "-1"),
        ("exit_code", "", "exit status=127", "127"),
        ("exit_code", "", "exit code 1, exit code 2", None),
        ("exit_code", "", "exit code 1 ... EXIT STATUS: 1", "1"),
        ("exit_code", "", "exit code7", None),
        ("exit_code", "", "exit codes 1", None),
        ("error_line", "", "ok\n  ERROR: no such file \nerror: later", "ERROR: no such file"),
        ("error_line", "", "the build failed.", "the build failed."),
        ("error_line", "", "no errors, unfailed", None),
        ("error_line", "", "error " + "x" * 160, None),
        ("error_line", "", "last_error=3", "last_error=3"),
    ],
)
def test_extractor(kind: Any, key: str, text: str, value: str | None) -> None:
    """Each extractor reads what its definition says, and nothing where it says nothing; the span quotes what was read."""
    field = Field(path="/response", extract=Extract(kind=kind, key=key))
    turns = (turn(0, "read", {}, text),)
    outcome = evaluate(program(Get("a", field), Call(name="a", tool=None, pick="only")), turns)
    assert outcome.answer == value
    for _, path, span in outcome.sources:
        assert path == "/response"
        assert span is not None
        assert text[slice(*span)].replace(",", "") == value


@pytest.mark.parametrize(
    ("pick", "more", "picked"),
    [
        ("first", {}, (0,)),
        ("last", {}, (3,)),
        ("nth", {"k": 2}, (1,)),
        ("nth", {"k": 0}, ()),
        ("nth", {"k": 5}, ()),
        ("only", {}, ()),
        ("all", {}, (0, 1, 2, 3)),
        ("max", {"by": VALUE}, (2,)),
        ("min", {"by": VALUE}, (1,)),
        ("max", {}, ()),
        ("max", {"by": Field(path="/tool")}, ()),
    ],
)
def test_pick(pick: Pick, more: dict[str, Any], picked: tuple[int, ...]) -> None:
    """A pick chooses as it says and chooses nothing where it cannot."""
    call = Call(name="a", tool="read", pick=pick, **more)
    assert evaluate(program(Get("a", VALUE), call), reads(5, 2, "9.5", 7)).picked == {"a": picked}


@pytest.mark.parametrize("values", [(5,), (5, 5), (5, "x"), (5, None)])
def test_an_extremum_needs_two_numbers_and_one_greatest(values: tuple[Any, ...]) -> None:
    """One match, a shared extremum or a match without a number leave the extremum undefined."""
    assert evaluate(program(Get("a", VALUE), Call(name="a", tool="read", pick="max", by=VALUE)), reads(*values)).answer is None


@pytest.mark.parametrize(
    ("answer", "values", "text"),
    [
        (Count("a"), (1, 1, None), "3"),
        (Sum("a", VALUE), (0.1, "0.2", 3), "3.3"),
        (Sum("a", VALUE), (10**30, 1), "1" + "0" * 29 + "1"),
        (Sum("a", VALUE), (1, True), None),
        (Sum("a", VALUE), (1, None), None),
        (Distinct("a", VALUE), (5, 5.0, "5", "x"), "2"),
        (Distinct("a", VALUE), (5, None), None),
        (StateAt("a", VALUE, 2), ("x", "x", "y", "y", "x"), "y"),
        (StateAt("a", VALUE, 3), ("x", "x", "y", "y", "x"), "x"),
        (StateAt("a", VALUE, 4), ("x", "x", "y", "y", "x"), None),
        (StateAt("a", VALUE, 0), ("x",), None),
        (Changes("a", VALUE), ("x", "x", "y", "y", "x"), "2"),
        (Changes("a", VALUE), ("x",), "0"),
        (Count("a"), (), None),
        (Get("a", VALUE), ("x",), None),
    ],
)
def test_values_over_calls(answer: Expression, values: tuple[Any, ...], text: str | None) -> None:
    """Counts, sums and states follow their definitions; a list of calls is no single call, not even a list of one."""
    assert evaluate(over_all(answer), reads(*values)).answer == text


@pytest.mark.parametrize(
    ("left", "right", "change", "difference"), [("2.50", 3, "2.50 -> 3", "-0.5"), (3, "3", None, "0"), ("a", 3, "a -> 3", None)]
)
def test_two_calls_against_each_other(left: Any, right: Any, change: str | None, difference: str | None) -> None:
    """A change needs two values, a difference two numbers."""
    sides = Get("l", VALUE), Get("r", VALUE)
    calls = Call(name="l", tool="read", pick="first"), Call(name="r", tool="read", pick="last")
    assert evaluate(program(Change(*sides), *calls), reads(left, right)).answer == change
    assert evaluate(program(Difference(*sides), *calls), reads(left, right)).answer == difference


@pytest.mark.parametrize(
    ("path", "op", "value", "count"),
    [
        ("/arguments/file", "eq", "/src/a.py", 1),
        ("/arguments/file", "eq", "a.py", 0),
        ("/arguments/file", "ends", "a.py", 2),
        ("/arguments/file", "ends", "src/a.py", 1),
        ("/arguments/n", "eq", "5", 2),
        ("/arguments", "has", "5", 2),
        ("/arguments", "has", "file", 0),
        ("", "has", "a.py", 2),
        ("/arguments/list/1", "eq", "y", 1),
        ("/arguments/list/01", "eq", "y", 1),
        ("/arguments/list/-1", "eq", "y", 0),
        ("/arguments/list/²", "eq", "y", 0),
        ("arguments/n", "eq", "5", 0),
        ("/arguments/a~1b", "eq", "z", 1),
        ("/arguments/none", "eq", "None", 0),
        ("/arguments/yes", "eq", "true", 1),
    ],
)
def test_conditions(path: str, op: Any, value: str, count: int) -> None:
    """Conditions compare canonical texts at a pointer; what is no pointer or leads nowhere holds for no call."""
    turns = session(
        ("read", {"file": "/src/a.py", "n": 5, "list": ["x", "y"], "a/b": "z", "none": None, "yes": True}, "x"),
        ("read", {"file": "/lib/a.py", "n": 5.0}, "y"),
        ("respond", {"n": 5, "file": "/src/a.py"}, "z"),
    ).turns
    call = Call(name="a", tool=None, pick="all", where=(Condition(path=path, op=op, value=Literal(value)),))
    assert len(evaluate(program(Count("a"), call), turns).matches["a"]) == count


def test_bridges_and_places_lead_from_call_to_call() -> None:
    """A bridge compares with the value read at an earlier node; `before` and `after` bound the matches; `read` holds all."""
    turns = session(
        ("find", {"q": "a"}, {"id": 7}),
        ("read", {"id": "7"}, {"v": "early"}),
        ("find", {"q": "b"}, {"id": 8}),
        ("read", {"id": 7}, {"v": "late"}),
        ("read", {"id": 8}, {"v": "other"}),
    ).turns
    find = Call(name="f", tool="find", pick="only", where=(Condition(path="/arguments/q", op="eq", value=Literal("a")),))
    mark = Call(name="m", tool="find", pick="last")
    bridge = Condition(path="/arguments/id", op="eq", value=Bridge("f", Field(path="/response/id")))
    read = Call(name="r", tool="read", pick="only", where=(bridge,), after="m")
    outcome = evaluate(program(Get("r", VALUE), find, mark, read), turns)
    assert outcome.answer == "late"
    assert outcome.read == {0, 2, 3}
    assert outcome.sources == ((3, "/response/v", None),)
    assert evaluate(program(Get("r", VALUE), find, mark, read), [t for t in turns if t.index != 0]).answer is None
    assert evaluate(program(Get("r", VALUE), read, find, mark), turns).answer is None


def test_a_walk_follows_values_to_later_calls_only() -> None:
    """Each step goes to later calls; every reached call counts once; fewer than two are no walk."""
    turns = session(
        ("open", {"id": "c"}, {"to": ["a"], "label": "before"}),
        ("open", {"id": "a"}, {"to": ["b", "c"], "label": "start"}),
        ("open", {"id": "b"}, {"to": ["c"], "label": "one"}),
        ("open", {"id": "c"}, {"to": ["a"], "label": "two"}),
        ("open", {"id": "d"}, {"to": [], "label": "apart"}),
    ).turns
    start = Call(name="s", tool="open", pick="only", where=(Condition(path="/arguments/id", op="eq", value=Literal("a")),))

    def walk(steps: int) -> Program:
        answer = Walk(
            start="s", source="/response/to", target="/arguments/id", steps=steps, label=Field(path="/response/label")
        )
        return program(answer, start)

    assert evaluate(walk(1), turns).answer == '["one","two"]'
    assert evaluate(walk(10**9), turns).answer == '["one","two"]'
    assert evaluate(walk(0), turns).answer is None
    assert evaluate(walk(1), turns).read == {1, 2, 3}


def test_the_call_that_ends_the_context_is_found_on_the_whole_session() -> None:
    """`context_end` evaluates that call alone on everything; the program itself leaves it out."""
    turns = reads("x", "y", "z")
    ending = Call(name="x", tool="read", pick="last")
    end = program(Get("a", VALUE), Call(name="a", tool="read", pick="first"), ending, until=Target("x", VALUE))
    assert context_end(end, Session(turns)) == 2
    assert "x" not in evaluate(end, turns[:2]).matches
    everything = msgspec.structs.replace(end, calls=(end.calls[0], msgspec.structs.replace(ending, pick="all")))
    assert context_end(everything, Session(turns)) is None
    assert context_end(msgspec.structs.replace(end, until=None), Session(turns)) is None


@pytest.mark.parametrize(
    "broken",
    [
        program(Get("nobody", VALUE)),
        program(Get("a", VALUE), Call(name="a", tool="read", pick="only", after="a")),
        program(
            Get("a", VALUE), Call(name="a", tool="read", pick="first", before="b"), Call(name="b", tool="read", pick="last")
        ),
        program(Get("a", VALUE), Call(name="a", tool="read", pick="first"), Call(name="a", tool="read", pick="last")),
        program(Get("a", Field(path="v")), Call(name="a", tool="read", pick="first")),
        program(Get("a", Field(path="/response/v/~2/99999999999999999999")), Call(name="a", tool="read", pick="first")),
        program(Sum("a", VALUE), Call(name="a", tool="read", pick="all")),
        program(Get("a", VALUE), Call(name="a", tool="read", pick="nth", k=-(10**30))),
        program(Get("a", VALUE), until=Target("nobody", VALUE)),
    ],
    ids=str,
)
def test_a_malformed_program_is_undefined(broken: Program) -> None:
    """Unknown and forward names, doubled names, bad pointers and endless integers give no answer and no exception."""
    turns = reads({"deep": "x"}, 10**6000, "y")
    assert evaluate(broken, turns).answer is None
    assert context_end(broken, Session(turns)) is None


def test_deep_documents_are_walked() -> None:
    """Ten thousand levels of JSON are read like any others."""
    deep: Any = "bottom"
    for level in range(10_000):
        deep = {"k": deep} if level % 2 else [deep]
    turns = (turn(0, "read", {}, deep),)
    has = Call(name="a", tool="read", pick="only", where=(Condition(path="/response", op="has", value=Literal("bottom")),))
    assert evaluate(program(Get("a", Field(path="/tool")), has), turns).answer == "read"
    assert next(iter(View(turns[0]).leaves("/response")))[1] == "bottom"


@pytest.mark.parametrize(
    ("response", "found"),
    [
        ({"rows": [{"id": "a", "v": 1}, {"id": "b", "v": 2}]}, "2"),
        ({"rows": {"x": {"id": "b", "v": {"w": 3}}, "y": [[{"id": "b ", "v": 4}]]}}, None),
        ({"rows": [{"id": "b", "v": 5}, {"id": "b", "v": 5}]}, None),
        ({"id": "b", "v": 6, "rows": [{"id": "a", "v": 7}]}, None),
        ({"rows": [{"id": {"id": "b", "v": 8}}]}, "8"),
        ({"rows": [["b", 9]]}, None),
        ({"rows": [{"id": "a"}]}, None),
    ],
)
def test_a_record_is_the_one_object_inside_a_response_with_the_value_at_its_key(response: Any, found: str | None) -> None:
    """Not the response itself, not one of two, not a list; its field is read by a pointer from it."""
    turns = session(("read", {"n": 0}, response), ("pick", {"id": "b"}, {})).turns
    chosen = Item(key="id", value=Bridge("p", Field(path="/arguments/id")))
    calls = (Call(name="p", tool="pick", pick="only"), Call(name="a", tool="read", pick="only"))
    named = Item(key="id", value=Literal("b"))
    assert evaluate(program(Get("a", Field(path="/v", item=chosen)), *calls), turns).answer == found
    assert evaluate(program(Get("a", Field(path="/v", item=named)), *calls), turns).answer == found
    assert evaluate(program(Get("a", Field(path="/v", item=chosen)), *calls), turns[:1]).answer is None
