"""Spans as rows, form by form: the same call told by five conventions is the same row."""

from __future__ import annotations

from typing import Any

import pytest

from trajectory_compiler.sources.formats.span_rows import Said, concerns_an_agent, row_of

MESSAGES_IN = [{"role": "user", "content": "hi"}]
MESSAGES_OUT = [{"role": "assistant", "content": "ho"}]


@pytest.mark.parametrize(
    "attributes",
    [
        {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": "find",
            "gen_ai.tool.call.arguments": '{"q": 1}',
            "gen_ai.tool.call.result": "[2]",
        },
        {"gen_ai.operation.name": "execute_tool", "gen_ai.tool.call.arguments": '{"q": 1}', "gen_ai.tool.call.result": "[2]"},
        {"gen_ai.tool.name": "find", "tool_arguments": '{"q": 1}', "tool_response": "[2]"},
        {"openinference.span.kind": "TOOL", "tool.name": "find", "input.value": '{"q": 1}', "output.value": "[2]"},
        {"openinference.span.kind": "TOOL", "tool_call.function.arguments": '{"q": 1}', "output.value": "[2]"},
    ],
)
def test_a_tool_call_in_every_form(attributes: dict[str, Any]) -> None:
    """Name, arguments and result of a tool call are found in each form, and nothing is said to be missing."""
    row = row_of("execute_tool find", attributes, [])
    assert (row.tool, row.arguments, row.response, row.missing) == ("find", {"q": 1}, [2], ())


@pytest.mark.parametrize(
    ("attributes", "said"),
    [
        ({"gen_ai.input.messages": MESSAGES_IN, "gen_ai.output.messages": MESSAGES_OUT}, []),
        (
            {
                "gen_ai.prompt.0.role": "user",
                "gen_ai.prompt.0.content": "hi",
                "gen_ai.completion.0.role": "assistant",
                "gen_ai.completion.0.content": "ho",
            },
            [],
        ),
        (
            {},
            [
                Said("gen_ai.user.message", {"content": "hi"}),
                Said("gen_ai.choice", {}, {"role": "assistant", "content": "ho"}),
            ],
        ),
        (
            {},
            [
                Said(
                    "gen_ai.client.inference.operation.details",
                    {"gen_ai.input.messages": MESSAGES_IN, "gen_ai.output.messages": MESSAGES_OUT},
                )
            ],
        ),
    ],
)
def test_a_model_call_in_every_form(attributes: dict[str, Any], said: list[Said]) -> None:
    """The messages of a model call are found as one attribute, as flattened ones, as events and in the details event."""
    row = row_of("chat m", {"gen_ai.operation.name": "chat", "gen_ai.request.model": "m", **attributes}, said)
    assert (row.tool, row.missing) == ("llm.chat", ())
    assert row.arguments == {"model": "m", "messages": MESSAGES_IN}
    assert row.response == MESSAGES_OUT


def test_what_no_column_takes_is_kept() -> None:
    """Attributes that serve no column, tokens among them, stay as they are."""
    row = row_of("chat", {"gen_ai.operation.name": "chat", "gen_ai.usage.output_tokens": 7, "x": "y"}, [])
    assert row.rest == {"gen_ai.operation.name": "chat", "gen_ai.usage.output_tokens": 7, "x": "y"}
    assert row.missing == ("arguments", "response")


def test_odd_paths_do_not_raise() -> None:
    """Flattened attributes that contradict each other, and JSON that is none, are kept in some form."""
    odd = {"llm.input_messages.0": "a", "llm.input_messages.0.message.role": "user", "llm.output_messages.x": 1}
    row = row_of("llm", {"openinference.span.kind": "LLM", "output.value": "{broken", **odd}, [])
    assert row.response == "{broken"
    assert row.arguments is not None


def test_which_spans_concern_an_agent() -> None:
    """Spans of the two conventions do, spans of a web server or a database do not."""
    assert concerns_an_agent({"gen_ai.system": "x"})
    assert concerns_an_agent({"openinference.span.kind": "CHAIN"})
    assert not concerns_an_agent({"http.method": "GET", "db.system": "postgresql"})
