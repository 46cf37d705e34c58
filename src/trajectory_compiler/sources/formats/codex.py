"""Codex rollouts: `~/.codex/sessions/YYYY/MM/DD/rollout-<stamp>-<id>.jsonl`, or `.jsonl.zst` once they are old.

A line is an envelope `{timestamp, type, payload}`; the first rollouts (before September 2025) had bare items and no stamps.

    session_meta                        the session's id; a fork repeats its origin's after its own: the first one counts
    response_item: *_call, *_call_output   a call and its result, joined by `call_id`
    response_item: message              `exchange` rows; what the client wrote for the user (AGENTS.md, environment) is counted
    response_item: reasoning            `thinking` rows, where a summary or text is there; the encrypted rest cannot be read
    compacted, compaction               dropped and counted: a summary repeats earlier turns
    event_msg                           what the screen showed of the same items: counted as bookkeeping
    what a fork or a resumed session repeats   dropped and counted, by call id, or by role, text and stamp

A turn that was rolled back stays: its calls did happen. An exit code in a result decides whether the call succeeded, and its
wall time is the call's duration.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from trajectory_compiler.model import Json
from trajectory_compiler.sources.content import flat, text_block
from trajectory_compiler.sources.documents import UnreadableError, parse_text
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.turns import Format, LogFile, Placed, object_in, objects_in, text_of
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness

AGENT = "codex"
_ENVELOPES = frozenset(
    {"session_meta", "response_item", "compacted", "turn_context", "event_msg", "inter_agent_communication", "world_state"}
)
_CALLS = {
    "function_call": "arguments",
    "custom_tool_call": "input",
    "local_shell_call": "action",
    "web_search_call": "action",
    "tool_search_call": "arguments",
    "mcp_call": "arguments",
}
_OWN_NAMES = {"local_shell_call": "local_shell", "web_search_call": "web_search", "tool_search_call": "tool_search"}
_RESULTS = frozenset({"function_call_output", "custom_tool_call_output", "tool_search_output", "local_shell_call_output"})
_SUMMARIES = frozenset({"compaction", "compaction_summary", "context_compaction"})
_ITEMS = frozenset({"message", "reasoning", *_CALLS, *_RESULTS, *_SUMMARIES})
_INJECTED = (
    "<user_instructions>",
    "<environment_context>",
    "# AGENTS.md instructions",
    "<permissions instructions>",
    "<turn_aborted>",
    "<INSTRUCTIONS>",
    "<skill>",
    "<subagent_notification>",
    "<user_shell_command>",
)
_SUMMARY = "Another language model started to solve this problem and produced a summary"
_EXIT = re.compile(r"^(?:Process exited with code|Exit code:?) (-?\d+)\s*$", re.MULTILINE)
_WALL = re.compile(r"^Wall time: ([\d.]+) seconds?\s*$", re.MULTILINE)
_HEADER_CHARACTERS = 400


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether the first lines of a file are a rollout's."""
    wrapped = [line for line in sample if line.get("type") in _ENVELOPES and isinstance(line.get("payload"), dict)]
    if any(line["type"] == "session_meta" and "id" in line["payload"] for line in wrapped):
        return "certain", "a session_meta line names the session"
    if wrapped and any(line["type"] == "response_item" and line["payload"].get("type") in _ITEMS for line in wrapped):
        return "likely", "lines are Codex's envelopes, the line that names the session is missing"
    begins = bool(sample) and {"id", "timestamp", "instructions"} <= sample[0].keys()
    if begins and all(line.get("type") in _ITEMS or "record_type" in line for line in sample[1:]):
        return "likely", "the first line names a session, bare response items follow: an early rollout"
    return None


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the calls, results and messages of all rollouts, the oldest first: a fork repeats what its origin wrote."""
    seen: set[int] = set()
    for file in sorted(files, key=lambda file: (file.path.name, file.name)):  # the name begins with the stamp
        rollout = _Rollout(file, seen, drops)
        for place, line in file.values(drops):
            yield from rollout.records(place, line)


class _Rollout:
    """One file. `seen` holds the calls and messages of all files so far."""

    def __init__(self, file: LogFile, seen: set[int], drops: Drops) -> None:
        self._seen, self._drops = seen, drops
        self._session = file.name.rpartition("/")[2]
        self._named = False
        self._model = ""
        self._count = 0

    def records(self, place: str, line: Record) -> Iterator[Placed]:
        """Yield what a line holds."""
        kind, payload = line.get("type"), object_in(line.get("payload"))
        self._count += 1
        if kind in _ITEMS:
            payload = line
        elif kind == "session_meta" or (kind is None and "instructions" in line and "id" in line):
            self._begin(payload or line)
            return
        elif kind == "turn_context":
            self._model = text_of(payload.get("model")) or self._model
            return
        elif kind == "compacted":
            self._drops.add("compacted_summary", place)
            return
        elif kind != "response_item":
            self._drops.add("bookkeeping", place)
            return
        record = self._item(place, payload, line.get("timestamp"))
        if record is not None:
            yield place, record

    def _begin(self, meta: Record) -> None:
        if not self._named and meta.get("id"):
            self._session, self._named = str(meta["id"]), True

    def _item(self, place: str, item: Record, stamp: Json) -> Record | None:
        kind = item.get("type")
        call_id = str(item.get("call_id") or item.get("id") or f"{self._session}#{self._count}")
        record: Record = {
            "id": f"{self._count:07d}",
            "session_id": self._session,
            "created_at": stamp,
            "agent": f"{AGENT}/{self._model}" if self._model else AGENT,
        }
        if kind in _CALLS:
            mark = f"call {call_id}"
            arguments = _arguments(item.get(_CALLS[kind]))
            more = {
                "kind": "call",
                "call_id": call_id,
                "tool": item.get("name") or _OWN_NAMES.get(kind),
                "arguments": arguments,
            }
        elif kind in _RESULTS:
            mark = f"result {call_id}"
            more = {"kind": "result", "call_id": call_id, **_outcome(item)}
        elif kind == "message":
            return self._message(place, item, record)
        elif kind == "reasoning":
            thought = "\n".join(map(text_block, objects_in(item.get("content")) or objects_in(item.get("summary"))))
            if not thought:
                self._drops.add("hidden_reasoning", place)
                return None
            mark, more = f"reasoning {stamp} {thought}", {"kind": "thinking", "content": thought}
        else:
            self._drops.add("compacted_summary" if kind in _SUMMARIES else "bookkeeping", place)
            return None
        return self._new(place, mark, record | more)

    def _message(self, place: str, item: Record, record: Record) -> Record | None:
        role, text = item.get("role"), flat(item.get("content"))
        if role not in ("user", "assistant"):
            self._drops.add("system_message", place)
        elif isinstance(text, str) and text.lstrip().startswith(_SUMMARY):
            self._drops.add("compacted_summary", place)
        elif role == "user" and isinstance(text, str) and text.lstrip().startswith(_INJECTED):
            self._drops.add("injected_message", place)
        else:
            return self._new(place, f"{role} {record['created_at']} {text}", record | {"kind": role, "content": text})
        return None

    def _new(self, place: str, mark: str, record: Record) -> Record | None:
        if record["created_at"] is None and not mark.startswith(("call ", "result ")):
            mark = f"{self._session} {self._count} {mark}"  # without stamps, "yes" may well be said twice
        key = hash(mark)
        if key in self._seen:
            self._drops.add("duplicate_of_resumed_session", place)
            return None
        self._seen.add(key)
        return record


def _arguments(given: Json) -> Json:
    """Return what a tool was given; free text, such as a patch, under `input`."""
    if not isinstance(given, str):
        return given if isinstance(given, dict) else {}
    parsed = _parsed(given)
    return parsed if isinstance(parsed, dict) else {"input": parsed}


def _parsed(value: Json) -> Json:
    try:
        return parse_text(value, lambda _reason: None) if isinstance(value, str) else value
    except UnreadableError:
        return value


def _outcome(item: Record) -> Record:
    """Return response, success and duration of a result, in the forms that Codex had over time."""
    output = item.get("output", item.get("tools"))
    success = None
    if isinstance(output, dict) and "content" in output:
        output, success = output["content"], output.get("success")
    response = flat(output)
    duration = None
    response = _parsed(response)
    if isinstance(response, dict):
        facts = object_in(response.get("metadata"))
        code, seconds = facts.get("exit_code"), facts.get("duration_seconds")
    else:
        header = response[:_HEADER_CHARACTERS] if isinstance(response, str) else ""
        said, took = _EXIT.search(header), _WALL.search(header)
        code, seconds = int(said[1]) if said else None, float(took[1]) if took else None
    if isinstance(code, int):
        success = code == 0
    if isinstance(seconds, int | float):
        duration = seconds * 1000
    return {"response": response, "success": success, "duration": duration}


FORMAT = Format(name="Codex rollouts", source="codex", signs_in=signs_in, read=read)
