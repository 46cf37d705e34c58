"""The eight agents of the business: what they are asked, what they do, and how long their sessions are."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

from trajectory_compiler.demo import billing, desk, mail, packages, papers, support, telephony, todos, watchdog
from trajectory_compiler.demo.simulation import Call, Episode, Response, Steps, Tool, say
from trajectory_compiler.demo.world import World

LONGEST = 2_426
SHORT = 6  # sessions of so few turns are one short visit
WATCHDOG = "watchdog"
TOOLS: dict[str, Tool] = {
    **desk.TOOLS,
    **mail.TOOLS,
    **todos.TOOLS,
    **support.TOOLS,
    **billing.TOOLS,
    **telephony.TOOLS,
    **packages.TOOLS,
    **papers.TOOLS,
    **watchdog.TOOLS,
}
DRIFTS: tuple[Callable[[World], None], ...] = (
    todos.drift,
    support.drift,
    billing.drift,
    telephony.drift,
    packages.drift,
    papers.drift,
    watchdog.drift,
)


@dataclass(frozen=True)
class Agent:
    """An agent: its scenarios, those of one short visit, and what its users say at the start and the end of a session."""

    name: str
    episodes: tuple[Episode, ...]
    brief: tuple[Episode, ...]
    requests: tuple[str, ...]
    thanks: tuple[str, ...] = ("Thank you, that is all.", "Great, leave it there.", "Good. Please stop here for today.")


AGENTS: tuple[Agent, ...] = (
    Agent(
        "mail-triage",
        mail.EPISODES,
        mail.BRIEF,
        ("Please go through what came in.", "The inbox is full again, can you sort it?"),
    ),
    Agent(
        "todo-keeper",
        todos.EPISODES,
        todos.BRIEF,
        ("Which tasks are stuck? Please get them moving.", "Tidy up the task lists, please."),
    ),
    Agent(
        "support-desk",
        support.EPISODES,
        support.BRIEF,
        ("Take the next tickets, please.", "The queue is growing. Please work through it."),
    ),
    Agent(
        "billing-clerk",
        billing.EPISODES,
        billing.BRIEF,
        ("Have a look at what is open and overdue.", "Month end is near, please check the books."),
    ),
    Agent(
        "telephony-setup",
        telephony.EPISODES,
        telephony.BRIEF,
        ("Please get the new sites ringing.", "What do the sites still need? Go ahead with it."),
    ),
    Agent(
        "package-checker",
        packages.EPISODES,
        packages.BRIEF,
        ("Check our dependencies, please.", "Are there weaknesses in what we ship?"),
    ),
    Agent(
        "paper-checker",
        papers.EPISODES,
        papers.BRIEF,
        ("Check the citations of the draft.", "Do the sources say what we claim?"),
    ),
    Agent(WATCHDOG, watchdog.EPISODES, watchdog.BRIEF, ("Keep an eye on things.", "You have the watch.")),
)


def session(world: World, agent: Agent, turns: int) -> Steps:
    """Run one session of about so many turns: a request, scenarios with the rest of the world moving in between, an end."""
    yield say("What can I do for you?", world.dice.pick(agent.requests))
    done = 1
    while done < turns:
        choice = agent.brief if turns <= SHORT else agent.episodes
        done += yield from _counted(world.dice.pick(choice)(world))
        for _ in range(world.dice.integer(1, 3)):
            for drift in DRIFTS:
                drift(world)
    if world.dice.chance(0.3):
        yield say("Done for now. Anything else?", world.dice.pick(agent.thanks))


def longest_session(world: World, agent: Agent) -> Steps:
    """Run the watch of exactly 2,426 turns: scenarios as long as a whole one fits, then single looks."""
    yield say("What can I do for you?", agent.requests[1])
    done = 1
    while done < LONGEST - 40:
        done += yield from _counted(world.dice.pick(agent.episodes)(world))
        watchdog.drift(world)
        support.drift(world)
    for _ in range(LONGEST - done):
        yield from watchdog.beat(world)


def plan(world: World) -> list[tuple[Agent, int]]:
    """Return the sessions of one copy in their order: most are short, few are long, one is the longest (0 turns stands for it).

    The tail is the one of real agent logs: half of the sessions end within ten turns, a handful hold most of the rows.
    """
    sessions: list[tuple[Agent, int]] = []
    for agent in AGENTS:
        lengths = [world.dice.integer(3, SHORT) for _ in range(16 if agent.name == WATCHDOG else 14)]
        lengths += [world.dice.integer(12, 34) for _ in range(4)]
        lengths += [world.dice.integer(60, 150) for _ in range(2)]
        if agent.name != WATCHDOG:
            lengths.append(world.dice.integer(300, 560))
        sessions += [(agent, length) for length in lengths]
    watch = next(agent for agent in AGENTS if agent.name == WATCHDOG)
    sessions.append((watch, 0))
    return world.dice.draw(sessions, len(sessions))


def _counted(steps: Steps) -> Generator[Call, Response, int]:
    """Run a scenario and return how many calls it made."""
    count = 0
    step = next(steps, None)
    while step is not None:
        count += 1
        response = yield step
        try:
            step = steps.send(response)
        except StopIteration:
            step = None
    return count
