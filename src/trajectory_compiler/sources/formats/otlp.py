"""OpenTelemetry spans about agents: GenAI conventions, OpenInference and OpenLLMetry, as OTLP JSON or as the SDK prints them.

    {"resourceSpans": [{"resource", "scopeSpans": [{"spans": [...]}]}]}     OTLP: a document, or one a line (file exporter)
    {"resourceLogs": ...}                                                  content that was sent as log records of a span
    {"name", "context": {"trace_id", "span_id"}, "attributes", ...}        what `ReadableSpan.to_json` gives

What a span says is read by `span_rows`; what several spans say, once (`steps`). The session is `gen_ai.conversation.id` or
`session.id` of the span, of a span around it, or of its trace, else the trace. Spans of HTTP, databases and embeddings are
counted.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from trajectory_compiler.model import Json
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.span_rows import Said, SpanRow, concerns_an_agent, row_of, session_of
from trajectory_compiler.sources.formats.step_spool import by_session
from trajectory_compiler.sources.formats.steps import Step, StepKind, turns_of
from trajectory_compiler.sources.formats.turns import Format, LogFile, Placed, object_in, objects_in, text_of
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness
from trajectory_compiler.sources.stamps import utc_stamp

_CALL_ID = ("gen_ai.tool.call.id", "tool_call.id", "tool.call.id", "tool.id")
_VALUES = ("stringValue", "boolValue", "doubleValue", "bytesValue")
_KIND, _TRACELOOP = "openinference.span.kind", "traceloop.span.kind"
_TRACELOOP_KINDS = {"tool": "TOOL", "agent": "AGENT", "workflow": "CHAIN", "task": "CHAIN"}
_ERRORS = (2, "2", "STATUS_CODE_ERROR", "ERROR")


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether objects are OTLP documents, or spans as the SDK prints them."""
    if any(isinstance(record.get(key), list) for record in sample for key in ("resourceSpans", "resourceLogs")):
        return "certain", "OTLP: documents with resourceSpans or resourceLogs"
    printed = [record for record in sample if _is_printed(record)]
    return ("likely", "spans with a context and attributes, as the SDK prints them") if printed else None


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the turns of all sessions, one session after the other."""
    said = _log_records(files)
    for session, steps in by_session(_steps(files, said, drops), drops):
        yield from turns_of(session, steps, drops)


def _is_printed(record: Record) -> bool:
    return {"trace_id", "span_id"} <= object_in(record.get("context")).keys() and isinstance(record.get("attributes"), dict)


def _steps(files: Sequence[LogFile], said: dict[tuple[str, str], list[Said]], drops: Drops) -> Iterator[Step]:
    for file in files:
        for place, record in file.values(drops):
            if _is_printed(record):
                yield _step(_as_otlp(record), object_in(record["attributes"]), _printed_resource(record), said, place)
                continue
            spans = list(_spans(record))
            if not spans and "resourceLogs" not in record and "resourceSpans" not in record:
                drops.add("unknown_part", place)
            for number, (resource, span) in enumerate(spans, 1):
                where = f"{place} span {number}"
                if span.get("traceId") and span.get("spanId"):
                    yield _step(span, _attributes(span), resource, said, where)
                else:
                    drops.add("unknown_part", where)


def _spans(record: Record) -> Iterator[tuple[Record, Record]]:
    for group in objects_in(record.get("resourceSpans")):
        resource = _attributes(object_in(group.get("resource")))
        for scope in objects_in(group.get("scopeSpans") or group.get("instrumentationLibrarySpans")):
            for span in objects_in(scope.get("spans")):
                yield resource, span


def _log_records(files: Sequence[LogFile]) -> dict[tuple[str, str], list[Said]]:
    """Return the log records about models by the span that they were emitted in. Held in memory: few writers use them."""
    found: dict[tuple[str, str], list[Said]] = {}
    for file in files:
        for _, record in file.values(Drops("sources")):
            for group in objects_in(record.get("resourceLogs")):
                for scope in objects_in(group.get("scopeLogs")):
                    for log in objects_in(scope.get("logRecords")):
                        attributes = _attributes(log)
                        name = text_of(log.get("eventName")) or text_of(attributes.get("event.name"))
                        if name.startswith("gen_ai."):
                            key = (str(log.get("traceId")), str(log.get("spanId")))
                            found.setdefault(key, []).append(Said(name, attributes, _value(log.get("body"))))
    return found


def _step(
    span: Record, attributes: dict[str, Any], resource: Record, said: dict[tuple[str, str], list[Said]], place: str
) -> Step:
    trace, identifier = str(span["traceId"]), str(span["spanId"])
    events = [Said(text_of(event.get("name")), _attributes(event)) for event in objects_in(span.get("events"))]
    inside = [*events, *said.get((trace, identifier), ())]
    attributes = _completed(attributes)
    row = row_of(text_of(span.get("name")), attributes, inside)
    kind = _kind(attributes, row)
    return Step(
        trace=trace,
        id=identifier,
        parent=text_of(span.get("parentSpanId")) or None,
        session=session_of(attributes) or session_of(resource),
        kind=kind,
        name=text_of(attributes.get("tool.name")) or row.tool,
        start=_stamp(span.get("startTimeUnixNano")),
        end=_stamp(span.get("endTimeUnixNano")),
        place=place,
        agent=row.agent or (text_of(resource.get("service.name")) if not span.get("parentSpanId") else "") or None,
        arguments=object_in(row.arguments).get("messages") if kind == "model" else row.arguments,
        response=row.response,
        call_id=next((str(attributes[name]) for name in _CALL_ID if attributes.get(name)), ""),
        cost_usd=row.cost_usd,
        failed=True if object_in(span.get("status")).get("code") in _ERRORS else None,
    )


def _completed(attributes: dict[str, Any]) -> dict[str, Any]:
    """Return attributes with what OpenLLMetry, and the first GenAI instrumentations, said in other words."""
    kind = str(attributes.get(_TRACELOOP, "")).lower()
    if kind in _TRACELOOP_KINDS and _KIND not in attributes:
        attributes = attributes | {_KIND: _TRACELOOP_KINDS[kind]}
        if kind == "tool":
            attributes["tool.name"] = attributes.get("traceloop.entity.name")
    elif "gen_ai.operation.name" not in attributes and _KIND not in attributes and "gen_ai.request.model" in attributes:
        attributes = attributes | {"gen_ai.operation.name": attributes.get("llm.request.type") or "chat"}
    return attributes


def _kind(attributes: dict[str, Any], row: SpanRow) -> StepKind:
    if not concerns_an_agent(attributes):
        return "nothing"
    kind = str(attributes.get(_KIND, "")).upper()
    if "embed" in row.tool or kind in ("EMBEDDING", "EVALUATOR"):
        return "nothing"
    if row.tool.startswith("llm."):
        return "model"
    if row.tool.startswith("agent.") or kind in ("AGENT", "CHAIN"):
        return "wrapper"
    if kind == "TOOL" or attributes.get("gen_ai.operation.name") == "execute_tool" or "gen_ai.tool.name" in attributes:
        return "tool"
    return "leaf"


def _attributes(holder: Record) -> dict[str, Any]:
    """Return the attributes of a span, event, log record or resource as a plain object."""
    return {str(item["key"]): _value(item.get("value")) for item in objects_in(holder.get("attributes")) if "key" in item}


def _value(value: Json) -> Json:
    """Return what an OTLP value holds; whole numbers are written as texts."""
    if not isinstance(value, dict):
        return value
    for name in _VALUES:
        if name in value:
            return value[name]
    if "intValue" in value:
        try:
            return int(value["intValue"])
        except (TypeError, ValueError):
            return value["intValue"]
    if "arrayValue" in value:
        return [_value(item) for item in object_in(value["arrayValue"]).get("values") or ()]
    if "kvlistValue" in value:
        items = objects_in(object_in(value["kvlistValue"]).get("values"))
        return {str(item.get("key")): _value(item.get("value")) for item in items}
    return None


def _stamp(value: Json) -> str | None:
    if value in (None, 0, "0", ""):
        return None
    stamp = utc_stamp(value)
    return stamp.text if stamp else None


def _as_otlp(record: Record) -> Record:
    """Return a span as the SDK prints it under OTLP's names; its attributes are plain already."""
    context = record["context"]
    status = object_in(record.get("status")).get("status_code")
    events = [
        {
            "name": event.get("name"),
            "attributes": [{"key": k, "value": v} for k, v in object_in(event.get("attributes")).items()],
        }
        for event in objects_in(record.get("events"))
    ]
    return {
        "traceId": context["trace_id"],
        "spanId": context["span_id"],
        "parentSpanId": record.get("parent_id"),
        "name": record.get("name"),
        "startTimeUnixNano": record.get("start_time"),
        "endTimeUnixNano": record.get("end_time"),
        "status": {"code": status},
        "events": events,
    }


def _printed_resource(record: Record) -> Record:
    return object_in(object_in(record.get("resource")).get("attributes"))


FORMAT = Format(name="OpenTelemetry spans", source="spans", signs_in=signs_in, read=read, unit="span", sorted=True)
