"""OpenTelemetry spans about agents, with what several spans tell told once."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.sources.formats.lines import Line, told, write_lines
from tests.sources.formats.spans import (
    ASKS,
    SAYS,
    TURNS,
    USER,
    attributes,
    chat,
    genai_spans,
    otlp,
    span,
    value,
)
from tests.sources.logs import read
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.model import Row
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.sources.mapped import MappedSource


def rows_of(folder: Path, *spans: Line, **resource: Any) -> tuple[list[Row], dict[str, int]]:
    """Write spans, one document for each, and return their rows and what was counted."""
    path = write_lines(folder / "spans.jsonl", [otlp([each], **resource) for each in spans])
    return read(open_source(str(path), SourceOptions()))


def test_a_conversation_over_two_traces(tmp_path: Path) -> None:
    """Each message, call and result is one turn, whatever repeats it; the conversation's id holds its traces together."""
    source = open_source(str(write_lines(tmp_path / "log", [otlp(genai_spans(), service__name="desk")])), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert (source.told.format, source.told.sure) == ("OpenTelemetry spans", "certain")
    assert told(rows) == TURNS
    assert {row.session_id for row in rows} == {"talk"}
    assert [row.agent for row in rows] == ["clerk"] * 3 + ["desk"] * 2
    assert rows[1].duration_ms == 2000
    assert [row.created_at for row in rows] == sorted(row.created_at or "" for row in rows)
    # b2's input: 3 repeated (one of them answered by the tool's span); b3's: 4
    assert counts == {"wrapper_span": 1, "other_span": 1, "repeated_message": 7}


@pytest.mark.parametrize("layout", ["document", "lines", "pretty", "reversed", "twice"])
def test_layouts(tmp_path: Path, layout: str) -> None:
    """One document or one a line, pretty-printed or not, in any order, exported twice or once: the same turns."""
    spans = genai_spans()
    lines = [otlp([each]) for each in (reversed(spans) if layout == "reversed" else spans)]
    path = tmp_path / "spans.json"
    if layout in ("document", "pretty"):
        path.write_text(json.dumps(otlp(spans), indent=2 if layout == "pretty" else None))
    else:
        write_lines(path, lines * (2 if layout == "twice" else 1))
    rows, counts = read(open_source(str(path), SourceOptions()))
    assert told(rows) == TURNS
    assert counts.get("duplicate_row", 0) == (len(spans) if layout == "twice" else 0)


def test_counts_agree_with_the_spans(tmp_path: Path) -> None:
    """Parts of messages and tools' results: every one is a turn, a result that is part of one, or counted as a repetition."""
    rows, counts = rows_of(tmp_path, *genai_spans())
    in_messages = 1 + 1 + 3 + 1 + 5 + 1
    results_of_tools = 1
    assert in_messages + results_of_tools == len(rows) + results_of_tools + counts["repeated_message"]


def test_the_sessions_of_many_traces(tmp_path: Path) -> None:
    """Interleaved traces without a conversation's id are a session each, in the order in which they began."""
    spans = [
        chat(f"{trace}{number}", "", number * 10 + begins, [USER], [SAYS | {"n": number}], trace=trace)
        for number in range(2)
        for begins, trace in enumerate(("t1", "t2"))
    ]
    rows, _ = rows_of(tmp_path, *spans)
    assert [row.session_id for row in rows] == ["t1"] * 2 + ["t2"] * 2
    source = open_source(str(tmp_path / "spans.jsonl"), SourceOptions())
    assert [len(session.rows) for session in open_sessions(source, SessionOptions(min_turns=1))] == [2, 2]


def test_the_same_answer_to_two_questions(tmp_path: Path) -> None:
    """An answer that is given twice, to questions of their own, was given twice."""
    other = {"role": "user", "parts": [{"type": "text", "content": "And T-2?"}]}
    rows, _ = rows_of(tmp_path, chat("b1", "", 0, [USER], [SAYS]), chat("b2", "", 5, [other], [SAYS]))
    assert [row.arguments.get("content") for row in rows] == [None, "It is north.", None, "It is north."]


def test_a_model_inside_a_model(tmp_path: Path) -> None:
    """Two instrumentations that trace the same call tell it once."""
    rows, counts = rows_of(tmp_path, chat("b1", "", 0, [USER], [SAYS]), chat("b2", "b1", 0, [USER], [SAYS]))
    assert len(rows) == 2
    assert counts == {"repeated_message": 2}


def test_a_compacted_history(tmp_path: Path) -> None:
    """Messages that are repeated behind a summary are not read again; the summary's own text is."""
    summary = {"role": "user", "parts": [{"type": "text", "content": "summary of before"}]}
    rows, _ = rows_of(tmp_path, chat("b1", "", 0, [USER], [SAYS]), chat("b2", "", 5, [summary, USER, SAYS], [ASKS]))
    assert [row.response or row.arguments for row in rows] == [
        "Where is T-1?",
        {"content": "It is north."},
        "summary of before",
        {"ticket": "T-1"},
    ]


def test_openinference(tmp_path: Path) -> None:
    """Flattened messages of OpenInference, a tool's span without a call id, and a failed tool."""
    asked = {"llm__input_messages__0__message__role": "user", "llm__input_messages__0__message__content": "Where is T-1?"}
    calls = "llm__output_messages__0__message__tool_calls__0__tool_call__"
    gave = {
        "llm__output_messages__0__message__role": "assistant",
        f"{calls}function__name": "find",
        f"{calls}function__arguments": '{"ticket": "T-1"}',
    }
    tool = {"openinference__span__kind": "TOOL", "tool__name": "find", "input__value": '{"ticket": "T-1"}'}
    failed = span("c1", "a1", 2, 1, name="find", output__value="Error: no such ticket", **tool)
    failed["status"] = {"code": 2}
    rows, counts = rows_of(
        tmp_path,
        span("a1", "", 0, 9, openinference__span__kind="CHAIN", session__id="s1", input__value="Where is T-1?"),
        span("b1", "a1", 1, 1, openinference__span__kind="LLM", llm__model_name="m", **asked, **gave),
        failed,
        span("d1", "a1", 4, 1, name="look up", openinference__span__kind="RETRIEVER", input__value="T-1", output__value="doc"),
    )
    assert told(rows) == [
        ("message", "exchange", {}, "Where is T-1?"),
        ("find", "tool", {"ticket": "T-1"}, "Error: no such ticket"),
        ("look up", "tool", {"input": "T-1"}, "doc"),
    ]
    assert rows[1].success is False
    assert {row.session_id for row in rows} == {"s1"}
    assert counts == {"wrapper_span": 1}


def test_openllmetry(tmp_path: Path) -> None:
    """Spans of OpenLLMetry, with its own words for kinds and its flattened prompts."""
    rows, _ = rows_of(
        tmp_path,
        span("a1", "", 0, 9, name="desk.workflow", traceloop__span__kind="workflow", gen_ai__system="x"),
        span(
            "b1",
            "a1",
            1,
            1,
            name="openai.chat",
            llm__request__type="chat",
            gen_ai__request__model="m",
            gen_ai__prompt__0__role="user",
            gen_ai__prompt__0__content="Where is T-1?",
            gen_ai__completion__0__role="assistant",
            gen_ai__completion__0__tool_calls__0__id="c1",
            gen_ai__completion__0__tool_calls__0__name="find",
            gen_ai__completion__0__tool_calls__0__arguments='{"ticket": "T-1"}',
        ),
        span(
            "c1",
            "a1",
            3,
            1,
            name="find.tool",
            traceloop__span__kind="tool",
            traceloop__entity__name="find",
            traceloop__entity__input='{"ticket": "T-1"}',
            traceloop__entity__output='{"place": "north"}',
        ),
    )
    assert told(rows) == TURNS[:2]


def test_content_in_log_records(tmp_path: Path) -> None:
    """Messages that were sent as log records of a span are that span's."""
    empty = span("b1", "", 0, 1, name="chat m", gen_ai__operation__name="chat", gen_ai__request__model="m")
    logs = [
        {"traceId": "t1", "spanId": "b1", "eventName": name, "body": value(body)}
        for name, body in (("gen_ai.user.message", {"content": "hi"}), ("gen_ai.choice", {"message": {"content": "ho"}}))
    ]
    document = otlp([empty]) | {"resourceLogs": [{"scopeLogs": [{"logRecords": logs}]}]}
    rows, counts = read(open_source(str(write_lines(tmp_path / "log.json", [document])), SourceOptions()))
    assert [row.response or row.arguments for row in rows] == ["hi", {"content": "ho"}]
    assert counts == {}


def test_what_the_sdk_prints(tmp_path: Path) -> None:
    """Spans that the SDK itself made and printed, one after the other over many lines, are read as OTLP is."""
    trace = pytest.importorskip("opentelemetry.sdk.trace")
    from opentelemetry.sdk.trace.export import ConsoleSpanExporter, SimpleSpanProcessor  # noqa: PLC0415 - an optional part

    path = tmp_path / "console.txt"
    with path.open("w") as out:
        provider = trace.TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(ConsoleSpanExporter(out=out)))
        tracer = provider.get_tracer("desk")
        for given in genai_spans()[:5]:
            plain = {item["key"]: next(iter(item["value"].values())) for item in given["attributes"]}
            with tracer.start_as_current_span(given["name"], attributes=plain | {"session.id": "talk"}):
                pass
    source = open_source(str(path), SourceOptions())
    rows, counts = read(source)
    assert isinstance(source, MappedSource)
    assert source.told.sure == "likely"
    assert told(rows) == TURNS[:3]
    assert counts == {"other_span": 1, "repeated_message": 3, "wrapper_span": 1}


def test_damage_and_silence(tmp_path: Path) -> None:
    """Damaged lines, spans without ids and spans without content are counted; the others are read."""
    nameless = {"name": "x", "attributes": attributes({"gen_ai.operation.name": "chat"})}
    silent = span("s1", "", 9, 1, name="chat m", gen_ai__operation__name="chat", gen_ai__request__model="m")
    lines = [otlp(genai_spans()), '{"resourceSpans": [{"sco', {"x": 1}, otlp([nameless, silent])]
    rows, counts = read(open_source(str(write_lines(tmp_path / "log.jsonl", lines)), SourceOptions()))
    assert told(rows) == TURNS
    assert counts["unreadable_json"] == 1
    assert counts["unknown_part"] == 2
    assert counts["content_not_captured"] == 1
