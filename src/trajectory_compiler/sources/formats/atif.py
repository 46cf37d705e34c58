"""ATIF, the Agent Trajectory Interchange Format of Harbor (versions 1.0 to 1.8): one JSON document for a trajectory.

    steps of the agent: tool_calls      calls, joined with the results of the step's observation by `source_call_id`
    steps of the agent: message         `exchange` rows; `reasoning_content` gives `thinking` rows
    an observation without a call       a turn of the tool `observation`
    steps of the user                   `exchange` rows
    steps of the system                 counted: no turn
    steps copied from an earlier trajectory (`is_copied_context`)   counted: they would support an answer twice
    `subagent_trajectories`             sessions of their own, `<session>/<trajectory>`
    `continued_trajectory_ref`          the continuation belongs to the session that names it

The session is `session_id`, else `trajectory_id`, else the file's name. Several documents may share a session id (it names a
run): those that no other continues are told apart by their trajectory id or file name. Costs are in `metrics`, per step.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from trajectory_compiler.model import Json
from trajectory_compiler.sources.content import flat
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats.turns import Format, LogFile, Placed, object_in, objects_in, text_of
from trajectory_compiler.sources.mapping import Record
from trajectory_compiler.sources.recognition import Sureness

_VERSION = "ATIF-v"


def signs_in(sample: Sequence[Record]) -> tuple[Sureness, str] | None:
    """Say whether a document is a trajectory."""
    documents = [record for record in sample if isinstance(record.get("steps"), list) and record["steps"]]
    if any(text_of(document.get("schema_version")).startswith(_VERSION) for document in documents):
        return "certain", "the document's schema_version names ATIF"
    if documents and all({"step_id", "source"} <= object_in(document["steps"][0]).keys() for document in documents):
        return "likely", "documents with numbered steps of a source, the version is missing"
    return None


def read(files: Sequence[LogFile], drops: Drops) -> Iterator[Placed]:
    """Yield the calls, results and messages of all trajectories, each before what continues it."""
    sessions = _Sessions()
    number = 0
    for file in sorted(files, key=lambda file: (file.path.parent, len(file.path.name), file.path.name)):
        for place, document in file.values(drops):
            if not isinstance(document.get("steps"), list):
                drops.add("unknown_part", place)
                continue
            for session, inner in _nested(document, sessions.of(file, document)):
                number += 1
                yield from _Trajectory(place, session, inner, drops).records(number)


class _Sessions:
    """The sessions so far, by name, and which files continue them."""

    def __init__(self) -> None:
        self._used: set[str] = set()
        self._continued: dict[str, str] = {}

    def of(self, file: LogFile, document: Record) -> str:
        """Return the session that a document belongs to."""
        trajectory = text_of(document.get("trajectory_id"))
        session = self._continued.get(file.path.name)
        if session is None:
            session = text_of(document.get("session_id")) or trajectory or file.name
            if session in self._used:
                session = f"{session}/{trajectory or file.name}"
            self._used.add(session)
        following = text_of(document.get("continued_trajectory_ref")).rpartition("/")[2]
        if following:
            self._continued[following] = session
        return session


def _nested(document: Record, session: str) -> Iterator[tuple[str, Record]]:
    yield session, document
    for place, inner in enumerate(objects_in(document.get("subagent_trajectories")), 1):
        name = text_of(inner.get("trajectory_id")) or text_of(inner.get("session_id")) or str(place)
        yield from _nested(inner, f"{session}/{name}")


class _Trajectory:
    """One document."""

    def __init__(self, place: str, session: str, document: Record, drops: Drops) -> None:
        agent = object_in(document.get("agent"))
        self._place, self._session, self._drops = place, session, drops
        self._steps = document["steps"] if isinstance(document.get("steps"), list) else []
        self._agent, self._model = text_of(agent.get("name")) or "agent", text_of(agent.get("model_name"))

    def records(self, document: int) -> Iterator[Placed]:
        """Yield the turns of all steps; `document` keeps the ids of continuations apart."""
        for number, step in enumerate(self._steps, 1):
            place = f"{self._place} step {number}"
            if not isinstance(step, dict):
                self._drops.add("not_an_object", place)
                continue
            model = text_of(step.get("model_name")) or self._model
            shared = {
                "session_id": self._session,
                "created_at": step.get("timestamp"),
                "agent": f"{self._agent}/{model}" if model else self._agent,
            }
            cost = object_in(step.get("metrics")).get("cost_usd")
            for index, record in enumerate(self._step(place, step)):
                more = {"cost": cost} if index == 0 else {}
                yield place, shared | record | more | {"id": f"{document:04d}.{number:06d}.{index:03d}"}

    def _step(self, place: str, step: Record) -> Iterator[Record]:
        source = step.get("source")
        if step.get("is_copied_context"):
            self._drops.add("copied_context", place)
            return
        if source not in ("user", "agent"):
            self._drops.add("system_message" if source == "system" else "unknown_part", place)
            return
        if source == "agent" and text_of(step.get("reasoning_content")).strip():
            yield {"kind": "thinking", "content": step["reasoning_content"]}
        said = flat(step.get("message"))
        if said not in (None, "", []):
            yield {"kind": "assistant" if source == "agent" else "user", "content": said}
        calls = objects_in(step.get("tool_calls"))
        for call in calls:
            yield {
                "kind": "call",
                "call_id": str(call.get("tool_call_id")),
                "tool": call.get("function_name"),
                "arguments": call.get("arguments"),
            }
        yield from self._observed(step, calls)

    def _observed(self, step: Record, calls: list[Record]) -> Iterator[Record]:
        """Yield the results of a step, one for each call: an observation may hold several for one."""
        only = str(calls[0].get("tool_call_id")) if len(calls) == 1 else ""
        found: dict[str, list[Json]] = {}
        for result in objects_in(object_in(step.get("observation")).get("results")):
            content = flat(result.get("content"))
            if content is None and result.get("subagent_trajectory_ref"):
                content = {"subagent_trajectory_ref": result["subagent_trajectory_ref"]}
            found.setdefault(text_of(result.get("source_call_id")) or only, []).append(content)
        for call_id, contents in found.items():
            texts = [content for content in contents if isinstance(content, str)]
            response = contents[0] if len(contents) == 1 else "\n".join(texts) if len(texts) == len(contents) else contents
            if call_id:
                yield {"kind": "result", "call_id": call_id, "response": response}
            elif response is not None:
                yield {"kind": "call", "call_id": "", "tool": "observation", "arguments": {}, "response": response}


FORMAT = Format(name="ATIF trajectories", source="atif", signs_in=signs_in, read=read, unit="step")
