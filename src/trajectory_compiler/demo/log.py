"""Write the log of the simulated business as JSONL, one copy after the other: memory does not grow with the scale."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TextIO

from trajectory_compiler.demo.business import TOOLS, Agent, longest_session, plan, session
from trajectory_compiler.demo.simulation import play
from trajectory_compiler.demo.world import World
from trajectory_compiler.errors import InputError


@dataclass(frozen=True)
class DemoSummary:
    """What was written: rows, sessions, and the turns of the longest and of the median session."""

    rows: int
    sessions: int
    longest: int
    median: int
    agents: int


def write_demo_log(path: Path, seed: int = 7, scale: int = 1) -> DemoSummary:
    """Write a log of about 170 sessions and 9,000 rows per unit of `scale`; same seed and scale, same bytes on any machine.

    Every copy is a business of its own with its own identifiers. The file appears under its name when it is complete.
    Raises: InputError: the file cannot be written.
    """
    lengths: list[int] = []
    agents: set[str] = set()
    part = path.with_name(path.name + ".part")
    try:
        with part.open("w", encoding="utf-8", newline="\n") as file:
            for copy in range(scale):
                world = World(seed, copy)
                for number, (agent, turns) in enumerate(plan(world)):
                    agents.add(agent.name)
                    name = f"{agent.name}-{copy * 1_000 + number:05d}"
                    lengths.append(_write_session(file, world, agent, (name, turns)))
        part.replace(path)
    except OSError as error:
        part.unlink(missing_ok=True)
        seen = error.strerror or type(error).__name__
        raise InputError(f"write the demo log '{path}'", seen, "Name another place for it.") from error
    ordered = sorted(lengths)
    return DemoSummary(
        rows=sum(lengths),
        sessions=len(lengths),
        longest=ordered[-1],
        median=ordered[len(ordered) // 2],
        agents=len(agents),
    )


def _write_session(file: TextIO, world: World, agent: Agent, planned: tuple[str, int]) -> int:
    name, turns = planned
    world.begin_session()
    steps = session(world, agent, turns) if turns else longest_session(world, agent)
    count = 0
    for count, step in enumerate(play(world, steps, TOOLS), start=1):
        row: dict[str, Any] = {"id": f"{name}-{count - 1:04d}", "session_id": name, "created_at": step["created_at"]}
        row |= {"agent": agent.name} | {key: step[key] for key in ("tool", "arguments", "response", "cost_usd", "duration_ms")}
        file.write(json.dumps(row, ensure_ascii=False) + "\n")
    return count
