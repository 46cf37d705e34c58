"""The words around context, question and answer: the same for every pair, so that nothing in them tells pairs apart."""

from __future__ import annotations

from trajectory_compiler.model import Pair
from trajectory_compiler.synthesis.acc import ORIGIN
from trajectory_compiler.verification import ABSTENTION

ANSWER_MARK = "Answer:"
LOG = "This is the log of an agent at work: its tool calls in time order, each with its arguments and its response."
PIECES = "These are results of an agent's tool calls, each with its arguments, in no order. Not all of them are needed."
ABSTAIN = f"If the log does not say, the answer is: {ABSTENTION}"
REASONED = f"Say in a few words how you get there, then give the answer on a last line that begins with `{ANSWER_MARK}`."
BARE = "Give the answer alone."
NOTHING_FOUND = "No call in the log gives what the question asks for."


def request_text(pair: Pair, context: str, *, bare: bool) -> str:
    """Return what a model is asked: the log, the question, and the form of the answer; without a context, no log is named."""
    if pair.origin == ORIGIN:
        pieces = f"{PIECES}\n\n<results>\n{context}\n</results>\n\n" if context else ""
        return f"{pieces}{pair.question}\n\n{BARE if bare else REASONED}"
    form = f"{BARE if bare else REASONED} {ABSTAIN}" if context else (BARE if bare else REASONED)
    log = f"{LOG}\n\n<log>\n{context}\n</log>\n\n" if context else ""
    return f"{log}{pair.question}\n\n{form}"


def answer_text(pair: Pair, *, bare: bool) -> str:
    """Return what a model should say. Spelled-out steps teach the reading; bare answers taught a small model only the form.

    A pair whose context lacks a turn has steps of its own here: those of its base tell what the missing turn said.
    """
    if bare:
        return pair.answer
    steps = NOTHING_FOUND if pair.withheld_turns else pair.reasoning
    return f"{steps}\n\n{ANSWER_MARK} {pair.answer}" if steps else f"{ANSWER_MARK} {pair.answer}"
