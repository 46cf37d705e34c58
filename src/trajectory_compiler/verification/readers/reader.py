"""A reader: it is shown some turns and a question, and answers or says that they do not settle it.

`ModelReader` asks a model; `scripted.py` has readers whose behaviour is known.
"""

from __future__ import annotations

from typing import Protocol

import msgspec

from trajectory_compiler.errors import ContextOverflowError
from trajectory_compiler.model import AnswerType, Pair
from trajectory_compiler.models import CallPlace, ModelClient, ModelName, Request, estimate_tokens
from trajectory_compiler.synthesis.prompts import fenced, instructions
from trajectory_compiler.verification.readers.views import View, Visible

READER_PROMPT = "reader-1"
STAGE = "verification"
ANSWER_TOKENS = 300
FORMS: dict[AnswerType, str] = {
    "identifier": "one identifier, as it stands in the log",
    "number": "one number",
    "amount": "one amount",
    "date": "a date or a time, as it stands in the log",
    "path": "one path",
    "url": "one address",
    "text": "a few words, as they stand in the log",
    "tool": "the name of one tool",
    "change": "old value -> new value",
    "list": "all values, with commas between them",
    "abstention": "the value that is asked for",
}


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader is asked. `form` says what kind of answer is wanted, never which."""

    pair_id: str
    question: str
    form: str


class ReaderAnswer(msgspec.Struct, frozen=True):
    """What a reader answers: the way to it in a few words, whether the turns settle the question, the answer."""

    steps: str
    known: bool
    answer: str


class Reader(Protocol):
    """Answers a question from the turns of a view. Its name goes into the proof."""

    @property
    def name(self) -> str:
        """The model, or what the script does."""

    async def read(self, pair: Pair, visible: Visible, view: View) -> ReaderAnswer:
        """Answer the pair's question from the turns of a view, and from nothing else.

        Raises: ContextOverflowError: the view is longer than the reader reads. BudgetError, BoundaryError, ModelError,
        InvalidOutputError: as a model client does.
        """


def asked_of(pair: Pair) -> Asked:
    """Return what a reader is told of a pair: nothing of its answer but the form.

    The form of an unanswerable pair is that of any other: its `abstention` would give the answer away.
    """
    return Asked(pair_id=pair.id, question=pair.question, form=FORMS[pair.answer_type])


class ModelReader:
    """A model as a reader. The second reading of the same turns is another request, so that no cache answers it."""

    def __init__(self, client: ModelClient, model: ModelName, context_tokens: int | None = None) -> None:
        self._client = client
        self._model = model
        self._context_tokens = context_tokens
        self.name = str(model)

    def request(self, pair: Pair, visible: Visible, view: View) -> Request[ReaderAnswer]:
        """Return what is sent for one view."""
        return reading_request(self._model, pair, visible, view)

    async def read(self, pair: Pair, visible: Visible, view: View) -> ReaderAnswer:
        """Ask the model; see `Reader.read`. What is surely too long is not sent."""
        request = self.request(pair, visible, view)
        size = estimate_tokens(request.prompt) + estimate_tokens(request.instructions) + ANSWER_TOKENS
        if self._context_tokens is not None and size > self._context_tokens:
            raise ContextOverflowError(
                f"show view '{view.name}' to '{self.name}'",
                f"it takes about {size:,} tokens and the model reads {self._context_tokens:,}",
                "Name a model with a larger context.",
            )
        rows = tuple(visible.row_ids(view.turns))
        place = CallPlace(
            stage=f"{STAGE}/{view.gate}",
            prompt_version=READER_PROMPT,
            source=pair.source,
            session_id=pair.session_id,
            pair_id=pair.id,
            row_ids=rows,
        )
        return (await self._client.ask(request, place)).answer


def reading_request(model: ModelName, pair: Pair, visible: Visible, view: View) -> Request[ReaderAnswer]:
    """Return what is sent to a model for one view of a pair."""
    asked = asked_of(pair)
    shown = visible.text(view.turns) if view.turns else "(no turns of the log are shown)"
    order = " The latest turn comes first." if view.name == "full_reversed" else ""
    task = f"Here are {len(view.turns)} turns of a session and a question.{order} Answer with {asked.form}."
    return Request(
        model=model,
        instructions=instructions(READER_PROMPT),
        prompt=fenced(f"{shown}\n\nQUESTION: {asked.question}", task),
        answer_type=ReaderAnswer,
        max_output_tokens=ANSWER_TOKENS,
        temperature=0.0,
        round=1 if view.name == "full_reversed" else 0,
    )
