"""How an agent acts on the world: a scenario yields calls and is sent what each call returned.

    def chase(world: World) -> Steps:
        found = yield call("list_invoices", status="overdue")
        invoice = yield call("get_invoice", invoice_id=found["invoices"][0]["invoice_id"])
        ...

A scenario sees responses only. What it passes on, it has read before: that is how values flow through the log.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator
from datetime import timedelta
from typing import Any, NamedTuple

from trajectory_compiler.demo.world import World

Response = Any
Tool = Callable[..., Response]


class Call(NamedTuple):
    """One step of an agent. `reply` is what the user answers to a message; `at_once` repeats the stamp of the call before."""

    tool: str
    arguments: dict[str, Any]
    reply: str | None = None
    at_once: bool = False


Steps = Generator[Call, Response, None]
Episode = Callable[[World], Steps]


def call(tool: str, **arguments: Any) -> Call:
    """Return a step that calls a tool."""
    return Call(tool, arguments)


def at_once(tool: str, **arguments: Any) -> Call:
    """Return a step that is issued together with the one before it: both carry the same stamp."""
    return Call(tool, arguments, at_once=True)


def say(content: str, reply: str) -> Call:
    """Return a message to the user, with the user's answer."""
    return Call("respond", {"content": content}, reply=reply)


def side_by_side(*lanes: Steps) -> Steps:
    """Run several scenarios in turns, as an agent does that works on more than one thing."""
    waiting = [(lane, next(lane, None)) for lane in lanes]
    while waiting:
        lane, step = waiting.pop(0)
        if step is None:
            continue
        response = yield step
        try:
            waiting.append((lane, lane.send(response)))
        except StopIteration:
            continue


def failed(response: Response) -> bool:
    """Say whether a tool refused."""
    return (isinstance(response, dict) and "error" in response) or (isinstance(response, str) and response.startswith("Error"))


def refusal(error: str, message: str) -> dict[str, str]:
    """Return what a tool answers when it refuses."""
    return {"error": error, "message": message}


def line(text: str, key: str) -> str:
    """Return the value of the `key: value` line of a text, as an agent reads it; empty where there is none."""
    for row in text.splitlines():
        name, colon, value = row.partition(":")
        if colon and name.strip() == key:
            return value.strip()
    return ""


def play(world: World, steps: Steps, tools: dict[str, Tool]) -> Iterator[dict[str, Any]]:
    """Yield a row per step: carry the call out on the world, note time and cost, hand the response back."""
    stamp = world.now
    try:
        step = next(steps)
        while True:
            if not step.at_once:
                world.now += timedelta(milliseconds=world.dice.integer(900, 24_000))
                stamp = world.now
            response = step.reply if step.reply is not None else tools[step.tool](world, **step.arguments)
            size = len(str(step.arguments)) + len(str(response))
            duration = world.dice.integer(20, 400) + size // 4 + (world.dice.integer(2_000, 30_000) if step.reply else 0)
            world.now += timedelta(milliseconds=duration)
            yield {
                "created_at": stamp.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
                "tool": step.tool,
                "arguments": step.arguments,
                "response": response,
                "cost_usd": (120 + size + world.dice.integer(0, 400)) / 1_000_000,
                "duration_ms": duration,
            }
            step = steps.send(response)
    except StopIteration:
        return
