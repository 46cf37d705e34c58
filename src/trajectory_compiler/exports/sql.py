"""A pair's program as one SQL query over the original table: whoever doubts an answer asks their own database.

    WITH session_turns AS (SELECT row_number() OVER (ORDER BY "created_at", "id") - 1 AS n, ... WHERE "session_id" = 's-1'),
    "A" AS (SELECT t.* FROM session_turns t WHERE t.tool = 'get_user' AND t.arguments #>> ARRAY['user'] = 'u-7'),
    ...
    SELECT t.response #>> ARRAY['owner'] AS answer FROM "B" t

Every call node becomes a named sub-query, the answer expression the final SELECT. Not every program is one query: extractors,
`has` (a value anywhere in a response), success and walks are refused with the reason. Names and literals are quoted for the
dialect; the log's own text never becomes syntax.
"""

from __future__ import annotations

import re
from typing import Literal as Choice

import msgspec

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
    Item,
    Literal,
    Program,
    StateAt,
    Sum,
    Walk,
    decode,
)
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.dialects import DIALECTS, Dialect, comment, name, text
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.sources.columns import Role

DialectName = Choice["postgres", "sqlite"]
_PSEUDONYM = re.compile(r"<[A-Z][A-Z_]*_[0-9]+>")
_NEEDED: tuple[Role, ...] = ("session_id", "tool", "arguments", "response")


class Origin(msgspec.Struct, frozen=True, kw_only=True):
    """The original table: its name (or the query that gives the rows) and its columns by role.

    `joins` says that calls and results stand in rows of their own.
    """

    table: str
    columns: dict[Role, str]
    query: str = ""
    joins: bool = False


def sql_of(pair: Pair, trajectory: Trajectory, origin: Origin, dialect: DialectName) -> str:
    """Return the query that gives the pair's answer from the original rows; for an unanswerable pair it gives none.

    A change of a value comes as two columns. Numbers come as the database prints them. Where the answer was redacted, the query
    gives the original value, and says so in a comment.
    Raises: InputError: the program is not one query, or needs text that was redacted.
    """
    _refuse_origin(pair, origin)
    if pair.program is None:
        raise _not_sql(pair, "it was not made by a program")
    program = decode(pair.program)
    _refuse_redacted(pair, program)
    return _Query(pair, trajectory, origin, program, DIALECTS[dialect]).text()


def _not_sql(pair: Pair, seen: str) -> InputError:
    return InputError(f"write pair '{pair.id[:12]}' as SQL", seen, f"Read its program with: trajc show {pair.id[:12]}")


def _refuse_origin(pair: Pair, origin: Origin) -> None:
    if origin.joins:
        raise _not_sql(pair, "calls and results stand in rows of their own, which is not one query")
    missing = next((role for role in _NEEDED if role not in origin.columns), None)
    if missing is not None:
        raise InputError(
            f"write pair '{pair.id[:12]}' as SQL",
            f"no column is known to serve '{missing}'",
            f"Name it with --column {missing}=NAME.",
        )


def _refuse_redacted(pair: Pair, program: Program) -> None:
    literals = [c.value.value for node in program.calls for c in node.where if isinstance(c.value, Literal)]
    hidden = [found for value in (*literals, pair.session_id) for found in _PSEUDONYM.findall(value)]
    if hidden:
        raise _not_sql(pair, f"it names {hidden[0]}, and text that is redacted cannot be matched in the original")


class _Query:
    """One query in the making. Sub-queries call the turn that they look at `t`."""

    def __init__(self, pair: Pair, trajectory: Trajectory, origin: Origin, program: Program, dialect: Dialect) -> None:
        self.pair = pair
        self.trajectory = trajectory
        self.origin = origin
        self.program = program
        self.dialect = dialect
        self.booleans = not {"true", "false"}.isdisjoint(pair.answer.split(" -> "))

    def text(self) -> str:
        """Return the whole query."""
        end = None if self.program.until is None else self.program.until.call
        nodes = sorted(self.program.calls, key=lambda node: node.name != end)  # the end of the context is looked up first
        parts = [self._session(), *(self._call(node, end) for node in nodes)]
        states = self.program.answer
        if isinstance(states, StateAt | Changes):
            parts.append(self._states(states.calls, states.field))
        head = comment(f"pair {self.pair.id}: {self.pair.question}")
        if _PSEUDONYM.search(self.pair.answer):
            head += "\n" + comment("The answer was redacted: this gives the original value.")
        return f"{head}\nWITH {','.join(parts).lstrip()}\n{self._defined(self._answer(self.program.answer))};\n"

    def _defined(self, answer: str) -> str:
        """Drop the row of an unanswerable pair whose program is undefined: SQL knows an empty sum, programs do not."""
        if not self.pair.withheld_turns:
            return answer
        holds = {Change: "c.old <> c.new", Count: "c.answer > 0", Distinct: "c.answer > 0", Changes: "c.answer > 0"}
        return f"SELECT c.* FROM ({answer}) c WHERE {holds.get(type(self.program.answer), 'c.answer IS NOT NULL')}"

    def _session(self) -> str:
        """Give the turns of the session, numbered in the order of the log."""
        columns, quoted = self.origin.columns, self.dialect
        order = [name(column) for role, column in sorted(columns.items()) if role in ("created_at", "id")]  # stamp first
        if not order and self.origin.query:
            raise self._refused("the rows have neither a stamp nor an id to order them by")
        order = order or [quoted.row_order(self._refused)]
        selected = [f"row_number() OVER (ORDER BY {', '.join(order)}) - 1 AS n", f"{name(columns['tool'])} AS tool"]
        selected.append(f"{quoted.document(name(columns['arguments']))} AS arguments")
        selected.append(f"{quoted.document(name(columns['response']))} AS response")
        if self.pair.withheld_turns and "id" in columns:
            selected.append(f"{name(columns['id'])} AS id")
        if self._asks_agent() and "agent" in columns:
            selected.append(f"{name(columns['agent'])} AS agent")
        rows = f"({self.origin.query.strip().rstrip(';')}) AS log" if self.origin.query else quoted.table(self.origin.table)
        session = f"{name(columns['session_id'])} = {text(self.pair.session_id)}"
        listed = ",\n    ".join(selected)
        return f"\nsession_turns AS (\n  SELECT\n    {listed}\n  FROM {rows}\n  WHERE {session}\n)"

    def _asks_agent(self) -> bool:
        return b'"/agent"' in bytes(self.pair.program or b"")

    def _call(self, node: Call, end: str | None) -> str:
        where = [f"t.tool = {text(node.tool)}"] if node.tool is not None else self._any_tool()
        if node.ok is not None:
            raise self._refused("it asks which calls failed, which no single column says")
        where += [self._condition(condition) for condition in node.where]
        where += [f"t.n < (SELECT n FROM {name(node.before)})"] if node.before else []
        where += [f"t.n > (SELECT n FROM {name(node.after)})"] if node.after else []
        where += [f"t.n < (SELECT n FROM {name(end)})"] if end is not None and node.name != end else []
        where += [self._is_shown(turn) for turn in self.pair.withheld_turns]
        joined = "\n    AND ".join(where)
        return f"\n{name(node.name)} AS (\n  SELECT t.* FROM session_turns t\n  WHERE {joined}{self._pick(node)}\n)"

    def _any_tool(self) -> list[str]:
        others = sorted({turn.tool for turn in self.trajectory.turns if turn.kind != "tool"})
        return [f"t.tool NOT IN ({', '.join(map(text, others))})"] if others else ["t.tool IS NOT NULL"]

    def _is_shown(self, turn: int) -> str:
        if "id" in self.origin.columns:
            return f"t.id <> {text(self.trajectory.turns[turn].row_id)}"
        return f"t.n <> {turn}"

    def _pick(self, node: Call) -> str:
        order = "t.n"
        if node.pick in ("max", "min") and node.by is not None:
            order = self._number(node.by)
        if node.pick in ("only", "all"):
            return ""
        direction = " DESC" if node.pick in ("last", "max") else ""
        offset = f" OFFSET {node.k - 1}" if node.pick == "nth" and node.k > 1 else ""
        return f"\n  ORDER BY {order}{direction} LIMIT 1{offset}"

    def _condition(self, condition: Condition) -> str:
        part, steps = self._place(Field(path=condition.path))
        if condition.op == "has":
            raise self._refused("it looks for a value anywhere in a turn")
        if isinstance(condition.value, Bridge):
            sought = f"(SELECT {self._text(condition.value.field)} FROM {name(condition.value.call)} t)"
            if condition.op == "eq":
                return f"{self._text(Field(path=condition.path))} = {sought}"
            raise self._refused("it compares the ends of two paths")
        wanted = condition.value.value
        if part in ("tool", "agent"):
            return f"t.{part} = {text(wanted)}"
        found = self.dialect.scalar(f"t.{part}", steps)
        if condition.op == "ends":
            return f"({found} = {text(wanted)} OR {self.dialect.ends(found, '/' + wanted)})"
        return self.dialect.equals(f"t.{part}", steps, wanted)

    def _place(self, field: Field) -> tuple[str, tuple[str, ...]]:
        """Return the column and the steps inside it."""
        if field.item is not None:
            raise self._refused("it reads an entry of a list")
        if field.extract is not None:
            raise self._refused("it reads a value out of running text")
        part, *steps = (step.replace("~1", "/").replace("~0", "~") for step in field.path.split("/")[1:])
        if part not in ("arguments", "response", "tool", "agent") or (part == "agent" and "agent" not in self.origin.columns):
            raise self._refused(f"it reads the field '{part}', which is no column of its own")
        if self.dialect.cannot_step(steps):
            raise self._refused("a key of the log holds a quotation mark")
        return part, tuple(steps)

    def _value(self, field: Field) -> str:
        part, steps = self._place(field)
        if part in ("tool", "agent"):
            return f"t.{part}"
        return self.dialect.scalar(f"t.{part}", steps, booleans=self.booleans)

    def _text(self, field: Field) -> str:
        return self.dialect.as_text(self._value(field))

    def _number(self, field: Field) -> str:
        part, steps = self._place(field)
        return self.dialect.number(self.dialect.scalar(f"t.{part}", steps))

    def _states(self, calls: str, field: Field) -> str:
        """Give the values of a field over the calls, each beside the one before."""
        value = self._text(field)
        selected = f"t.n, {value} AS value, lag({value}) OVER (ORDER BY t.n) AS previous"
        return f"\nstates AS (\n  SELECT {selected} FROM {name(calls)} t\n)"

    def _answer(self, answer: Expression) -> str:
        match answer:
            case Get(call, Field(item=Item() as item) as field):
                return self._entry(call, field, item)
            case Get(call, field):
                return f"SELECT {self._value(field)} AS answer FROM {name(call)} t"
            case Count(calls):
                return f"SELECT count(*) AS answer FROM {name(calls)}"
            case Sum(calls, field):
                return f"SELECT {self.dialect.rounded(f'sum({self._number(field)})')} AS answer FROM {name(calls)} t"
            case Distinct(calls, field):
                return f"SELECT count(DISTINCT {self._text(field)}) AS answer FROM {name(calls)} t"
            case Difference(left, right):
                sides = [f"(SELECT {self._number(side.field)} FROM {name(side.call)} t)" for side in (left, right)]
                return f"SELECT {self.dialect.rounded(' - '.join(sides))} AS answer"
            case Change(left, right):
                old, new = (f"(SELECT {self._value(side.field)} FROM {name(side.call)} t)" for side in (left, right))
                return f"SELECT {old} AS old, {new} AS new"
            case StateAt(_, _, k):
                offset = f" OFFSET {k - 1}" if k > 1 else ""
                return (
                    f"SELECT value AS answer FROM states WHERE previous IS NULL OR value <> previous ORDER BY n LIMIT 1{offset}"
                )
            case Changes():
                return "SELECT count(*) AS answer FROM states WHERE value <> previous"
            case Walk():
                raise self._refused("it follows values from call to call, which is not one query")

    def _entry(self, call: str, field: Field, item: Item) -> str:
        """Read a field of the one object inside a response that has the wanted value at the item's key."""
        steps = [step.replace("~1", "/").replace("~0", "~") for step in field.path.split("/")[1:]]
        if self.dialect.cannot_step([*steps, item.key]):
            raise self._refused("a key of the log holds a quotation mark")
        if isinstance(item.value, Bridge):
            sought = f"(SELECT {self._text(item.value.field)} FROM {name(item.value.call)} t)"
            found = f"{self.dialect.as_text(self.dialect.scalar('r.value', [item.key]))} = {sought}"
        else:
            found = self.dialect.equals("r.value", [item.key], item.value.value)
        objects, are_inner = self.dialect.objects("t.response")
        value = self.dialect.scalar("r.value", steps, booleans=self.booleans)
        return f"SELECT {value} AS answer FROM {name(call)} t, {objects} WHERE {are_inner} AND {found}"

    def _refused(self, seen: str) -> InputError:
        return _not_sql(self.pair, seen)
