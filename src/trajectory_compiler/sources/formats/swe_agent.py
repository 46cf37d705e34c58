"""Trajectories of SWE-agent, `<instance>.traj`: one JSON document for a try at an issue.

    trajectory: action, observation     a call and its result; tool and arguments come from the history's `tool_calls` where the
                                        agent called functions, else the tool is the command's first word
    trajectory: thought                 `thinking` rows; `response` repeats thought and action as one text and is left out
    history: the task                   an `exchange` row: what the user asked, once
    history: demonstrations (`is_demo`) counted: they show another session
    history: the rest                   the same actions and observations again; only used for the calls
    attempts                            sessions of their own, `<file>/attempt-<n>`; the document around them repeats the best

There are no stamps, so the order of the steps is kept; `execution_time` is a call's duration. The session is the file's name.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trajectory_compiler.model import Json
from trajectory_compiler.sources.content import flat
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.messages import Part, parts_of
from trajectory_compiler.sources.formats.turns import Format, LogFile, Placed, object_in, objects_in, text_of
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness

AGENT = "swe-agent"
_STEP = frozenset({"action", "observation"})


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether a document is a trajectory."""
    for document in sample[:1]:
        steps = objects_in(document.get("trajectory"))
        attempts = objects_in(document.get("attempts"))
        if attempts and all(isinstance(attempt.get("trajectory"), list) for attempt in attempts):
            return "certain", "a document with attempts, each with its trajectory"
        if steps and steps[0].keys() >= _STEP:
            if {"history", "info"} & document.keys():
                return "certain", "a document with trajectory (action, observation) and history or info"
            return "likely", "a document with a trajectory of actions and observations"
    return None


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the calls, thoughts and tasks of all trajectories."""
    for file in files:
        for number, (place, document) in enumerate(file.values(drops), 1):
            name = f"{file.name}-{number:06d}" if file.by_line and number > 1 else file.name
            attempts = objects_in(document.get("attempts"))
            if attempts and document.get("trajectory"):
                drops.add("repeated_session", place)
            for attempt, each in enumerate(attempts or [document], 1):
                if not isinstance(each.get("trajectory"), list):
                    drops.add("unknown_part", place)
                    continue
                session = f"{name}/attempt-{attempt}" if attempts else name
                yield from _attempt(place, session, each, drops)


def _attempt(place: str, session: str, document: Record, drops: Drops) -> Iterator[Placed]:
    steps = document["trajectory"]
    first = object_in(steps[0]) if steps else {}
    history = objects_in(document.get("history")) or objects_in(first.get("query") or first.get("messages"))
    shared = {"session_id": session, "agent": AGENT}
    for number, task in enumerate(_tasks(place, history, drops)):
        yield place, shared | {"id": f"task-{number:03d}", "kind": "user", "content": task}
    calls = _Calls(history)
    for number, step in enumerate(steps, 1):
        where = f"{place} step {number}"
        if not isinstance(step, dict) or "action" not in step:
            drops.add("unknown_part", where)
            continue
        thought = text_of(step.get("thought")).strip()
        if thought:
            yield where, shared | {"id": f"{number:06d}.0", "kind": "thinking", "content": thought}
        seconds = step.get("execution_time")
        yield (
            where,
            shared
            | {
                "id": f"{number:06d}.1",
                "kind": "call",
                "call_id": "",
                "response": step.get("observation"),
                "duration": seconds * 1000 if isinstance(seconds, int | float) else None,
                **calls.of(text_of(step.get("action"))),
            },
        )


def _tasks(place: str, history: list[Record], drops: Drops) -> Iterator[Json]:
    """Yield what the user said before the agent did anything."""
    begun = False
    for message in history:
        role = message.get("role")
        if message.get("is_demo"):
            drops.add("demonstration", place)
        elif role == "system":
            drops.add("system_message", place)
        elif role == "assistant":
            begun = True
        elif role == "user" and not begun:
            yield flat(message.get("content"))


class _Calls:
    """The function calls of the history, in their order, to be found by the action that they became."""

    def __init__(self, history: list[Record]) -> None:
        acted = [message for message in history if message.get("role") == "assistant" and not message.get("is_demo")]
        self._found = [(text_of(message.get("action")).strip(), _call_of(message)) for message in acted]
        self._next = 0

    def of(self, action: str) -> Record:
        """Return tool and arguments of an action."""
        for place in range(self._next, len(self._found)):
            wrote, call = self._found[place]
            if wrote == action.strip():
                self._next = place + 1
                if call is not None:
                    return {"tool": call.tool, "arguments": call.arguments}
                break
        words = action.split(maxsplit=1)
        return {"tool": words[0] if words else "no_action", "arguments": {"command": action} if words else {}}


def _call_of(message: Record) -> Part | None:
    return next((part for part in parts_of(message) if part.kind == "call"), None)


FORMAT = Format(name="SWE-agent trajectories", source=AGENT, signs_in=signs_in, read=read, unit="step")
