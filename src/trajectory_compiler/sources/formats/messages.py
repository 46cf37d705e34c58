"""Messages of language models, in the dialects that logs hold, to parts: what was said, thought, called, returned.

OpenAI chat          {role, content, tool_calls: [{id, function: {name, arguments}}]}, {role: tool, tool_call_id, content}
OpenAI responses     {type: function_call, call_id, name, arguments}, {type: function_call_output, call_id, output}
Anthropic            {role, content: [{type: tool_use, id, name, input}, {type: tool_result, tool_use_id, content}]}
OpenTelemetry GenAI  {role, parts: [{type: text, content}, {type: tool_call, id, name, arguments}, {type: tool_call_response}]}
OpenInference        {message: {role, content | contents, tool_calls: [{tool_call: {id, function}}]}}
LangChain            {type: human | ai | tool, content, tool_calls: [{id, name, args}]}
Inspect              {role, content, tool_calls: [{id, function: NAME, arguments}]}, {role: tool, tool_call_id, error}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import msgspec

from trajectory_compiler.model import Json
from trajectory_compiler.sources.content import flat, text_block, without_bulk
from trajectory_compiler.sources.documents import UnreadableError, parse_text
from trajectory_compiler.sources.formats.turns import object_in
from trajectory_compiler.sources.mapping import Record

Kind = Literal["user", "assistant", "thinking", "system", "call", "result", "unknown"]
_ROLES: dict[str, Kind] = {
    "user": "user",
    "human": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "model": "assistant",
    "choice": "assistant",  # the name of the event that OpenTelemetry's first convention has for an answer
    "system": "system",
    "developer": "system",
    "tool": "result",
    "function": "result",
}
ROLES = frozenset(_ROLES) - {"choice"}
_THOUGHTS = frozenset({"thinking", "reasoning"})
_CALLS = frozenset({"tool_use", "tool_call", "function_call", "custom_tool_call", "server_tool_use", "mcp_call"})
_RESULTS = frozenset({"tool_result", "tool_call_response", "function_call_output", "custom_tool_call_output", "tool_response"})


class Part(msgspec.Struct, frozen=True):
    """One thing that a message holds. `said` is what was said, thought or returned; the rest belongs to calls and results."""

    kind: Kind
    said: Json = None
    call_id: str = ""
    tool: str = ""
    arguments: Json = None
    failed: bool | None = None


def parts_of(message: Json) -> list[Part]:
    """Return what a message holds, in its order: thoughts, words, calls, results. A form that is not known is `unknown`."""
    if not isinstance(message, dict):
        return []
    if isinstance(message.get("message"), dict):
        message = {"role": message.get("role"), **message["message"]}
    if isinstance(message.get("kwargs"), dict) and "lc" in message:  # LangChain's own serialisation
        message = message["kwargs"]
    kind = message.get("type")
    if kind in _CALLS | _RESULTS | _THOUGHTS:
        return list(_block(message))
    role = _ROLES.get(str(message.get("role") or kind or "").lower())
    if role is None:
        return [Part("unknown")]
    if role == "result" and not any(object_in(block).get("type") in _RESULTS for block in _blocks(message)):
        return [_result(message, message.get("content", list(map(_as_text, _blocks(message)))))]
    parts: list[Part] = []
    thought = message.get("reasoning_content") or message.get("reasoning")
    if isinstance(thought, str) and thought.strip():
        parts.append(Part("thinking", thought))
    parts += _content(_blocks(message), role)
    for call in _listed(message.get("tool_calls")):
        parts.append(_call(object_in(object_in(call).get("tool_call")) or object_in(call)))
    if isinstance(message.get("function_call"), dict):  # before there were tools
        parts.append(_call(message["function_call"]))
    return parts


def record_of(part: Part, shared: Record, identifier: str) -> Record:
    """Return a part as a record of the common mapping; `shared` holds session, stamp and agent."""
    record = shared | {"id": identifier, "kind": part.kind}
    if part.kind == "call":
        return record | {"call_id": part.call_id, "tool": part.tool, "arguments": part.arguments}
    if part.kind == "result":
        success = None if part.failed is None else not part.failed
        return record | {"call_id": part.call_id, "response": part.said, "success": success}
    return record | {"content": part.said}


def messages_in(value: Json, role: str) -> list[Json]:
    """Return the messages of what a model was given or gave back: a list, a request or response of a provider, or a text."""
    if isinstance(value, str):
        return [{"role": role, "content": value}] if value.strip() else []
    if isinstance(value, list):
        if value and all(isinstance(item, list) for item in value):  # one list for each prompt of a batch
            return [message for item in value for message in item]
        return [item if isinstance(item, dict) else {"role": role, "content": item} for item in value if item not in (None, "")]
    if not isinstance(value, dict):
        return []
    if isinstance(value.get("choices"), list):
        return [choice["message"] for choice in value["choices"] if isinstance(object_in(choice).get("message"), dict)]
    for key in ("messages", "input", "output", "contents", "generations"):
        if isinstance(value.get(key), list):
            return messages_in(value[key], role)
    if parts_of(value) == [Part("unknown")]:
        return [{"role": role, "content": value}]
    return [value]


def _blocks(message: Record) -> list[Json]:
    for key in ("parts", "contents", "content"):
        value = message.get(key)
        if isinstance(value, list):
            return [object_in(object_in(block).get("message_content")) or block for block in value]
        if isinstance(value, dict):
            return [value]
        if isinstance(value, str) and value.strip():
            return [value]
    return []


def _content(blocks: list[Json], role: Kind) -> Iterator[Part]:
    """Yield the parts of blocks; texts that follow each other, and what is neither text nor call, are one part."""
    words: list[Json] = []
    for block in blocks:
        special = list(_block(block)) if isinstance(block, dict) else []
        if special:
            yield from _words(words, role)
            words = []
            yield from special
        elif block not in (None, "", {}):
            words.append(block)
    yield from _words(words, role)


def _words(words: list[Json], role: Kind) -> Iterator[Part]:
    said = flat([{"type": "text", "text": word} if isinstance(word, str) else _as_text(word) for word in words])
    if said not in ("", []):
        yield Part(role, said)


def _as_text(block: Json) -> Json:
    """Return a GenAI text part (`content` instead of `text`) as the others write it."""
    if isinstance(block, dict) and block.get("type") == "text" and isinstance(block.get("content"), str):
        return {"type": "text", "text": block["content"]}
    return block


def _block(block: Record) -> Iterator[Part]:
    """Yield the part of a block that is no plain text."""
    kind = block.get("type")
    if kind in _THOUGHTS:
        thought = block.get("thinking") or block.get("reasoning") or block.get("text") or block.get("content") or ""
        if not isinstance(thought, str):
            thought = "\n".join(filter(None, map(text_block, _listed(block.get("content")) or _listed(block.get("summary")))))
        if thought.strip():
            yield Part("thinking", thought)
        else:
            yield Part("thinking")
    elif kind in _CALLS:
        yield _call(block)
    elif kind in _RESULTS:
        said = next((block[key] for key in ("response", "result", "output", "content") if block.get(key) is not None), None)
        yield _result(block, said)


def _call(call: Record) -> Part:
    function = call.get("function")
    named = function if isinstance(function, dict) else call
    name = function if isinstance(function, str) else named.get("name")
    given: Json = next((named[key] for key in ("arguments", "args", "input", "parameters") if named.get(key) is not None), {})
    call_id = call.get("call_id") or call.get("id") or ""
    return Part("call", call_id=str(call_id), tool=str(name or "unknown"), arguments=_arguments(given))


def _arguments(given: Json) -> Json:
    if isinstance(given, str):
        try:
            given = parse_text(given, lambda _reason: None)
        except UnreadableError:
            return {"input": given}
    return given if isinstance(given, dict) else {"input": given} if given not in (None, "") else {}


def _result(block: Record, said: Json) -> Part:
    ids = block.get("tool_call_ids")
    first = ids[0] if isinstance(ids, list) and ids else None
    keys = ("tool_call_id", "tool_use_id", "call_id", "id")
    call_id = next((block[key] for key in keys if block.get(key)), first) or ""
    error = block.get("error")
    failed = True if block.get("is_error") is True or block.get("status") == "error" or error else None
    said = flat(said)
    if failed and said in (None, "", []) and error:
        said = object_in(error).get("message") or str(error)
    return Part("result", without_bulk(said), call_id=str(call_id), tool=str(block.get("name") or ""), failed=failed)


def _listed(value: Json) -> list[Json]:
    """Return a list, or the values of an object that stands for one (`{"0": ..., "1": ...}`)."""
    if isinstance(value, dict) and value and all(key.isdigit() for key in value):
        return [value[key] for key in sorted(value, key=int)]
    return value if isinstance(value, list) else []
