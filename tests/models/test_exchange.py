"""What goes out and comes in: the schema that every provider takes, and what is made of an answer."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec
import pytest

from tests.models.wire.server import is_closed_object
from trajectory_compiler.models.exchange import Incoming, answer_schema
from trajectory_compiler.models.reading import read_answer


class Quote(msgspec.Struct, frozen=True):
    """A quote of a turn."""

    turn: Annotated[int, msgspec.Meta(ge=0)]
    text: Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class Composed(msgspec.Struct, frozen=True, tag="composed"):
    """One of two forms."""

    quotes: Annotated[list[Quote], msgspec.Meta(min_length=2, max_length=9)]
    title: str | None = None


class Counted(msgspec.Struct, frozen=True, tag="counted"):
    """The other form."""

    kind: Literal["sum", "count"]
    default: float = 0.0


class Pairs(msgspec.Struct, frozen=True):
    """An answer with nested forms."""

    pairs: list[Composed | Counted]


class Tree(msgspec.Struct, frozen=True):
    """A type that contains itself."""

    children: list[Tree] = []


def keywords(schema: object) -> set[str]:
    """Return every keyword that a schema uses; names of fields are none."""
    if isinstance(schema, list):
        return set().union(*map(keywords, schema)) if schema else set()
    if not isinstance(schema, dict):
        return set()
    found = set(schema)
    for key, value in schema.items():
        found |= keywords(list(value.values()) if key == "properties" else value)
    return found


def test_a_schema_is_closed_and_holds_only_what_all_providers_take() -> None:
    """References are inlined; every field is required, also those with defaults; bounds of texts and numbers stay out."""
    schema = answer_schema(Pairs)
    assert is_closed_object(schema)
    assert keywords(schema) <= {
        "type",
        "properties",
        "required",
        "additionalProperties",
        "items",
        "anyOf",
        "enum",
        "description",
        "minItems",
        "maxItems",
    }
    either = schema["properties"]["pairs"]["items"]["anyOf"]
    assert [set(case["properties"]) for case in either] == [{"type", "quotes", "title"}, {"type", "kind", "default"}]


def test_an_answer_type_that_contains_itself_is_refused() -> None:
    """No provider takes a recursive schema: the programmer learns it at the first call."""
    with pytest.raises(TypeError, match="contains itself"):
        answer_schema(Tree)


@pytest.mark.parametrize(
    ("text", "finish", "status", "problem"),
    [
        ('{"turn": 1, "text": "x"}', "stop", "ok", ""),
        ('```json\n{"turn": 1, "text": "x"}\n```', "stop", "ok", ""),
        ('{"turn": 1, "text": ""}', "stop", "invalid", "it does not fit the schema at $.text"),
        ('{"turn": -1, "text": "x"}', "stop", "invalid", "it does not fit the schema at $.turn"),
        ('{"turn": 1}', "stop", "invalid", "it does not fit the schema at $"),
        ('Sure! {"turn": 1, "text": "x"}', "stop", "invalid", "it was no JSON document"),
        ('{"turn": 1, "text": "x"}', "length", "truncated", "it was cut off at the limit of its length"),
        ("", "length", "truncated", "it was cut off before its first word"),
        ("  \n", "stop", "empty", "it was empty"),
        ("", "refused", "refused", "it refused (SAFETY)"),
        ('{"turn": 1, "text": ' + "[" * 100_000, "stop", "invalid", "it does not fit the schema at $.text"),
    ],
)
def test_an_answer_is_the_asked_type_or_a_reason(text: str, finish: str, status: str, problem: str) -> None:
    """Bounds that the schema leaves out are checked here; a fence is taken off; nothing else is mended."""
    incoming = Incoming(text=text, finish=finish, reason="SAFETY")  # type: ignore[arg-type]
    reading = read_answer(incoming, Quote)
    assert (reading.status, reading.problem) == (status, problem)
    assert (reading.answer is not None) == (status == "ok")
