"""What a span says, as a row: the GenAI semantic conventions of OpenTelemetry (all their forms so far) and OpenInference.

    kind of span                       tool of the row        arguments                      response
    execute_tool, TOOL                 the tool's name        arguments of the call          its result
    chat, generate_content, LLM ...    llm.chat ...           model, messages, instructions  messages that came back
    invoke_agent, AGENT, CHAIN ...     agent.invoke_agent ... what went in                   what came out
    RETRIEVER, EMBEDDING ...           the span's name        input                          documents or output

Other spans (HTTP, databases) are none of an agent's doings and give no row. Content is looked for in the span's attributes, in
its events and in the log records that were emitted inside it; where there is none, the row says so under `$otel`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from trajectory_compiler.model import Json

Attributes = Mapping[str, Any]
OTEL = "$otel"
TOOL_OPERATIONS = frozenset({"execute_tool"})
AGENT_OPERATIONS = frozenset({"invoke_agent", "create_agent", "invoke_workflow"})
_TOOL_KINDS = frozenset({"TOOL"})
_MODEL_KINDS = {"LLM": "chat"}
_AGENT_KINDS = {"AGENT": "invoke_agent", "CHAIN": "chain"}
# The present convention first, then what instrumentations wrote before it, then OpenInference.
_ARGUMENTS = (
    "gen_ai.tool.call.arguments",
    "tool_arguments",
    "traceloop.entity.input",
    "tool_call.function.arguments",
    "input.value",
)
_RESULT = ("gen_ai.tool.call.result", "tool_response", "traceloop.entity.output", "output.value")
_MESSAGES_IN = ("gen_ai.input.messages", "gen_ai.prompt", "llm.input_messages", "traceloop.entity.input", "input.value")
_MESSAGES_OUT = (
    "gen_ai.output.messages",
    "gen_ai.completion",
    "llm.output_messages",
    "traceloop.entity.output",
    "output.value",
)
_INSTRUCTIONS = ("gen_ai.system_instructions",)
_MODEL = ("gen_ai.request.model", "gen_ai.response.model", "llm.model_name", "embedding.model_name")
_DOCUMENTS = ("retrieval.documents", "reranker.output_documents")
_AGENT_NAME = ("gen_ai.agent.name", "agent.name", "graph.node.id")
_SESSION = ("gen_ai.conversation.id", "session.id")
_TOOL_NAME = ("gen_ai.tool.name", "tool.name", "tool_call.function.name")
_COST = ("llm.cost.total", "gen_ai.usage.cost", "gen_ai.usage.total_cost")
_IN_EVENTS = frozenset({"gen_ai.system.message", "gen_ai.user.message", "gen_ai.assistant.message", "gen_ai.tool.message"})
_OUT_EVENTS = frozenset({"gen_ai.choice", "gen_ai.assistant.message.output"})


class SpanRow(msgspec.Struct, frozen=True, kw_only=True):
    """What a row holds of one span. `missing` names the content that was not captured: `arguments`, `response`."""

    tool: str
    arguments: Json
    response: Json
    agent: str | None
    session: str | None
    cost_usd: float | None
    missing: tuple[str, ...]
    rest: dict[str, Json]


class Said(msgspec.Struct, frozen=True):
    """One event of a span, or one log record emitted inside it: its name, its attributes, and its body where it has one."""

    name: str
    attributes: Attributes
    body: Any = None


def concerns_an_agent(attributes: Attributes) -> bool:
    """Say whether a span is about an agent, a model or a tool."""
    return "openinference.span.kind" in attributes or any(name.startswith("gen_ai.") for name in attributes)


def agent_of(attributes: Attributes) -> str | None:
    """Return the name of the agent that a span names."""
    return _text(attributes, _AGENT_NAME)


def session_of(attributes: Attributes) -> str | None:
    """Return the conversation or session that a span names."""
    return _text(attributes, _SESSION)


def row_of(name: str, attributes: Attributes, said: Iterable[Said]) -> SpanRow:
    """Return the row of a span about an agent. `said` are its events and log records in their order."""
    fields = _Fields({**attributes, **_merged(said)})
    kind = str(attributes.get("openinference.span.kind", "")).upper()
    operation = str(attributes.get("gen_ai.operation.name", "")) or _MODEL_KINDS.get(kind) or _AGENT_KINDS.get(kind, "")
    if operation in TOOL_OPERATIONS or kind in _TOOL_KINDS or (not operation and "gen_ai.tool.name" in attributes):
        tool = str(fields.first(_TOOL_NAME) or name.removeprefix("execute_tool ").strip() or name)
        arguments, response = fields.first(_ARGUMENTS), fields.first(_RESULT)
    elif operation in AGENT_OPERATIONS or kind in _AGENT_KINDS:
        tool = f"agent.{operation}"
        arguments, response = fields.first(_MESSAGES_IN), fields.first(_MESSAGES_OUT)
    elif operation or kind in _MODEL_KINDS:
        tool = f"llm.{operation}"
        model, messages, instructions = (fields.first(names) for names in (_MODEL, _MESSAGES_IN, _INSTRUCTIONS))
        parts = {"model": model, "messages": messages, "instructions": instructions}
        arguments = {name: part for name, part in parts.items() if part is not None}
        response = fields.first(_MESSAGES_OUT)
        arguments = arguments if messages is not None else (arguments or None)
        missing = tuple(n for n, value in (("arguments", messages), ("response", response)) if value is None)
        return _made(fields, tool, (arguments, response), missing)
    else:
        tool = name
        arguments, response = fields.first(_MESSAGES_IN), fields.first((*_DOCUMENTS, *_MESSAGES_OUT))
    missing = tuple(n for n, value in (("arguments", arguments), ("response", response)) if value is None)
    return _made(fields, tool, (arguments, response), missing)


def _made(fields: _Fields, tool: str, content: tuple[Json, Json], missing: tuple[str, ...]) -> SpanRow:
    cost = fields.first(_COST)
    return SpanRow(
        tool=tool,
        arguments=content[0],
        response=content[1],
        agent=agent_of(fields.attributes),
        session=session_of(fields.attributes),
        cost_usd=cost if isinstance(cost, int | float) else None,
        missing=missing,
        rest=fields.rest(),
    )


class _Fields:
    """The attributes of a span, flattened lists put together again; remembers which of them were used."""

    def __init__(self, attributes: Attributes) -> None:
        self.attributes = attributes
        self._used: set[str] = set()

    def first(self, names: Iterable[str]) -> Json:
        """Return the value of the first name that has one, JSON text parsed; all attributes below that name are used."""
        for name in names:
            if self.attributes.get(name) is not None:
                self._used.add(name)
                return _parsed(self.attributes[name])
            below = {key: value for key, value in self.attributes.items() if key.startswith(f"{name}.") and value is not None}
            if below and any(key[len(name) + 1 :].split(".")[0].isdigit() for key in below):
                self._used.update(below)
                return _unflattened({key[len(name) + 1 :]: value for key, value in below.items()})
        return None

    def rest(self) -> dict[str, Json]:
        """Return the attributes that no column took."""
        return {name: value for name, value in self.attributes.items() if name not in self._used}


def _merged(said: Iterable[Said]) -> dict[str, Any]:
    """Return what events and log records say, as the attributes that they would be on the span."""
    found: dict[str, Any] = {}
    messages_in: list[Json] = []
    messages_out: list[Json] = []
    for event in said:
        if event.name in _IN_EVENTS or event.name in _OUT_EVENTS:
            role = event.name.removeprefix("gen_ai.").partition(".")[0]
            message = event.body if event.body is not None else _event_content(event.attributes)
            if message is not None:
                entry = {"role": role, **message} if isinstance(message, Mapping) else {"role": role, "content": message}
                (messages_out if event.name in _OUT_EVENTS else messages_in).append(entry)
        elif event.name.startswith("gen_ai."):
            found |= {name: value for name, value in event.attributes.items() if value is not None}
            if isinstance(event.body, Mapping):
                found |= {name: value for name, value in event.body.items() if str(name).startswith("gen_ai.")}
    if messages_in:
        found.setdefault("gen_ai.input.messages", messages_in)
    if messages_out:
        found.setdefault("gen_ai.output.messages", messages_out)
    return found


def _event_content(attributes: Attributes) -> Json:
    kept = {name.removeprefix("gen_ai.event."): _parsed(value) for name, value in attributes.items()}
    kept = {name: value for name, value in kept.items() if name not in ("gen_ai.system", "gen_ai.provider.name", "event.name")}
    return kept or None


def _unflattened(flat: Mapping[str, Any]) -> Json:
    """Put `0.message.role` and the like together again: OpenInference keeps lists of objects as single attributes."""
    tree: dict[str, Any] = {}
    for path, value in flat.items():
        node = tree
        *parents, leaf = path.split(".")
        for part in parents:
            below = node.setdefault(part, {})
            node = below if isinstance(below, dict) else node
        node[leaf] = _parsed(value)
    return _listed(tree)


def _listed(tree: Json) -> Json:
    if not isinstance(tree, dict):
        return tree
    if tree and all(key.isdigit() for key in tree):
        return [_listed(tree[key]) for key in sorted(tree, key=int)]
    return {key: _listed(value) for key, value in tree.items()}


def _parsed(value: Any) -> Json:
    """Return what a text holds if it is the JSON of an object or a list: attributes of spans can hold neither."""
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError):
            return value
    return value


def _text(attributes: Attributes, names: Iterable[str]) -> str | None:
    return next((str(attributes[name]) for name in names if attributes.get(name) not in (None, "")), None)
