"""Logs that write a call and its result as two rows, or messages among the calls, to one row per turn.

Rows leave in the order in which calls came. A call waits for its result while at most `WAITING_ROWS` later rows, and
`WAITING_BYTES` of their responses, have come, so that memory does not grow with the log; then it leaves without one. A result
may also come a little before its call, as in a file that nobody sorted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator

import msgspec

from trajectory_compiler.model import Json, Row, TurnKind
from trajectory_compiler.sources.columns import Role
from trajectory_compiler.sources.documents import UnreadableError, parse_text
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.kinds import MESSAGE_TOOL, PARTS, Part
from trajectory_compiler.sources.mapping import Mapping, Record
from trajectory_compiler.sources.rows import UNMAPPED, RowBuilder

WAITING_ROWS = 4096
WAITING_BYTES = 64 << 20
Key = tuple[str, str]


def rows_of(records: Iterable[tuple[int | str, Record]], mapping: Mapping, drops: Drops) -> Iterator[Row]:
    """Turn numbered records into rows, joining calls with results where the mapping says that they are apart."""
    builder = RowBuilder(mapping, drops)
    if mapping.joins:
        yield from _Joiner(builder, mapping).rows(records)
        return
    build = builder.build
    for number, record in records:
        row = build(record, number)
        if row is not None:
            yield row


class _Slot:
    """A row on its way out; `key` is set while it waits for its result."""

    __slots__ = ("key", "number", "row", "weight")

    def __init__(self, row: Row, number: int | str, key: Key | None) -> None:
        self.row, self.number, self.key, self.weight = row, number, key, 0


class _Joiner:
    def __init__(self, builder: RowBuilder, mapping: Mapping) -> None:
        self._builder, self._drops = builder, builder.drops

        def column(role: Role) -> str:
            return mapping.columns.get(role, UNMAPPED)

        self._kind, self._call = column("kind"), column("call_id")
        self._tool, self._content = column("tool"), column("content")
        self._response, self._arguments = column("response"), column("arguments")
        self._queue: deque[_Slot] = deque()
        self._weight = 0
        self._waiting: dict[Key, _Slot] = {}
        self._early: dict[Key, tuple[Row, int | str]] = {}

    def rows(self, records: Iterable[tuple[int | str, Record]]) -> Iterator[Row]:
        for number, record in records:
            self._take(record, number)
            yield from self._leaving()
        while self._queue:
            yield self._release()
        for _, number in self._early.values():
            self._drops.add("result_without_call", number)

    def _take(self, record: Record, number: int | str) -> None:
        said = record.pop(self._kind, None)
        call_id = record.pop(self._call, None)
        part = PARTS.get(said.lower()) if isinstance(said, str) else None
        names_tool = bool(record.get(self._tool))
        if part == "system":
            self._drops.add("system_message", number)
        elif part in ("user", "assistant", "thinking") and not names_tool:
            self._take_message(record, number, part)
        elif part == "result" or (part is None and not names_tool and call_id):
            self._take_result(record, number, call_id)
        else:
            stated: TurnKind | None = "exchange" if said == "exchange" else "thinking" if part == "thinking" else None
            self._take_call(record, number, call_id, part, stated)

    def _take_message(self, record: Record, number: int | str, part: Part) -> None:
        text = record.pop(self._content, None)
        if text is None:
            text = record.pop(self._response, None) or record.pop(self._arguments, None)
        if text in (None, "", []):
            self._drops.add("empty_message", number)
            return
        row = self._builder.build(record, number, tool=MESSAGE_TOOL if part != "thinking" else "thinking")
        if row is not None:
            self._queue.append(_Slot(message_row(row, part, text), number, None))

    def _take_call(self, record: Record, number: int | str, call_id: Json, part: Part | None, stated: TurnKind | None) -> None:
        row = self._builder.build(record, number)
        if row is None:
            return
        if stated is not None:
            row = msgspec.structs.replace(row, kind=stated)
        key = (row.session_id, str(call_id)) if call_id not in (None, "") else None
        if key is None:
            self._enqueue(row, number, None)
        elif key in self._early:
            self._enqueue(joined(row, self._early.pop(key)[0]), number, None)
        elif row.response is None:
            self._enqueue(row, number, key)
        elif part is None and key in self._waiting:  # a result that repeats its tool's name
            self._answer(key, row)
        else:
            self._enqueue(row, number, None)

    def _take_result(self, record: Record, number: int | str, call_id: Json) -> None:
        complete = call_id in (None, "") and bool(record.get(self._tool))  # one row holds both
        content = record.pop(self._content, None)
        row = self._builder.build(record, number, tool=None if complete else "result")
        if row is None:
            return
        if row.response is None and content is not None:
            row = msgspec.structs.replace(row, response=self._parsed(content, number))
        key = (row.session_id, str(call_id))
        if complete:
            self._enqueue(row, number, None)
        elif key in self._waiting:
            self._answer(key, row)
        else:
            self._early[key] = (row, number)
            if len(self._early) > WAITING_ROWS:
                self._drops.add("result_without_call", self._early.pop(next(iter(self._early)))[1])

    def _parsed(self, content: Json, number: int | str) -> Json:
        if not isinstance(content, str):
            return content
        try:
            return parse_text(content, lambda reason: self._drops.add(reason, number))
        except UnreadableError:
            return content

    def _enqueue(self, row: Row, number: int | str, key: Key | None) -> None:
        slot = _Slot(row, number, key)
        if key is not None:
            held = self._waiting.get(key)
            if held is not None:
                held.key = None
                self._drops.add("call_without_result", held.number)
            self._waiting[key] = slot
        self._weigh(slot)
        self._queue.append(slot)

    def _answer(self, key: Key, result: Row) -> None:
        slot = self._waiting.pop(key)
        slot.row, slot.key = joined(slot.row, result), None
        self._weigh(slot)

    def _weigh(self, slot: _Slot) -> None:
        response = slot.row.response
        if self._queue and response is not None:  # behind a waiting call: it may stay for a while
            weight = len(response) if isinstance(response, str) else len(msgspec.json.encode(response))
            self._weight += weight - slot.weight
            slot.weight = weight

    def _leaving(self) -> Iterator[Row]:
        queue = self._queue
        while queue and (queue[0].key is None or len(queue) > WAITING_ROWS or self._weight > WAITING_BYTES):
            yield self._release()

    def _release(self) -> Row:
        slot = self._queue.popleft()
        self._weight -= slot.weight
        if slot.key is not None:
            del self._waiting[slot.key]
            self._drops.add("call_without_result", slot.number)
        return slot.row


def joined(call: Row, result: Row) -> Row:
    """Return a call with the response, outcome and figures of its result."""
    return msgspec.structs.replace(
        call,
        response=result.response,
        success=result.success if call.success is None else call.success,
        cost_usd=result.cost_usd if call.cost_usd is None else call.cost_usd,
        duration_ms=result.duration_ms if call.duration_ms is None else call.duration_ms,
        extra=result.extra | call.extra,
    )


def message_row(row: Row, part: Part, text: Json) -> Row:
    """Give a message its place: what the user says is a response, what the agent says or thinks an argument."""
    if part == "user":
        return msgspec.structs.replace(row, arguments={}, response=text, success=None, kind="exchange")
    if part == "thinking":
        return msgspec.structs.replace(row, arguments={"thought": text}, response=None, success=None, kind="thinking")
    return msgspec.structs.replace(row, arguments={"content": text}, response=None, success=None, kind="exchange")
