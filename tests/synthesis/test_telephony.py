"""The demo's telephony session: what a site still lacks stands in mails, shell output and tickets far apart."""

from __future__ import annotations

import asyncio
import re

from tests.synthesis.conftest import Telephony
from tests.synthesis.scripted import ScriptedClient, data_of, proposal
from tests.synthesis.sessions import count
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Turn
from trajectory_compiler.models.protocol import Request
from trajectory_compiler.synthesis import SynthesisOptions, synthesise, windows_of
from trajectory_compiler.synthesis.answers import Answers, Proposal

OPTIONS = SynthesisOptions(model="test:scripted")
TRUNK = re.compile(r"TRK-\d+")


def mails(index: SessionIndex) -> dict[str, int]:
    """Return the first mail that names each order reference."""
    found: dict[str, int] = {}
    for turn in index.turns:
        reference = re.search(r"Order reference: (ORD-\d+)", str(turn.response)) if turn.tool == "read_mail" else None
        if reference is not None:
            found.setdefault(reference[1], turn.index)
    return found


def of_trunk(turn: Turn, trunk: str) -> bool:
    """Say whether a turn is a look at a trunk in the shell."""
    return turn.tool == "run_shell" and str(turn.arguments.get("command")) == f"sipctl show {trunk}"


def status_questions(index: SessionIndex) -> list[tuple[int, int, int, int, str]]:
    """Return mail, order, shell and ticket of each site that was looked at in all four, and the trunk."""
    found: list[tuple[int, int, int, int, str]] = []
    for reference, mail in mails(index).items():
        subject = re.search(r"Your order for (.+)", str(index.turns[mail].response))
        order = next((t for t in index.turns if t.tool == "get_order" and t.arguments["order_reference"] == reference), None)
        if subject is None or order is None:
            continue
        trunk = order.response["trunk_id"]
        shell = next((t.index for t in index.turns if of_trunk(t, trunk)), None)
        tickets = (t.index for t in index.turns if t.tool == "get_ticket" and subject[1].strip() in str(t.response))
        ticket = next((t for t in tickets if t > mail), None)
        if shell is not None and ticket is not None:
            found.append((mail, order.index, shell, ticket, trunk))
    return found


def test_a_window_holds_what_a_status_question_needs(telephony: Telephony) -> None:
    """For at least one site the mail, the order, the shell output and the ticket stand in one window of a long session."""
    asked = status_questions(telephony.session)
    windows = windows_of(telephony.session, OPTIONS, count)
    assert len(telephony.session.turns) > 300
    assert asked
    held = [site for site in asked if any(set(site[:4]) <= set(window.turns) for window in windows)]
    assert held


def test_a_status_question_over_four_turns_comes_through(telephony: Telephony) -> None:
    """A model that reads what stands in its window can ask what a site still needs, over mail, order, shell and ticket."""
    index = telephony.session

    def script(request: Request[Answers], _number: int) -> Answers:
        data = data_of(request)
        shown = {int(number) for number in re.findall(r"^#(\d+) \d{4}-", data, re.MULTILINE)}
        return Answers([status_of(index, site) for site in status_questions(index) if set(site[:4]) <= shown])

    result = asyncio.run(synthesise(index, ScriptedClient(script), OPTIONS, count))
    assert result.pairs
    for pair in result.pairs:
        tools = {index.turns[t].tool for t in pair.supporting_turns}
        assert tools == {"read_mail", "get_order", "run_shell", "get_ticket"}
        assert (pair.hops, len(pair.evidence)) == (4, 5)


def status_of(index: SessionIndex, site: tuple[int, int, int, int, str]) -> Proposal:
    """Write the question that a colleague would ask about a site, as a model should."""
    mail, order, shell, ticket, trunk = site
    response = index.turns[ticket].response
    output = str(index.turns[shell].response)
    credentials = next(line for line in output.split("\n") if line.startswith("credentials: "))
    state = next(line for line in output.split("\n") if line.startswith("state: "))
    reference = index.turns[order].arguments["order_reference"]
    return proposal(
        f"What did the trunk of the order {reference} still lack when its ticket was looked at?",
        f"{state.removeprefix('state: ')}, credentials {credentials.removeprefix('credentials: ')}",
        (mail, f"Order reference: {reference}"),
        (order, f"trunk_id: {trunk}"),
        (shell, f"{state}\n{credentials}"),
        (ticket, f"subject: {response['subject']}"),
    )
