"""Which rows are tool calls, which are words between agent and user, and which are the agent's own thoughts.

These are guesses from names. They live in this one table, and `trajc inspect` shows which of them a log meets.
"""

from __future__ import annotations

from typing import Literal

from trajectory_compiler.model import TurnKind

Part = Literal["user", "assistant", "thinking", "call", "result", "system"]

MESSAGE_TOOL = "message"  # the tool name of a message whose row names no tool
EXCHANGE_TOOLS = frozenset(
    {"respond", "message", "ask_user", "reply_to_user", "message_user", "user_message", "assistant_message"}
)
THINKING_TOOLS = frozenset({"think", "thinking", "thought", "thoughts", "reasoning", "reason", "scratchpad", "scratch_pad"})
PARTS: dict[str, Part] = {
    "user": "user",
    "human": "user",
    "user_message": "user",
    "customer": "user",
    "assistant": "assistant",
    "ai": "assistant",
    "assistant_message": "assistant",
    "agent_message": "assistant",
    "thinking": "thinking",
    "thought": "thinking",
    "reasoning": "thinking",
    "call": "call",
    "tool_call": "call",
    "tool_use": "call",
    "function_call": "call",
    "action": "call",
    "request": "call",
    "result": "result",
    "tool": "result",
    "function": "result",
    "tool_result": "result",
    "tool_response": "result",
    "tool_output": "result",
    "function_call_output": "result",
    "function_result": "result",
    "observation": "result",
    "response": "result",
    "system": "system",
    "developer": "system",
}


def kind_of_tool(tool: str) -> TurnKind:
    """Guess the kind of a turn from the name of its tool."""
    name = tool.lower().replace("-", "_")
    if name in EXCHANGE_TOOLS:
        return "exchange"
    return "thinking" if name in THINKING_TOOLS else "tool"
