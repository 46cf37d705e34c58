"""Spans of a small conversation, as instrumentations write them."""

from __future__ import annotations

import json
from typing import Any

from tests.sources.formats.lines import Line

START = 1_772_355_600_000_000_000  # 2026-03-01T09:00:00Z
USER = {"role": "user", "parts": [{"type": "text", "content": "Where is T-1?"}]}
ASKS = {"role": "assistant", "parts": [{"type": "tool_call", "id": "c1", "name": "find", "arguments": {"ticket": "T-1"}}]}
FOUND = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c1", "response": {"place": "north"}}]}
SAYS = {"role": "assistant", "parts": [{"type": "text", "content": "It is north."}], "finish_reason": "stop"}
THANKS = {"role": "user", "parts": [{"type": "text", "content": "Thanks"}]}
BYE = {"role": "assistant", "parts": [{"type": "text", "content": "Bye"}]}
TURNS = [
    ("message", "exchange", {}, "Where is T-1?"),
    ("find", "tool", {"ticket": "T-1"}, {"place": "north"}),
    ("message", "exchange", {"content": "It is north."}, None),
    ("message", "exchange", {}, "Thanks"),
    ("message", "exchange", {"content": "Bye"}, None),
]


def value(plain: Any) -> Line:
    """Return a plain value as OTLP writes it."""
    if isinstance(plain, bool):
        return {"boolValue": plain}
    if isinstance(plain, int):
        return {"intValue": str(plain)}
    if isinstance(plain, float):
        return {"doubleValue": plain}
    if isinstance(plain, list):
        return {"arrayValue": {"values": [value(item) for item in plain]}}
    if isinstance(plain, dict):
        return {"kvlistValue": {"values": attributes(plain)}}
    return {"stringValue": plain}


def attributes(plain: Line) -> list[Line]:
    """Return plain attributes as OTLP writes them."""
    return [{"key": key, "value": value(item)} for key, item in plain.items()]


def span(identifier: str, parent: str, begins: int, lasts: int, **plain: Any) -> Line:
    """Return a span; times are in seconds, `name` and `trace` stand apart, two underscores in a name are a dot."""
    trace, name = plain.pop("trace", "t1"), plain.pop("name", "span")
    named = {key.replace("__", "."): item for key, item in plain.items()}
    return {
        "traceId": trace,
        "spanId": identifier,
        "parentSpanId": parent,
        "name": name,
        "startTimeUnixNano": str(START + begins * 10**9),
        "endTimeUnixNano": str(START + (begins + lasts) * 10**9),
        "attributes": attributes(named),
        "status": {},
    }


def chat(identifier: str, parent: str, begins: int, given: list[Line], gave: list[Line], **more: Any) -> Line:
    """Return the span of a model that was asked, by the present GenAI conventions."""
    return span(
        identifier,
        parent,
        begins,
        1,
        name="chat m",
        gen_ai__operation__name="chat",
        gen_ai__request__model="m",
        gen_ai__input__messages=json.dumps(given),
        gen_ai__output__messages=json.dumps(gave),
        **more,
    )


def genai_spans() -> list[Line]:
    """Return two traces of one conversation, in the order in which spans end."""
    return [
        chat("b1", "a1", 1, [USER], [ASKS]),
        span("h1", "b1", 1, 1, name="POST", http__request__method="POST"),
        span(
            "c1",
            "a1",
            3,
            2,
            name="execute_tool find",
            gen_ai__operation__name="execute_tool",
            gen_ai__tool__name="find",
            gen_ai__tool__call__id="c1",
            gen_ai__tool__call__arguments='{"ticket": "T-1"}',
            gen_ai__tool__call__result='{"place": "north"}',
        ),
        chat("b2", "a1", 6, [USER, ASKS, FOUND], [SAYS]),
        span(
            "a1",
            "",
            0,
            8,
            name="invoke_agent clerk",
            gen_ai__operation__name="invoke_agent",
            gen_ai__agent__name="clerk",
            gen_ai__conversation__id="talk",
            gen_ai__output__messages=json.dumps([SAYS]),
        ),
        chat("b3", "", 20, [USER, ASKS, FOUND, SAYS, THANKS], [BYE], trace="t2", gen_ai__conversation__id="talk"),
    ]


def otlp(spans: list[Line], **resource: Any) -> Line:
    """Return an OTLP document."""
    named = {key.replace("__", "."): item for key, item in resource.items()}
    scopes = [{"scope": {"name": "x"}, "spans": spans}]
    return {"resourceSpans": [{"resource": {"attributes": attributes(named)}, "scopeSpans": scopes}]}
