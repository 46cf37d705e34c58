"""Langfuse exports: observations and traces, from the API, the page's download button or the blob storage integration.

    observations                {id, traceId, type, name, startTime, input, output, ...}, a line or an item each
    a trace                     {id, sessionId, ..., observations: [...]}, also under `trace`; a session: {id, traces: [...]}
    traces of the older export  {id, timestamp, name, session_id, input, output}: they name the sessions of their observations
    a page of the API           {data: [...], meta}

Field names come in camel or snake case. A generation is a model that was asked, a TOOL a call, AGENT and CHAIN wrap others, a
SPAN is a call where nothing lies inside it (`steps` says how); embeddings and evaluators are counted. Stamps without a zone are
UTC. An observation that is exported again replaces the first.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trajectory_compiler.model import Json
from trajectory_compiler.sources.columns import plain
from trajectory_compiler.sources.documents import UnreadableError, parse_text
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.step_spool import by_session
from trajectory_compiler.sources.formats.steps import Step, StepKind, turns_of
from trajectory_compiler.sources.formats.turns import Format, LogFile, Placed, object_in, objects_in, text_of
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness
from trajectory_compiler.sources.rows import number_of
from trajectory_compiler.sources.stamps import utc_stamp

_KINDS: dict[str, StepKind] = {
    "GENERATION": "model",
    "TOOL": "tool",
    "AGENT": "wrapper",
    "CHAIN": "wrapper",
    "SPAN": "span",
    "RETRIEVER": "leaf",
    "GUARDRAIL": "leaf",
    "EVENT": "leaf",
    "EMBEDDING": "nothing",
    "EVALUATOR": "nothing",
}
_OBSERVATION = frozenset({"id", "type", "traceid", "starttime"})
_TRACE_ONLY = frozenset({"htmlpath", "projectid", "bookmarked", "userid", "release"})


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether objects are observations, or traces with or without them."""
    opened = [item for record in sample for item, _ in _opened(record, None)]
    if any(_is_observation(item) for item in opened):
        return "certain", "observations with Langfuse's types, a trace id and a start"
    traces = [item for item in opened if _is_trace(item)]
    return ("likely", "traces with a stamp and a project, without observations") if traces else None


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the turns of all sessions, one session after the other."""
    for session, steps in by_session(_steps(files, drops), drops):
        yield from turns_of(session, steps, drops)


def _steps(files: Sequence[LogFile], drops: Drops) -> Iterator[Step]:
    for file in files:
        for place, record in file.values(drops):
            for number, (item, session) in enumerate(_opened(record, None)):
                where = f"{place} item {number}" if number else place
                if _is_observation(item):
                    yield _observation(item, session, where)
                elif _is_trace(item):
                    yield _trace(item, session, where)
                else:
                    drops.add("unknown_part", where)


def _opened(record: Record, session: str | None) -> Iterator[tuple[Record, str | None]]:
    """Yield the traces and observations of a record with plain field names, and the session that is named around them."""
    fields = {plain(key): value for key, value in record.items()}
    if isinstance(fields.get("data"), list):  # a page
        for item in objects_in(fields["data"]):
            yield from _opened(item, session)
    elif isinstance(fields.get("traces"), list):  # a session
        for item in objects_in(fields["traces"]):
            yield from _opened(item, text_of(fields.get("id")) or session)
    elif isinstance(fields.get("trace"), dict):
        inside = {"observations": fields.get("observations")} if "observations" in fields else {}
        yield from _opened(fields["trace"] | inside, session)
    elif isinstance(fields.get("observations"), list):
        session = text_of(fields.get("sessionid")) or session
        observations = objects_in(fields.pop("observations"))
        yield fields, session
        for item in observations:
            named = {plain(key): value for key, value in item.items()}
            yield {"traceid": fields.get("id")} | named, session
    else:
        yield fields, session


def _is_observation(item: Record) -> bool:
    return item.keys() >= _OBSERVATION and item["type"] in _KINDS


def _is_trace(item: Record) -> bool:
    return {"id", "timestamp"} <= item.keys() and not _TRACE_ONLY.isdisjoint(item.keys()) and "type" not in item


def _observation(item: Record, session: str | None, place: str) -> Step:
    trace = str(item["traceid"])
    kind = _KINDS[item["type"]]
    output = _parsed(item.get("output"))
    failed = item.get("level") == "ERROR"
    if failed and output is None and kind != "model":
        output = text_of(item.get("statusmessage")) or None
    arguments = _parsed(item.get("input"))
    if kind == "leaf" and arguments is None and output is None:
        kind = "nothing"
    metadata = object_in(_parsed(item.get("metadata")))
    return Step(
        trace=trace,
        id=str(item["id"]),
        parent=text_of(item.get("parentobservationid")) or trace,
        session=text_of(item.get("sessionid")) or session,
        kind=kind,
        name=text_of(item.get("name")) or str(item["type"]).lower(),
        start=_stamp(item.get("starttime")),
        end=_stamp(item.get("endtime")),
        place=place,
        agent=text_of(item.get("name")) if item["type"] == "AGENT" else None,
        arguments=arguments,
        response=output,
        call_id=text_of(metadata.get("tool_call_id")) or text_of(metadata.get("toolCallId")),
        cost_usd=_cost(item),
        failed=failed or None,
    )


def _trace(item: Record, session: str | None, place: str) -> Step:
    """Return a trace as the step around its observations."""
    return Step(
        trace=str(item.get("id")),
        id=str(item.get("id")),
        parent=None,
        session=text_of(item.get("sessionid")) or session,
        kind="wrapper",
        name=text_of(item.get("name")) or "trace",
        start=_stamp(item.get("timestamp")),
        place=place,
        agent=text_of(item.get("name")) or None,
        arguments=_parsed(item.get("input")),
        response=_parsed(item.get("output")),
    )


def _cost(item: Record) -> float | None:
    details = object_in(_parsed(item.get("costdetails")))
    costs = (item.get("totalcost"), item.get("calculatedtotalcost"), details.get("total"))
    return number_of(next((cost for cost in costs if cost not in (None, "")), None))


def _stamp(value: Json) -> str | None:
    stamp = utc_stamp(value) if value else None
    return stamp.text if stamp else None


def _parsed(value: Json) -> Json:
    """Return what a text holds, if it is JSON: the blob export writes content as text."""
    if not isinstance(value, str):
        return value
    try:
        return parse_text(value, lambda _reason: None)
    except UnreadableError:
        return value


FORMAT = Format(name="Langfuse export", source="langfuse", signs_in=signs_in, read=read, unit="item", sorted=True)
