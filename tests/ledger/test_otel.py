"""Spans of every convention into a real ledger, by two lines."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.ledger.written import Written, sqlite_written
from trajectory_compiler.errors import LedgerError, MissingExtraError
from trajectory_compiler.sources.formats.span_rows import OTEL

sdk = pytest.importorskip("opentelemetry.sdk.trace", reason="the extra 'otel' is not installed")
from opentelemetry import _logs, trace  # noqa: E402
from opentelemetry.sdk._logs import LoggerProvider  # noqa: E402
from opentelemetry.sdk.trace import SpanLimits, TracerProvider  # noqa: E402

from trajectory_compiler.ledger.otel import to_ledger  # noqa: E402

Attributes = dict[str, Any]


class Instrumented:
    """An agent whose spans go to a ledger."""

    def __init__(self, written: Written, monkeypatch: pytest.MonkeyPatch, **limits: int) -> None:
        self.written = written
        self.providers = (TracerProvider(span_limits=SpanLimits(**limits)), LoggerProvider())
        monkeypatch.setattr(trace, "get_tracer_provider", lambda: self.providers[0])
        monkeypatch.setattr(_logs, "get_logger_provider", lambda: self.providers[1])
        self.recorder = to_ledger(written.recorder())
        self.tracer = self.providers[0].get_tracer("test")
        self.logger = self.providers[1].get_logger("test")

    def rows(self) -> list[dict[str, Any]]:
        """Shut the provider down, which delivers, and return the rows."""
        self.providers[0].shutdown()
        return self.written.rows()


@pytest.fixture
def instrumented(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Instrumented]:
    """Return an instrumented agent."""
    agent = Instrumented(sqlite_written(tmp_path), monkeypatch)
    yield agent
    agent.recorder.close()


def test_genai_conventions(instrumented: Instrumented) -> None:
    """A run with a model call and a tool call gives three rows of one session with content, parents, agent and times."""
    tracer = instrumented.tracer
    run: Attributes = {"gen_ai.operation.name": "invoke_agent", "gen_ai.agent.name": "desk", "gen_ai.conversation.id": "c-1"}
    messages = json.dumps([{"role": "user", "parts": [{"type": "text", "content": "refund?"}]}])
    with tracer.start_as_current_span("invoke_agent desk", attributes=run), tracer.start_as_current_span("GET /health"):
        chat: Attributes = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m-1", "gen_ai.usage.input_tokens": 12}
        with tracer.start_as_current_span("chat m-1", attributes={**chat, "gen_ai.input.messages": messages}) as span:
            span.set_attribute("gen_ai.output.messages", json.dumps([{"role": "assistant", "parts": []}]))
        tool = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "find_order"}
        with tracer.start_as_current_span("execute_tool find_order", attributes=tool) as span:
            span.set_attribute("gen_ai.tool.call.arguments", '{"order": "O-1"}')
            span.set_attribute("gen_ai.tool.call.result", '{"state": "sent"}')
    chat_row, tool_row, run_row = instrumented.rows()
    assert [row["tool"] for row in (chat_row, tool_row, run_row)] == ["llm.chat", "find_order", "agent.invoke_agent"]
    assert {row["session_id"] for row in (chat_row, tool_row, run_row)} == {"c-1"}
    assert {row["agent"] for row in (chat_row, tool_row, run_row)} == {"desk"}
    assert tool_row["arguments"] == {"order": "O-1"}
    assert tool_row["response"] == {"state": "sent"}
    assert chat_row["arguments"] == {"model": "m-1", "messages": json.loads(messages)}
    assert chat_row["response"] == [{"role": "assistant", "parts": []}]
    assert chat_row["extra"]["gen_ai.usage.input_tokens"] == 12
    assert tool_row["parent_id"] == chat_row["parent_id"] != run_row["idempotency_key"]  # the HTTP span between them
    assert tool_row["status"] == "ok"
    assert tool_row["duration_ms"] >= 0
    assert tool_row["called_at"] >= run_row["called_at"]


def test_openinference(instrumented: Instrumented) -> None:
    """Flattened messages and documents are put together again; session, cost and values are found."""
    tracer = instrumented.tracer
    model: Attributes = {
        "openinference.span.kind": "LLM",
        "session.id": "s-9",
        "llm.model_name": "m-2",
        "llm.cost.total": 0.002,
        "llm.input_messages.0.message.role": "system",
        "llm.input_messages.0.message.content": "be brief",
        "llm.input_messages.1.message.role": "user",
        "llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments": '{"q": 1}',
    }
    retriever = {
        "openinference.span.kind": "RETRIEVER",
        "input.value": "refund",
        "retrieval.documents.0.document.content": "a",
        "retrieval.documents.1.document.content": "b",
    }
    tool = {"openinference.span.kind": "TOOL", "tool.name": "find", "input.value": '{"q": 1}', "output.value": "none"}
    with tracer.start_as_current_span("llm", attributes=model):
        tracer.start_span("search", attributes=retriever).end()
        tracer.start_span("find", attributes=tool).end()
    search, find, llm = instrumented.rows()
    assert {row["session_id"] for row in (search, find, llm)} == {"s-9"}
    assert search["response"] == [{"document": {"content": "a"}}, {"document": {"content": "b"}}]
    assert (find["tool"], find["arguments"], find["response"]) == ("find", {"q": 1}, "none")
    assert llm["cost_usd"] == 0.002
    assert llm["arguments"]["messages"] == [
        {"message": {"role": "system", "content": "be brief"}},
        {"message": {"role": "user"}},
    ]
    assert llm["response"][0]["message"]["tool_calls"][0]["tool_call"]["function"]["arguments"] == {"q": 1}


def test_content_from_span_events_and_log_records(instrumented: Instrumented) -> None:
    """Messages that came as events of the span, or as log records inside it, stand in its row."""
    tracer = instrumented.tracer
    chat = {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m"}
    with tracer.start_as_current_span("chat m", attributes=chat) as span:
        span.add_event("gen_ai.content.prompt", {"gen_ai.prompt": '[{"role": "user", "content": "hi"}]'})
        span.add_event("gen_ai.content.completion", {"gen_ai.completion": '[{"role": "assistant", "content": "ho"}]'})
    with tracer.start_as_current_span("chat m", attributes=chat):
        instrumented.logger.emit(_logs.LogRecord(event_name="gen_ai.user.message", body={"content": "first"}))
        choice: dict[str, Any] = {"index": 0, "message": {"content": "second"}}
        instrumented.logger.emit(_logs.LogRecord(event_name="gen_ai.choice", body=choice))
    first, second = instrumented.rows()
    assert first["arguments"]["messages"] == [{"role": "user", "content": "hi"}]
    assert first["response"] == [{"role": "assistant", "content": "ho"}]
    assert second["arguments"]["messages"] == [{"role": "user", "content": "first"}]
    assert second["response"] == [{"role": "choice", "index": 0, "message": {"content": "second"}}]
    assert "not_captured" not in second["extra"][OTEL]


def test_missing_content_is_said(instrumented: Instrumented, caplog: pytest.LogCaptureFixture) -> None:
    """Where content was not captured, every such row says so, and a warning says once how to turn it on."""
    for _ in range(3):
        instrumented.tracer.start_span("chat", attributes={"gen_ai.operation.name": "chat"}).end()
        instrumented.tracer.start_span("execute_tool t", attributes={"gen_ai.operation.name": "execute_tool"}).end()
    rows = instrumented.rows()
    assert [row["extra"][OTEL]["not_captured"] for row in rows] == [["arguments", "response"]] * 6
    warnings = [record.getMessage() for record in caplog.records if "does not capture content" in record.getMessage()]
    assert len(warnings) == 1
    assert "CAPTURE_MESSAGE_CONTENT" in warnings[0]


def test_errors(instrumented: Instrumented) -> None:
    """A span that ended in an exception gives a row with its text."""
    attributes = {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.name": "pay"}
    with pytest.raises(ValueError, match="no money"), instrumented.tracer.start_as_current_span("pay", attributes=attributes):
        raise ValueError("no money")
    (row,) = instrumented.rows()
    assert (row["status"], row["error"]) == ("error", "ValueError: no money")


def test_other_spans_give_no_row(instrumented: Instrumented) -> None:
    """Spans that are not about agents, models or tools are left alone."""
    instrumented.tracer.start_span("GET /", attributes={"http.method": "GET"}).end()
    assert instrumented.rows() == []


def test_the_sdk_cuts_without_a_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the SDK cut an attribute to its limit, the row's column says so."""
    agent = Instrumented(sqlite_written(tmp_path), monkeypatch, max_span_attribute_length=20)
    for length in (10, 50):
        attributes = {"openinference.span.kind": "TOOL", "input.value": "x" * length, "output.value": "y"}
        agent.tracer.start_span("t", attributes=attributes).end()
    assert [bool(row["truncated"]) for row in agent.rows()] == [False, True]


def test_without_a_provider(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where no provider of the SDK is set, one sentence says so: nothing would ever be recorded."""
    monkeypatch.setattr(trace, "get_tracer_provider", trace.NoOpTracerProvider)
    with pytest.raises(LedgerError, match="no tracer provider of the SDK is set"):
        to_ledger("ledger.db")


def test_without_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without OpenTelemetry the sentence names the extra."""
    import importlib  # noqa: PLC0415  # only here
    import sys  # noqa: PLC0415

    monkeypatch.delitem(sys.modules, "trajectory_compiler.ledger.otel")
    monkeypatch.setitem(sys.modules, "opentelemetry", None)
    with pytest.raises(MissingExtraError, match=r"trajectory-compiler\[otel\]"):
        importlib.import_module("trajectory_compiler.ledger.otel")
