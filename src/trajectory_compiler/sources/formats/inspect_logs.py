"""Logs of Inspect evaluations: `.eval` (an archive of JSON) and the older single JSON document.

Each sample and epoch is a session, `<task>/<sample>/<epoch>/<uuid>`:

    messages: tool_calls                a call, joined with the `tool` message that answers it; stamp, duration and error come
                                        from its tool event
    messages: user, assistant           `exchange` rows; reasoning blocks are `thinking` rows
    messages of the sample's own input  those of an assistant are a demonstration, no turn: counted
    tool events without a message       calls that the messages do not hold: of another agent (a handed-off or nested one), they
                                        are a session of their own, `<session>/<agent>`; else (a sample that failed) of this one
    attachments                         put back where `attachment://` stands for them
    a sample that a retried evaluation took over   counted: it was read from the first log

Target, scores and the store are not shown to the agent, hence no part of a turn. Messages are in the order that the agent saw:
a stamp earlier than the one before it is taken as that one.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import partial
from pathlib import Path

from trajectory_compiler.model import Json
from trajectory_compiler.sources.documents import UnreadableError, parse
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.messages import parts_of, record_of
from trajectory_compiler.sources.formats.turns import (
    Format,
    LogFile,
    Placed,
    milliseconds_between,
    object_in,
    objects_in,
    text_of,
)
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness
from trajectory_compiler.sources.stamps import instant, utc_stamp
from trajectory_compiler.sources.zip_members import MAGIC, Archive

_HEADER, _START, _SAMPLES = "header.json", "_journal/start.json", "samples/"
_ATTACHMENT = "attachment://"


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether a document is an evaluation's log."""
    if not sample or not isinstance(sample[0].get("samples"), list) or not isinstance(sample[0].get("eval"), dict):
        return None
    if {"task", "model"} <= sample[0]["eval"].keys():
        return "certain", "a document with eval (task, model) and samples"
    return "likely", "a document with eval and samples"


def signs_in_archive(path: Path) -> tuple[Sureness, str] | None:
    """Say whether an archive is an evaluation's log."""
    names = Archive(path).members.keys()
    if _HEADER in names or _START in names:
        return "certain", f"an archive with {_HEADER if _HEADER in names else _START}"
    if any(name.startswith(_SAMPLES) for name in names):
        return "likely", "an archive with samples, its header is missing"
    return None


def is_archive(path: Path) -> bool:
    """Say whether a file begins as a ZIP archive does."""
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the calls, results and messages of all samples."""
    seen: set[int] = set()
    for file in files:
        for place, evaluation, sample in _samples(file, drops):
            mark = hash(sample.get("uuid"))
            if sample.get("uuid") and mark in seen:
                drops.add("repeated_session", place)
                continue
            seen.add(mark)
            yield from _Sample(place, evaluation, sample, drops).records()


def _samples(file: LogFile, drops: Drops) -> Iterator[tuple[str, Record, Record]]:
    if not is_archive(file.path):
        for place, log in file.values(drops):
            for number, sample in enumerate(objects_in(log.get("samples")), 1):
                yield f"{place} sample {number}", object_in(log.get("eval")), sample
        return
    archive = Archive(file.path)
    if not archive.is_whole:
        drops.add("truncated", file.path.name)
    heads = [name for name in (_HEADER, _START) if name in archive.members]
    evaluation: Record = {}
    for _, head in _values(file, archive, heads, drops):
        evaluation = evaluation or object_in(head.get("eval"))
    names = [name for name in archive.members if name.startswith(_SAMPLES) and name.endswith(".json")]
    for place, sample in _values(file, archive, names, drops):
        yield place, evaluation, sample


def _values(file: LogFile, archive: Archive, names: list[str], drops: Drops) -> Iterator[Placed]:
    for name, content in archive.read(names, drops):
        place = f"{file.path.name} {name}"
        try:
            value = parse(content, partial(drops.add, place=place))
        except UnreadableError as error:
            drops.add(error.reason, place)
            continue
        if isinstance(value, dict):
            yield place, value
        else:
            drops.add("not_an_object", place)


class _Sample:
    """One sample of one epoch."""

    def __init__(self, place: str, evaluation: Record, sample: Record, drops: Drops) -> None:
        attachments = sample.get("attachments")
        if isinstance(attachments, dict) and attachments:
            kept = {key: sample.get(key) for key in ("messages", "events")}
            sample |= _resolved(kept, {f"{_ATTACHMENT}{key}": text for key, text in attachments.items()})
        self._place, self._sample, self._drops = place, sample, drops
        unique = sample.get("uuid") or evaluation.get("eval_id") or evaluation.get("run_id") or ""
        names = (evaluation.get("task"), sample.get("id"), sample.get("epoch"), unique)
        self._session = "/".join(str(name) for name in names if name not in (None, ""))
        self._agent = text_of(evaluation.get("model")) or "inspect"
        self._events = list(_all_events(sample.get("events")))
        self._tools = {str(event.get("id")): event for event in self._events if event.get("event") == "tool"}
        self._said = _stamps_of_messages(self._events)
        self._now = _utc(sample.get("started_at"))

    def records(self) -> Iterator[Placed]:
        """Yield the turns of the messages, then the calls that only the events hold."""
        held: set[str] = set()
        messages = self._sample.get("messages")
        for turn, message in enumerate(messages if isinstance(messages, list) else []):
            place = f"{self._place} message {turn}"
            yield from ((place, record) for record in self._message(turn, message, place, held))
        agents = _Agents(self._events)
        own = {agents.around(event) for call, event in self._tools.items() if call in held}
        for number, (call, event) in enumerate(self._tools.items()):
            if call not in held:
                agent = agents.around(event)
                is_own = not own or agent is None or agent in own
                session = self._session if is_own else f"{self._session}/{agents.name(agent)}"
                yield f"{self._place} event {number}", self._from_event(session, event, number)

    def _message(self, turn: int, message: Json, place: str, held: set[str]) -> Iterator[Record]:
        given = object_in(message)
        if given.get("source") == "input" and given.get("role") in ("assistant", "tool"):
            self._drops.add("demonstration", place)
            return
        parts = parts_of(message)
        if not parts:
            self._drops.add("empty_message", place)
        for index, part in enumerate(parts):
            if part.kind == "unknown" or (part.kind == "thinking" and part.said is None):
                self._drops.add("unknown_part" if part.kind == "unknown" else "hidden_reasoning", place)
                continue
            event = self._tools.get(part.call_id, {})
            if part.kind == "call":
                held.add(part.call_id)
                self._pass(_utc(event.get("timestamp")))
            elif part.kind != "result":
                self._pass(self._said.get(str(given.get("id"))))
            shared = {"session_id": self._session, "created_at": self._now, "agent": self._agent}
            record = record_of(part, shared, f"{turn:06d}.{index:02d}")
            if part.kind == "result":
                record["duration"] = _duration(event)
            yield record

    def _pass(self, stamp: str | None) -> None:
        if stamp is not None and (self._now is None or instant(stamp) > instant(self._now)):
            self._now = stamp

    def _from_event(self, session: str, event: Record, number: int) -> Record:
        error = object_in(event.get("error"))
        return {
            "id": f"event-{number:06d}",
            "session_id": session,
            "created_at": _utc(event.get("timestamp")),
            "agent": text_of(event.get("agent")) or self._agent,
            "tool": event.get("function"),
            "arguments": event.get("arguments"),
            "response": error.get("message") or event.get("result"),
            "success": False if error else None,
            "duration": _duration(event),
            "kind": "call",
            "call_id": "",
        }


class _Agents:
    """Which agent an event belongs to, by the spans around it."""

    def __init__(self, events: Sequence[Record]) -> None:
        self._spans = {str(event.get("id")): event for event in events if event.get("event") == "span_begin"}

    def around(self, event: Record) -> str | None:
        """Return the id of the nearest span of an agent, or None."""
        span = event.get("span_id")
        for _ in range(len(self._spans) + 1):
            begun = self._spans.get(str(span))
            if begun is None:
                return None
            if begun.get("type") == "agent":
                return str(span)
            span = begun.get("parent_id")
        return None

    def name(self, span: str | None) -> str:
        """Return what a session of that agent is called."""
        return f"{self._spans[str(span)].get('name')}-{str(span)[:8]}"


def _all_events(events: Json) -> Iterator[Record]:
    """Yield events, and those inside others: the first versions nested what a tool did."""
    for event in objects_in(events):
        yield event
        yield from _all_events(event.get("events"))


def _stamps_of_messages(events: Sequence[Record]) -> dict[str, str]:
    """Return when each message of a model came, by its id."""
    found: dict[str, str] = {}
    for event in events:
        stamp = _utc(event.get("completed") or event.get("timestamp")) if event.get("event") == "model" else None
        for choice in objects_in(object_in(event.get("output")).get("choices")) if stamp else ():
            found.setdefault(str(object_in(choice.get("message")).get("id")), stamp or "")
    return found


def _duration(event: Record) -> float | None:
    working = event.get("working_time")
    if isinstance(working, int | float):
        return round(working * 1000, 3)
    return milliseconds_between(event.get("timestamp"), event.get("completed"))


def _utc(value: Json) -> str | None:
    stamp = utc_stamp(value) if value else None
    return stamp.text if stamp else None


def _resolved(value: Json, attachments: dict[str, Json]) -> Json:
    """Put attachments back."""
    if isinstance(value, str):
        return attachments.get(value, value) if value.startswith(_ATTACHMENT) else value
    if isinstance(value, list):
        return [_resolved(item, attachments) for item in value]
    if isinstance(value, dict):
        return {key: _resolved(item, attachments) for key, item in value.items()}
    return value


FORMAT = Format(name="Inspect logs", source="inspect", signs_in=signs_in, read=read, unit="sample")
