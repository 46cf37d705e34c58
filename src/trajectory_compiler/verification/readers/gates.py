"""The gates for prose: what a reader answers from each view, cheap views first, up to the first that fails.

A gate is true where every reading of it went as it must, false at the first that did not, null where a reading cannot be done
(the view is longer than the reader reads, or its answer is unusable): then the pair stays what it is. A gate after a false one
is not tried and not stored.

The score is the smallest margin of all readings: the credit of an answer that must be right, one less the credit of one that
must be wrong. It is 1 for a pair whose readings all went clearly, near a half where a wrong answer shares half its words with
the right one, 0 where one reading failed outright.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import pairwise
from typing import Literal

import msgspec

from trajectory_compiler.errors import ContextOverflowError, DeferredError, ModelError
from trajectory_compiler.model import Evidence, Pair, Proof, Turn, canonical, resolve, turn_object
from trajectory_compiler.synthesis.grounds import Answered
from trajectory_compiler.synthesis.quotes import holds_answer, is_question
from trajectory_compiler.verification.readers.judging import Grader
from trajectory_compiler.verification.readers.reader import Reader
from trajectory_compiler.verification.readers.views import ORDER, View, Visible, views

GATES_VERSION = "reader-gates-1"
Outcome = Literal["passed", "failed", "undecided"]


class ReadingOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How pairs are read. `full` adds the two readings of the whole context, `thorough` goes on after a gate fails."""

    full: bool = False
    thorough: bool = False


class Taken(msgspec.Struct, frozen=True, kw_only=True):
    """One reading of a view: whether it `went` as it must (None: it could not be done), by which grader, how clearly."""

    gate: str
    view: str
    turns: int
    went: bool | None
    grader: str
    margin: float


class ReaderProof(msgspec.Struct, frozen=True, kw_only=True):
    """What a reader's answers say of a pair. `planned` counts the readings that all gates would take, `taken` those done."""

    reader: str
    proof: Proof
    score: float
    taken: tuple[Taken, ...]
    planned: int
    outcome: Outcome


async def read_pair(pair: Pair, turns: Sequence[Turn], reader: Reader, grader: Grader, options: ReadingOptions) -> ReaderProof:
    """Try a pair's gates with a reader. Raises BudgetError, BoundaryError, and ModelError where all calls would fail.

    Cost: no call where a rule fails; else one for each supporting turn and about six more, the two longest (four with `full`)
    as long as the session.
    """
    visible = Visible(pair, turns)
    gates: dict[str, bool | None] = {}
    reasons: list[str] = []
    for gate, fault in _faults(pair, turns):
        gates[gate] = gates.get(gate, True) and not fault
        reasons += [f"{gate}: {fault}"] if fault else []
    planned = list(views(pair, visible, full=options.full))
    taken: list[Taken] = []
    for view in planned:
        if False in gates.values() and not options.thorough:
            break
        if gates.get(view.gate) is False:
            continue
        one, why = await _take(pair, visible, view, reader, grader)
        taken.append(one)
        gates[view.gate] = one.went if one.went is not True else gates.get(view.gate, True)
        reasons += [why] if why else []
    return ReaderProof(
        reader=reader.name,
        proof=Proof(gates=_settled(gates, options), supporting=pair.supporting_turns, guess_rate=0.0, reasons=tuple(reasons)),
        score=round(min([one.margin for one in taken] or [0.0]), 4) if False not in _ruled(gates, taken) else 0.0,
        taken=tuple(taken),
        planned=len(planned),
        outcome=_outcome(gates, planned),
    )


async def _take(pair: Pair, visible: Visible, view: View, reader: Reader, grader: Grader) -> tuple[Taken, str]:
    size = len(view.turns)
    try:
        given = await reader.read(pair, visible, view)
        verdict = await grader.grade(pair, given)
    except ModelError as error:
        if error.stops or isinstance(error, DeferredError):
            raise
        kind = "too long for the reader" if isinstance(error, ContextOverflowError) else "no usable answer"
        return Taken(gate=view.gate, view=view.name, turns=size, went=None, grader="", margin=1.0), f"{view.gate}: {kind}"
    went = verdict.right == (view.wanted == "right")
    margin = verdict.credit if view.wanted == "right" else 1 - verdict.credit
    one = Taken(gate=view.gate, view=view.name, turns=size, went=went, grader=verdict.grader, margin=margin)
    answered = "answered right" if verdict.right else "abstained" if not given.known else "answered wrong"
    return one, "" if went else f"{view.gate}: {answered} from view '{view.name}' of {size} turns"


def _faults(pair: Pair, turns: Sequence[Turn]) -> Iterable[tuple[str, str]]:
    """Yield what rules say of a pair, gate by gate: an empty text where nothing is wrong."""
    asks = is_question(pair.question) if pair.program is None else pair.question.count("?") == 1
    yield "well_formed", "" if asks and pair.answer.strip() else "it is not one question with an answer"
    yield "holds", next((fault for item in pair.evidence if (fault := _misquotes(item, turns))), "")
    cited = {item.turn for item in pair.evidence}
    foreign = pair.program is None and cited != set(pair.supporting_turns)  # a program's quotes are the exact gates' business
    yield "holds", "the quotes are not of the supporting turns" if foreign else ""
    leaked = pair.answer_type != "abstention" and holds_answer(pair.question, Answered(pair.answer, pair.answer_type))
    yield "unleaked", "the question holds the answer" if leaked else ""
    supporting = sorted(pair.supporting_turns)
    gap = any(later - earlier > 1 for earlier, later in pairwise(supporting))
    yield "distant", "" if gap else "the supporting turns stand next to each other"


def _misquotes(item: Evidence, turns: Sequence[Turn]) -> str:
    if not 0 <= item.turn < len(turns):
        return f"there is no turn {item.turn}"
    value = resolve(turn_object(turns[item.turn]), item.path)
    text = canonical(value) if item.span is None else value[slice(*item.span)] if isinstance(value, str) else None
    return "" if text == item.quote else f"turn {item.turn} does not hold its quote"


def _ruled(gates: dict[str, bool | None], taken: Sequence[Taken]) -> list[bool | None]:
    """Return the gates that a rule decided, not a reading."""
    read = {one.gate for one in taken if one.went is False}
    return [went for gate, went in gates.items() if gate not in read]


def _settled(gates: dict[str, bool | None], options: ReadingOptions) -> dict[str, bool | None]:
    """Return the gates as they are stored: `causal` needs a program, `unique` is read on a sample."""
    if False in gates.values():
        return gates
    missing = dict.fromkeys(gate for gate in ORDER if gate not in gates and (gate != "unique" or not options.full))
    return gates | missing | {"causal": None}


def _outcome(gates: dict[str, bool | None], planned: Sequence[View]) -> Outcome:
    if False in gates.values():
        return "failed"
    return "passed" if all(gates.get(view.gate) for view in planned) else "undecided"
