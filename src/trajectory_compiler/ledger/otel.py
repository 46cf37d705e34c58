"""OpenTelemetry to ledger: an agent that is instrumented already records itself with two lines (the extra `otel`).

    from trajectory_compiler.ledger.otel import to_ledger
    to_ledger("postgresql://agent@db/ops")

This adds a span processor to the tracer provider that is set, and a log processor to the logger provider where there is one:
some instrumentations send the content of messages as log records. Nothing is exported and nothing else is changed. A span
becomes a row when it ends; its key is made of trace and span id, so it is there once, and its parent's key is known.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Any

from trajectory_compiler.errors import LedgerError, MissingExtraError
from trajectory_compiler.ledger.entry import Fields
from trajectory_compiler.ledger.recorder import Recorder
from trajectory_compiler.sources.formats.span_rows import OTEL, Said, agent_of, concerns_an_agent, row_of, session_of

try:
    from opentelemetry import _logs, trace
    from opentelemetry.sdk._logs import LoggerProvider, LogRecordProcessor
    from opentelemetry.sdk.trace import ReadableSpan, Span, SpanProcessor, TracerProvider
    from opentelemetry.trace import StatusCode
except ImportError:
    raise MissingExtraError("record OpenTelemetry spans", "otel") from None

_REMEMBERED = 10_000  # spans and traces under way; the oldest is forgotten
_CAPTURE = "OTEL_INSTRUMENTATION_GENAI_CAPTURE_MESSAGE_CONTENT=true"


def to_ledger(ledger: str | Recorder) -> Recorder:
    """Send what this process's spans say about agents, models and tools into a ledger; return the recorder.

    Raises: LedgerError: no tracer provider of the SDK is set yet. Else as `Recorder`.
    """
    provider = trace.get_tracer_provider()
    if not isinstance(provider, TracerProvider):
        raise LedgerError(
            "record OpenTelemetry spans", "no tracer provider of the SDK is set", "Call trace.set_tracer_provider first."
        )
    recorder = Recorder(ledger) if isinstance(ledger, str) else ledger
    spans = LedgerSpanProcessor(recorder)
    provider.add_span_processor(spans)
    logger_provider = _logs.get_logger_provider()
    if isinstance(logger_provider, LoggerProvider):
        logger_provider.add_log_record_processor(LedgerLogProcessor(spans))
    return recorder


class _Context:
    """What is known of a span that is under way: its trace's session, the agent around it, what was said inside it."""

    __slots__ = ("agent", "limit", "said", "session")

    def __init__(self, session: str | None, agent: str | None, limit: int | None) -> None:
        self.session, self.agent, self.limit = session, agent, limit
        self.said: list[Said] = []


class LedgerSpanProcessor(SpanProcessor):
    """Records each span about an agent when it ends. Never raises."""

    def __init__(self, recorder: Recorder) -> None:
        self._recorder = recorder
        self._lock = threading.Lock()
        self._spans: OrderedDict[int, _Context] = OrderedDict()
        self._sessions: OrderedDict[int, str] = OrderedDict()

    def on_start(self, span: Span, parent_context: Any = None) -> None:  # noqa: ARG002  # the interface's signature
        """Remember what the spans inside this one inherit: session and agent."""
        context, attributes = span.get_span_context(), span.attributes or {}
        with self._lock:
            around = self._spans.get(span.parent.span_id) if span.parent else None
            session = session_of(attributes) or (around.session if around else None)
            agent = agent_of(attributes) or (around.agent if around else None)
            limits = getattr(span, "_limits", None)
            self._spans[context.span_id] = _Context(session, agent, getattr(limits, "max_span_attribute_length", None))
            if session:
                self._sessions[context.trace_id] = session
            for remembered in (self._spans, self._sessions):
                while len(remembered) > _REMEMBERED:
                    remembered.popitem(last=False)

    def said_inside(self, span_id: int, said: Said) -> None:
        """Keep a log record for the row of the span that it was emitted in."""
        with self._lock:
            context = self._spans.get(span_id)
            if context is not None:
                context.said.append(said)

    def on_end(self, span: ReadableSpan) -> None:
        """Record the span, if it is about an agent."""
        context = span.get_span_context()
        if context is None:
            return
        with self._lock:
            known = self._spans.pop(context.span_id, None) or _Context(None, None, None)
        attributes = span.attributes or {}
        if not concerns_an_agent(attributes):
            return
        events = [Said(event.name, event.attributes or {}) for event in span.events]
        row = row_of(span.name, attributes, [*events, *known.said])
        trace_id = f"{context.trace_id:032x}"
        fields = Fields(
            idempotency_key=f"{trace_id}-{context.span_id:016x}",
            session_id=row.session or known.session or self._sessions.get(context.trace_id) or trace_id,
            agent=row.agent or known.agent or str(span.resource.attributes.get("service.name") or self._recorder.agent),
            status="error" if span.status.status_code is StatusCode.ERROR else "ok",
            extra={**row.rest, OTEL: self._notes(span, row.missing)},
        )
        if span.parent is not None:
            fields["parent_id"] = f"{trace_id}-{span.parent.span_id:016x}"
        if span.start_time is not None and span.end_time is not None:
            fields["called_at"] = span.start_time / 1e9
            fields["duration_ms"] = (span.end_time - span.start_time) / 1e6
        if row.cost_usd is not None:
            fields["cost_usd"] = row.cost_usd
        if fields["status"] == "error":
            fields["error"] = _error_of(span)
        fields["truncated"] = _was_cut(attributes, known.limit)
        self._recorder.write(row.tool, row.arguments, row.response, fields)

    def shutdown(self) -> None:
        """Deliver what was recorded."""
        self._recorder.close()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Wait until what was recorded is acknowledged."""
        return self._recorder.flush(timeout_millis / 1000).unacknowledged == 0

    def _notes(self, span: ReadableSpan, missing: tuple[str, ...]) -> dict[str, Any]:
        notes: dict[str, Any] = {"span": span.name}
        if span.dropped_attributes or span.dropped_events:
            notes["dropped"] = {"attributes": span.dropped_attributes, "events": span.dropped_events}
        if missing:
            notes["not_captured"] = list(missing)
            self._recorder.notices.tell(
                "content",
                f"the instrumentation does not capture content (first seen: {' and '.join(missing)} of span '{span.name}'); "
                f"turn it on, such as with {_CAPTURE}",
            )
        return notes


class LedgerLogProcessor(LogRecordProcessor):
    """Gives the log records that are emitted inside a span to its row."""

    def __init__(self, spans: LedgerSpanProcessor) -> None:
        self._spans = spans

    def on_emit(self, log_record: Any) -> None:
        """Take a record; older versions of the SDK call this `emit`."""
        record = getattr(log_record, "log_record", log_record)
        attributes = record.attributes or {}
        name = getattr(record, "event_name", None) or attributes.get("event.name") or ""
        if str(name).startswith("gen_ai.") and record.span_id:
            self._spans.said_inside(record.span_id, Said(str(name), dict(attributes), record.body))

    emit = on_emit

    def shutdown(self) -> None:
        """Nothing: the span processor ends the recorder."""

    def force_flush(self, timeout_millis: int = 30_000) -> bool:  # noqa: ARG002  # the interface's signature
        """Nothing waits here."""
        return True


def _error_of(span: ReadableSpan) -> str:
    for event in span.events:
        if event.name == "exception" and event.attributes:
            return f"{event.attributes.get('exception.type', 'Error')}: {event.attributes.get('exception.message', '')}"
    return str(span.status.description or (span.attributes or {}).get("error.type") or "error")


def _was_cut(attributes: Any, limit: int | None) -> bool:
    """Say whether the SDK cut a text to its limit: it does so without a word, so a text of exactly that length counts."""
    return limit is not None and any(isinstance(value, str) and len(value) >= limit for value in attributes.values())
