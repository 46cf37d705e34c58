"""The form in which a model answers. Its order is the order of writing: the question, then the quotes that bear it out.

Small models asked for quotes first quoted every turn and came to no question.

The lists are limited, since a small model held to a grammar may go on with them for ever. Lengths of texts are not, but by the
checks: a grammar that cuts a string at its limit would turn a long answer into a wrong one without a word.
"""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

MOST_PAIRS = 5  # of one answer
MOST_TURNS = 24  # of one pair, besides the two that it must have
AskedType = Literal["identifier", "number", "amount", "date", "path", "url", "text", "tool", "change", "list"]
AskedFamily = Literal["composition", "state_change", "aggregation", "comparison", "temporal", "precondition", "provenance"]


class Support(msgspec.Struct, frozen=True):
    """A turn that the answer needs, and what in it, copied letter for letter."""

    turn: int
    quote: str


class Proposal(msgspec.Struct, frozen=True):
    """One pair as a model proposes it. The two turns that it must have are fields of their own, not the length of a list."""

    question: str
    answer: str
    answer_type: AskedType
    qa_type: AskedFamily
    earlier: Support
    later: Support
    further: Annotated[list[Support], msgspec.Meta(max_length=MOST_TURNS)]
    reasoning: str

    @property
    def supporting(self) -> list[Support]:
        """All turns that the answer needs, in time order."""
        return sorted([self.earlier, self.later, *self.further], key=lambda support: support.turn)


class Answers(msgspec.Struct, frozen=True):
    """What a model answers to a window: the pairs that it found there, which may be none."""

    pairs: Annotated[list[Proposal], msgspec.Meta(max_length=MOST_PAIRS)]


class Rewrite(msgspec.Struct, frozen=True):
    """A question in other words. `number` is the one that it had in the prompt."""

    number: int
    question: str


class Rewrites(msgspec.Struct, frozen=True):
    """What a model answers when it is asked to reword questions."""

    rewrites: list[Rewrite]


class Match(msgspec.Struct, frozen=True):
    """Which original a rewrite asks for; -1 where it is none or not clear."""

    rewrite: str
    original: int


class Matches(msgspec.Struct, frozen=True):
    """What a model answers when it is asked to match rewrites with originals."""

    matches: list[Match]
