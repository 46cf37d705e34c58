"""A model client in process: it answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from trajectory_compiler.models.protocol import Answer, CallPlace, Reply, Request, Usage
from trajectory_compiler.synthesis.answers import Answers, AskedFamily, AskedType, Proposal, Support

Script = Callable[[Request[Any], int], Any]


class ScriptedClient:
    """Answers each request with what the script returns for it; an exception that it returns is raised."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.requests: list[Request[Any]] = []
        self.places: list[CallPlace] = []

    async def ask(self, request: Request[Answer], place: CallPlace) -> Reply[Answer]:
        """Answer from the script; an answer of another type than was asked for is a fault of the test."""
        number = len(self.requests)
        self.requests.append(request)
        self.places.append(place)
        answer = self.script(request, number)
        if isinstance(answer, Exception):
            raise answer
        assert isinstance(answer, request.answer_type)
        return Reply(answer=answer, usage=Usage(), call_id=f"call-{number}", from_cache=False)


def always(*proposals: Proposal) -> ScriptedClient:
    """Return a client that proposes the same pairs for every window."""
    return ScriptedClient(lambda _request, _number: Answers(list(proposals)))


def proposal(
    question: str,
    answer: str,
    *supporting: tuple[int, str],
    answer_type: AskedType = "text",
    qa_type: AskedFamily = "composition",
    reasoning: str = "The mail names the order; the order names the trunk.",
) -> Proposal:
    """Return a proposed pair; `supporting` are turns with their quotes."""
    return Proposal(
        **cited(*(Support(turn, quote) for turn, quote in supporting)),
        reasoning=reasoning,
        question=question,
        answer=answer,
        answer_type=answer_type,
        qa_type=qa_type,
    )


def cited(*supporting: Support) -> dict[str, Any]:
    """Return the fields of a proposal that cite these turns; a single one stands for both that must be there."""
    return {"earlier": supporting[0], "later": supporting[min(1, len(supporting) - 1)], "further": list(supporting[2:])}


def data_of(request: Request[Any]) -> str:
    """Return what stands between the fence lines of a prompt."""
    fence = re.findall(r"^=====data-[0-9a-f]{16}=====$", request.prompt, re.MULTILINE)
    assert len(fence) == 2
    assert fence[0] == fence[1]
    return request.prompt.split(f"\n{fence[0]}\n")[1]
