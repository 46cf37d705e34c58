r"""The question program: the intermediate representation that a dataflow pair is written from and proved by.

A program names some calls of a session and computes a value from them. It is data: typed, versioned, stored as JSON
beside its pair. Two independent evaluators exist: the indexed one of the enumeration and the naive one of the proof
checker; a differential test sets them against each other. This docstring is the specification of both.

**Evaluation.** `eval(p, S)` reads a set S of turns (time order, original indices) as if it were the whole log and gives
an answer (a string) or *undefined*. Only turns of kind `tool` can match.

1. Call nodes are evaluated in the order in which they are listed. A node's *matches* are the turns t of S such that
   - `tool` is None or equals t.tool; `ok` is None or equals t.ok;
   - every condition in `where` holds for t (below);
   - t.index < index of the call named by `before`, and t.index > index of the call named by `after`, where given.
   A node is undefined when a call that it refers to (`before`, `after`, a `Bridge`) is undefined, picked nothing or is
   not a single call, or when a bridge's field is undefined there.
2. `pick` then chooses: `only` the single match (undefined unless there is exactly one), `first`, `last`,
   `nth` (the k-th, 1-based), `max`/`min` (the match with the greatest/least number at `by`; undefined with fewer than
   two matches, where any match lacks the field or it is no number, or where two share the extremum), `all` (the list;
   undefined when empty).
3. The answer expression is evaluated over the chosen calls. Anything undefined inside makes the whole undefined.

**Conditions.** `path` is an RFC 6901 pointer from the turn object. The wanted value w is a literal or a bridge, compared
by `model.canonical`.
   - `eq`: the scalar at `path` has the canonical text w.
   - `ends`: the string at `path` equals w or ends with "/" + w (how people name files).
   - `has`: w *occurs* in the subtree at `path`: some scalar leaf has the canonical text w, or some string leaf contains
     w as a substring that neither the preceding nor the following character continues. A character continues a token if
     it is a letter, a digit (both Unicode, `str.isalnum`), `_` or `-`; where w starts (ends) with a digit, a `.` or `,`
     that has a digit on its far side continues it too (so 1949 does not occur in 5.1949). Dictionary keys are not leaves.

**Fields.** A `Field` without `extract` reads the scalar (string, number, boolean; not null) at its path. With `extract`
it reads the string leaf at the path by one of a closed list:
   - `line_value` (key): lines are split at "\n"; a line matches when, stripped of white space and of one leading "- " or
     "* ", it reads KEY, optional white space, ":", at least one white space character, VALUE, with VALUE non-empty.
     Defined if exactly one line matches with this exact KEY; gives VALUE stripped. KEY consists of letters, digits,
     space, "_", "-", "." and "/", starts with a letter, and has at most 40 characters.
   - `quantity` (key): a number directly before the word `key`: digits, optionally with "," groups
     and one "." fraction, not preceded by a letter, digit, "_", "-", "." or ",", then one or more spaces, then the exact
     word (letters only, three or more, case-sensitive), not followed by a letter, digit, "_" or "-". Defined if there is
     exactly one such place in the string; gives the number without commas.
   - `exit_code`: the number after "exit code", "exit status" or "exited with code" (any case), then optional ":" or "=",
     and one or more spaces (zero or more after ":" or "="); the number is an optional "-" and digits. Defined if all
     such places give one number.
   - `error_line`: the first line that, lower-cased, contains the word "error", "fatal", "panic", "denied" or "failed" (a
     word: not continued by a letter or digit on either side), stripped. Defined if there is one and it has at most 160
     characters.


   A field with an `item` is read inside one *record* of the response: an object under `/response` (not the response itself)
   whose scalar at the dictionary key `item.key` has the canonical text of `item.value`, a literal or a bridge. `path` is then a
   pointer from the record. Undefined unless exactly one object is such a record. It carries no extractor.

**Values.** `get` a field of one call; `count` of the calls; `sum` of a number field over the calls (undefined where one
lacks it); `distinct` number of different canonical values of a field over the calls (every call must have it);
`difference` left minus right (numbers); `change` the text "LEFT -> RIGHT" (undefined where equal); `state` the k-th
(1-based) of the values of a field over the calls in order with consecutive repeats merged; `changes` the length of that
sequence minus one; `walk` see `Walk`. Numbers are JSON numbers or strings that match -?digits[.digits]; arithmetic is
decimal; results print by `model.decimal_text`.

**The end of the context.** With `until` = the name of a call node X, X is first evaluated on all of T; the program is then
evaluated on S cut before X, and `target` names the argument of X that the answer must equal.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal as Choice

import msgspec
from msgspec.structs import replace

from trajectory_compiler.errors import ProgramError
from trajectory_compiler.model import AnswerType, Evidence, Family, short_hash

PROGRAM_VERSION = 1
Pick = Choice["only", "first", "last", "nth", "max", "min", "all"]
Operator = Choice["eq", "ends", "has"]
ExtractKind = Choice["line_value", "quantity", "exit_code", "error_line"]


class Extract(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """How a value is read from a string leaf. `key` is used by `line_value` and `quantity`."""

    kind: ExtractKind
    key: str = ""


class Field(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A place in a turn object: an RFC 6901 pointer and, for text, an extractor; with `item`, a place in one of its records."""

    path: str
    extract: Extract | None = None
    item: Item | None = None


class Literal(msgspec.Struct, frozen=True, tag="literal", tag_field="is"):
    """A value that stands in the question."""

    value: str


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """Which record of a response is meant: the flight whose `flight_number` is the one that was booked."""

    key: str
    value: Literal | Bridge

    @property
    def literal(self) -> str | None:
        """The text that it names, None where it has a bridge."""
        return self.value.value if isinstance(self.value, Literal) else None


class Bridge(msgspec.Struct, frozen=True, tag="bridge", tag_field="is"):
    """A value that a reader must first find: a field of an earlier listed call. It never stands in the question."""

    call: str
    field: Field


class Condition(msgspec.Struct, frozen=True, kw_only=True):
    """One test on a turn; `where` joins them by *and*."""

    path: str
    op: Operator
    value: Literal | Bridge

    @property
    def literal(self) -> str:
        """The text that it names, empty where it has a bridge."""
        return self.value.value if isinstance(self.value, Literal) else ""

    def wanted(self, bridges: Mapping[Bridge, str | None]) -> str | None:
        """Return the text that it asks for, given what was read at the bridges; None where its bridge has no value."""
        return self.value.value if isinstance(self.value, Literal) else bridges.get(self.value)


class Call(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A description of one call (or, with pick `all`, of several) of the session."""

    name: str
    tool: str | None
    pick: Pick
    where: tuple[Condition, ...] = ()
    ok: bool | None = None
    k: int = 0
    by: Field | None = None
    before: str | None = None
    after: str | None = None

    @property
    def bridges(self) -> tuple[Bridge, ...]:
        """The bridges that it is found by."""
        return tuple(condition.value for condition in self.where if isinstance(condition.value, Bridge))


class Get(msgspec.Struct, frozen=True, tag="get", tag_field="op"):
    """A field of one call."""

    call: str
    field: Field


class Count(msgspec.Struct, frozen=True, tag="count", tag_field="op"):
    """How many calls."""

    calls: str


class Sum(msgspec.Struct, frozen=True, tag="sum", tag_field="op"):
    """The sum of a number field."""

    calls: str
    field: Field


class Distinct(msgspec.Struct, frozen=True, tag="distinct", tag_field="op"):
    """How many different values of a field."""

    calls: str
    field: Field


class Difference(msgspec.Struct, frozen=True, tag="difference", tag_field="op"):
    """Left minus right."""

    left: Get
    right: Get


class Change(msgspec.Struct, frozen=True, tag="change", tag_field="op"):
    """Old and new value, as `OLD -> NEW`."""

    left: Get
    right: Get


class StateAt(msgspec.Struct, frozen=True, tag="state", tag_field="op"):
    """The k-th state (1-based) that a field went through."""

    calls: str
    field: Field
    k: int


class Changes(msgspec.Struct, frozen=True, tag="changes", tag_field="op"):
    """How often a field changed from one call to the next."""

    calls: str
    field: Field


class Walk(msgspec.Struct, frozen=True, tag="walk", tag_field="op"):
    """The calls reached from `start` by following values `steps` times, named by `label`.

    One step goes from a call c to every later call d of S whose scalar at `target` has the canonical text of some scalar
    leaf of c under `source`. Reached calls are those of step 1..`steps`, each once. The answer is the JSON array of their
    `label` values, sorted by code point; undefined where one lacks the label or fewer than two are reached.
    """

    start: str
    source: str
    target: str
    steps: int
    label: Field


Expression = Get | Count | Sum | Distinct | Difference | Change | StateAt | Changes | Walk


def settled(field: Field, values: Mapping[Bridge, str | None]) -> Field:
    """Return a field with the value of the bridge that names its record in the bridge's place, where it has both."""
    if field.item is None or isinstance(field.item.value, Literal) or (text := values.get(field.item.value)) is None:
        return field
    return replace(field, item=replace(field.item, value=Literal(text)))


def operands(answer: Expression) -> tuple[tuple[str, Field], ...]:
    """Return the call nodes that an expression reads, each with the field that is read there: to count is to read the tools."""
    if isinstance(answer, Difference | Change):
        return (answer.left.call, answer.left.field), (answer.right.call, answer.right.field)
    if isinstance(answer, Walk):
        return ((answer.start, answer.label),)
    if isinstance(answer, Get):
        return ((answer.call, answer.field),)
    return ((answer.calls, Field(path="/tool") if isinstance(answer, Count) else answer.field),)


class Target(msgspec.Struct, frozen=True):
    """The argument of the effect X that a `next_argument` program must predict."""

    call: str
    field: Field


class Program(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A question as a computation. `calls` are in dependency order; names are unique."""

    version: int
    family: Family
    calls: tuple[Call, ...]
    answer: Expression
    until: Target | None = None

    @property
    def links(self) -> tuple[tuple[Call, Condition | Item, Bridge], ...]:
        """Each place that names a bridge: the call that is found by it, or in which it names the record of the answer."""
        named: list[tuple[Call, Condition | Item]] = [(node, condition) for node in self.calls for condition in node.where]
        for name, field in operands(self.answer):
            named += [(node, field.item) for node in self.calls if node.name == name and field.item is not None]
        return tuple((node, place, place.value) for node, place in named if isinstance(place.value, Bridge))

    def call(self, name: str) -> Call:
        """Return the call node of that name. Raises ProgramError where there is none."""
        for node in self.calls:
            if node.name == name:
                return node
        raise ProgramError(
            "read a question program", f"it names a call '{name}' that it does not describe", "Run `trajc verify`."
        )


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be proved: that this program gives this answer to this question, on this evidence."""

    program: Program
    question: str
    answer: str
    answer_type: AnswerType
    evidence: tuple[Evidence, ...]
    withheld_turns: tuple[int, ...] = ()


def encode(program: Program) -> bytes:
    """Return the canonical JSON of a program: the bytes that its pair id is made from."""
    return msgspec.json.encode(program, order="deterministic")


def decode(data: bytes | msgspec.Raw) -> Program:
    """Read a stored program. Raises ProgramError for anything that is not a program of a known version."""
    try:
        program = msgspec.json.decode(data, type=Program)
    except msgspec.DecodeError as error:
        raise ProgramError("read a question program", str(error), "Run `trajc verify` to list the broken pairs.") from error
    if program.version != PROGRAM_VERSION:
        raise ProgramError(
            "read a question program",
            f"it has version {program.version}, this is {PROGRAM_VERSION}",
            "Upgrade trajectory-compiler.",
        )
    return program


def pair_id(source: str, session_id: str, program: bytes, withheld: tuple[int, ...] = ()) -> str:
    """Return the id of the pair that this program makes from this session: the same on any machine."""
    return short_hash("pair", source, session_id, program.decode(), ",".join(map(str, withheld)))
