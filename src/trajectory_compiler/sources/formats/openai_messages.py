"""Conversations as chat models read them: `{"messages": [...]}`, one a line (fine-tuning files) or one a file.

    assistant: tool_calls, function_call    calls, joined with the `tool` or `function` message that answers them
    user, assistant: content                `exchange` rows
    assistant: reasoning_content            `thinking` rows
    system, developer                       counted: a system message is no turn
    a line that the next one continues      counted: some writers add a line for every step, each with all that came before

A conversation is named by its line's `id`, `conversation_id`, `session_id` ..., else by the line's number; in a folder the
file's name stands before it. There are no stamps in this format; one of the line would be the same for all turns, so the order
of the messages is kept instead.
Weights, tool definitions and the other keys of a line are no turns and are left out.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from trajectory_compiler.model import Json
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.messages import ROLES, Part, parts_of, record_of
from trajectory_compiler.sources.formats.turns import Format, LogFile, Placed, object_in
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness

_IDS = ("id", "conversation_id", "session_id", "thread_id", "trajectory_id", "instance_id", "custom_id", "task_id", "uuid")
_NOT_HERE = frozenset({"tool", "tool_name", "arguments", "trajectory", "history", "steps", "samples"})
_REQUEST = "body"  # of a line of a batch file


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether objects are conversations, or one conversation as a list of messages."""
    lists = [messages for record in sample if (messages := _messages(record))]
    if 2 * len(lists) > len(sample) and not any(_NOT_HERE & record.keys() for record in sample):
        known = [isinstance(each, dict) and each.get("role") in ROLES for messages in lists for each in messages]
        if all(known):
            return "certain" if len(lists) == len(sample) else "likely", "records hold a list of messages with roles"
        return ("likely", "records hold messages, some without a known role") if any(known) else None
    if len(sample) > 1 and all(each.get("role") in ROLES and {"content", "tool_calls"} & each.keys() for each in sample):
        if any("session_id" in each or "conversation_id" in each or "id" in each for each in sample):
            return None  # a table of messages, which the column mapping reads
        return "likely", "the file is one list of messages with roles"
    return None


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the calls, results and messages of all conversations."""
    for file in files:
        prefix = f"{file.name}/" if len(files) > 1 else ""
        held: tuple[str, Record, list[Json]] | None = None
        bare: list[Json] = []
        first = ""
        for place, record in file.values(drops):
            messages = _messages(record)
            if not messages and record.get("role") in ROLES:
                first = first or place
                bare.append(record)
                continue
            if not messages:
                drops.add("unknown_part", place)
                continue
            if held is not None and _continues(held[2], messages) and _id(held[1]) == _id(record):
                drops.add("prefix_of_next", held[0])
            elif held is not None:
                yield from _conversation(_Named(file, prefix), held, drops)
            held = (place, record, messages)
        if held is not None:
            yield from _conversation(_Named(file, prefix), held, drops)
        if bare:
            yield from _conversation(_Named(file, ""), (first, {"id": file.name}, bare), drops)


def _messages(record: Record) -> list[Json]:
    messages = record.get("messages", object_in(record.get(_REQUEST)).get("messages"))
    return messages if isinstance(messages, list) else []


def _id(record: Record) -> str:
    return next((str(record[key]) for key in _IDS if isinstance(record.get(key), str | int) and record.get(key) != ""), "")


def _continues(before: list[Json], after: list[Json]) -> bool:
    return len(before) < len(after) and after[: len(before)] == before


class _Named(NamedTuple):
    """A file, and what stands before the ids of its conversations."""

    file: LogFile
    prefix: str


def _conversation(where: _Named, held: tuple[str, Record, list[Json]], drops: Drops) -> Iterator[Placed]:
    place, record, messages = held
    number = place.rpartition(" ")[2]
    name = where.file.name
    session = where.prefix + _id(record) if _id(record) else f"{name}-{number:0>6}" if where.file.by_line else name
    model = record.get("model") or object_in(record.get(_REQUEST)).get("model")
    shared = {"session_id": session, "agent": model if isinstance(model, str) else "assistant"}
    calls = _Calls()
    for turn, message in enumerate(messages):
        parts = parts_of(message)
        if not parts:
            drops.add("empty_message", f"{place} message {turn}")
        for index, part in enumerate(parts):
            if part.kind == "unknown" or (part.kind == "thinking" and part.said is None):
                drops.add("unknown_part" if part.kind == "unknown" else "hidden_reasoning", f"{place} message {turn}")
                continue
            yield f"{place} message {turn}", record_of(calls.named(part, turn), shared, f"{number:0>6}.{turn:05d}.{index:02d}")


class _Calls:
    """Gives a name to calls that have none: the old form of calls, and of results, has no ids."""

    def __init__(self) -> None:
        self._open: dict[str, deque[str]] = {}

    def named(self, part: Part, turn: int) -> Part:
        """Return a call or result with the id that joins them."""
        if part.kind == "call" and not part.call_id:
            made = f"call-{turn:05d}"
            self._open.setdefault(part.tool, deque()).append(made)
            return Part("call", None, made, part.tool, part.arguments)
        if part.kind == "result" and not part.call_id:
            waiting = self._open.get(part.tool) or next(iter(filter(None, self._open.values())), None)
            return Part("result", part.said, waiting.popleft() if waiting else f"none-{turn:05d}", "", None, part.failed)
        return part


FORMAT = Format(name="OpenAI messages", source="messages", signs_in=signs_in, read=read)
