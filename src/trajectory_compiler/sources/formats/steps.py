"""What tracing systems record: steps that lie inside each other, each with all that went in and came out.

A trace tells most things several times: a model's input repeats the whole conversation so far, an agent's span repeats what
the spans inside it tell, and a tool's result stands in the tool's own span and in the model's next input. Read as they are,
such rows would support every answer twice. `turns_of` takes each thing once:

    model     the messages that were not read before: by their place in the conversation, then by their text
    tool      the result of the call that a model asked for (by call id, else by tool and arguments), else a turn of its own
    leaf      a turn of its own (a retriever, a guardrail, an event)
    span      a turn of its own, unless another step lies inside it: it may be a function that was traced
    wrapper   an agent or a chain: a turn only where the session has no other step
"""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from trajectory_compiler.model import Json
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.messages import Part, messages_in, parts_of, record_of
from trajectory_compiler.sources.formats.turns import Placed, milliseconds_between
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.stamps import instant

StepKind = Literal["model", "tool", "leaf", "span", "wrapper", "nothing"]
_encode = msgspec.json.Encoder(order="deterministic").encode


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One step of a trace. `arguments` and `response` of a model are what went in and came out, in any dialect of messages."""

    trace: str
    id: str
    parent: str | None
    session: str | None
    kind: StepKind
    name: str
    start: str | None
    place: str
    end: str | None = None
    agent: str | None = None
    arguments: Json = None
    response: Json = None
    call_id: str = ""
    cost_usd: float | None = None
    failed: bool | None = None


def turns_of(session: str, steps: Sequence[Step], drops: Drops) -> Iterator[Placed]:
    """Yield the turns of one session as records; `steps` come in the order in which they began."""
    conversation = _Conversation(session, steps, drops)
    for step in steps:
        for record in conversation.records(step):
            yield step.place, record


class _Conversation:
    """One session, step by step: what was said so far, which calls wait for their results."""

    def __init__(self, session: str, steps: Sequence[Step], drops: Drops) -> None:
        self._session, self._drops = session, drops
        self._steps = {step.id: step for step in steps}
        told = [step for step in steps if step.kind in ("model", "tool", "leaf")]
        self._has_told = bool(told)
        self._parents = {step.parent for step in steps if step.kind in ("model", "tool", "leaf", "span")}
        self._starts = sorted(instant(step.start) for step in told if step.start)
        self._paths: set[int] = set()
        self._seen: Counter[int] = Counter()
        self._open: dict[str, int] = {}
        self._tools: dict[str, str] = {}
        self._answered: set[str] = set()
        self._done: Counter[int] = Counter()

    def records(self, step: Step) -> Iterator[Record]:
        if step.kind == "nothing":
            self._drops.add("other_span", step.place)
        elif step.kind == "model":
            yield from self._model(step)
        elif self._is_told_inside(step):
            self._drops.add("wrapper_span", step.place)
        elif step.arguments is None and step.response is None:
            self._drops.add("content_not_captured", step.place)
        else:
            yield from self._tool(step)

    def _is_told_inside(self, step: Step) -> bool:
        if step.kind == "wrapper":
            return self._has_told
        if step.kind != "span":
            return False
        if step.id in self._parents or not (step.start and step.end):
            return step.id in self._parents
        place = bisect_left(self._starts, instant(step.start))
        return place < len(self._starts) and self._starts[place] < instant(step.end)

    def _model(self, step: Step) -> Iterator[Record]:
        said = [(part, False) for message in messages_in(step.arguments, "user") for part in parts_of(message)]
        said += [(part, True) for message in messages_in(step.response, "assistant") for part in parts_of(message)]
        if not said:
            self._drops.add("content_not_captured", step.place)
        path, here, cost = 0, Counter[int](), step.cost_usd
        for number, (part, is_output) in enumerate(said):
            mark = _mark(part)
            if part.kind == "system":
                self._count_system(mark, step)
                continue
            path = hash((path, mark))
            here[mark] += 1
            is_new = path not in self._paths and (is_output or here[mark] > self._seen[mark])
            self._paths.add(path)
            record = self._part(step, part, f"{step.id}.{number:04d}", is_output) if is_new else None
            if record is None:
                self._drops.add("repeated_message", step.place)
                continue
            if is_output:
                record["cost"], cost = cost, None
            yield record
        for mark, count in here.items():
            self._seen[mark] = max(self._seen[mark], count)

    def _count_system(self, mark: int, step: Step) -> None:
        if not self._seen[mark]:
            self._drops.add("system_message", step.place)
        self._seen[mark] = 1

    def _part(self, step: Step, part: Part, identifier: str, is_output: bool) -> Record | None:  # noqa: FBT001
        shared = self._shared(step, step.end if is_output else step.start)
        if part.kind == "unknown" or (part.kind == "thinking" and part.said is None):
            self._drops.add("unknown_part" if part.kind == "unknown" else "hidden_reasoning", step.place)
            return None
        if part.kind == "call":
            call_id = part.call_id or identifier
            key = _call_key(part.tool, part.arguments)
            if call_id in self._tools:
                return None
            self._tools[call_id] = part.tool
            if self._done[key]:  # its own span came first
                self._done[key] -= 1
                self._answered.add(call_id)
                return None
            self._open[call_id] = key
            return record_of(msgspec.structs.replace(part, call_id=call_id), shared, identifier)
        if part.kind == "result":
            call_id = part.call_id or self._call_of_message(part.tool) or identifier
            if call_id in self._answered:
                return None
            self._answer(call_id)
            return record_of(msgspec.structs.replace(part, call_id=call_id), shared, identifier)
        return record_of(part, shared, identifier)

    def _tool(self, step: Step) -> Iterator[Record]:
        arguments = step.arguments if isinstance(step.arguments, dict) else _input(step.arguments)
        key = _call_key(step.name, arguments)
        call_id = step.call_id if step.call_id in self._tools else self._call_of_span(step.name, key)
        shared = self._shared(step, step.start)
        outcome = {
            "response": step.response,
            "success": None if step.failed is None else not step.failed,
            "duration": milliseconds_between(step.start, step.end),
            "cost": step.cost_usd,
        }
        if call_id and call_id in self._answered:
            self._drops.add("repeated_message", step.place)
        elif call_id:
            self._answer(call_id)
            yield shared | outcome | {"id": step.id, "kind": "result", "call_id": call_id}
        else:
            self._done[key] += step.kind == "tool"
            yield shared | outcome | {"id": step.id, "kind": "call", "call_id": "", "tool": step.name, "arguments": arguments}

    def _call_of_message(self, tool: str) -> str:
        """Return the call that a message's result without an id answers: the first of its tool, else the first of all."""
        named = (call for call in self._open if self._tools[call] == tool)
        return next(named, next(iter(self._open), ""))

    def _call_of_span(self, tool: str, key: int) -> str:
        """Return the call that a tool's span carries out: of the same arguments, else the only one of the tool."""
        same = next((call for call, waits in self._open.items() if waits == key), "")
        named = [call for call in self._open if self._tools[call] == tool]
        return same or (named[0] if len(named) == 1 else "")

    def _answer(self, call_id: str) -> None:
        self._answered.add(call_id)
        self._open.pop(call_id, None)

    def _shared(self, step: Step, stamp: str | None) -> Record:
        around: Step | None = step
        agent = None
        for _ in range(100):  # a circle of parents would be damage
            if around is None or agent:
                break
            agent, around = around.agent, self._steps.get(around.parent or "")
        return {"session_id": self._session, "created_at": stamp, "agent": agent}


def _input(arguments: Json) -> Json:
    return {} if arguments in (None, "", []) else {"input": arguments}


def _call_key(tool: str, arguments: Json) -> int:
    return hash((tool, _encode(arguments)))


def _mark(part: Part) -> int:
    """Return by what a part is known again: what it says, not its ids, which some writers leave out later."""
    return hash((part.kind, part.tool if part.kind == "call" else "", _encode([part.said, part.arguments])))
