"""A candidate: a program, what it gives, and how promising it looks. The selection proves the promising ones."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise

import msgspec

from trajectory_compiler.dataflow.evaluate import Reading, Trace, run
from trajectory_compiler.dataflow.fields import Asked, is_mismatched
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import PROGRAM_VERSION, Call, Count, Expression, Literal, Program, Target
from trajectory_compiler.model import AnswerType, Family, plain

MIN_LIKE_VALUES = 3
MAX_HIDDEN = 5


class Candidate(msgspec.Struct, frozen=True, kw_only=True):
    """One question in the making. `key` is the asked field's key, `score` between 0 and 1 orders a family's candidates.

    `support` lists the turns that the answer is expected to need (the proof decides), `hops` counts the calls of the chain.
    `target` is the turn that the context ends before, `withheld` the turns that an unanswerable question leaves out.
    """

    program: Program
    trace: Trace
    key: str
    tool: str
    answer_type: AnswerType
    support: tuple[int, ...]
    hops: int
    score: float
    effect: bool
    withheld: tuple[int, ...] = ()
    target: int | None = None

    @property
    def family(self) -> Family:
        """The question family."""
        return self.program.family


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """What a family proposes; `finish` evaluates it and throws out what cannot pass the gates anyway."""

    family: Family
    calls: tuple[Call, ...]
    answer: Expression
    key: str
    answer_type: AnswerType
    support: tuple[int, ...]
    hops: int
    bonus: float = 0.0
    until: Target | None = None


def finish(index: SessionIndex, drafts: Iterable[Draft]) -> Iterator[Candidate]:
    """Evaluate drafts and yield those that have an answer, a gap between their turns, and no early showing of the answer."""
    for draft in drafts:
        support = tuple(sorted(set(draft.support)))
        if len(support) < 2 or not spans_a_gap(support):
            continue
        program = Program(
            version=PROGRAM_VERSION, family=draft.family, calls=draft.calls, answer=draft.answer, until=draft.until
        )
        trace = run(index, program)
        if trace is None or is_shown_outside(index, draft, trace.answer, support):
            continue
        if not isinstance(draft.answer, Count) and any(is_mismatched(index, t) for t in support):
            continue
        if len({index.turns[t].agent for turns in trace.matches.values() for t in turns}) > 1:
            continue  # "the agent" would be one of several: a sub-agent's calls are not the agent's
        if names_itself(draft, trace.answer) or not stands_firm(index, program, trace, support):
            continue
        target = None if draft.until is None else trace.matches["(target)"][0]
        yield Candidate(
            program=program,
            trace=trace,
            key=draft.key,
            tool=index.turns[support[-1]].tool,
            answer_type=draft.answer_type,
            support=support,
            hops=draft.hops,
            score=_score(index, draft, support),
            effect=target is not None or any(index.turns[t].effect for t in support),
            target=target,
        )


def stands_firm(index: SessionIndex, program: Program, trace: Trace, support: Sequence[int]) -> bool:
    """Say whether the answer needs each of its turns and is the same in other readings of the question.

    Other readings: failed calls do not count; a named value may stand in any argument. The proof decides.
    """
    if any(index.turns[t].ok is False for turns in trace.matches.values() for t in turns):
        settled = run(index, program, Reading(settled=True))
        if settled is None or settled.answer != trace.answer:
            return False
    loose = run(index, program, Reading(loose=True))
    if loose is None or loose.answer != trace.answer:
        return False
    if len(support) > MAX_HIDDEN:
        return True
    for t in support:
        without = run(index, program, Reading(hidden=t))
        if without is not None and without.answer == trace.answer:
            return False
    return True


def names_itself(draft: Draft, answer: str) -> bool:
    """Say whether what the question must name and the answer hold each other, as `Sophia` and `sophia_martin_4574` do."""
    sides = [words for side in answer.split(" -> ") if (words := plain(side)).strip()]
    for call in draft.calls:
        for condition in call.where:
            if isinstance(condition.value, Literal) and (named := plain(condition.value.value)).strip():
                if any(side in named for side in sides):
                    return True
                if len(condition.value.value) >= 3 and any(named in side for side in sides):
                    return True
    return False


def is_part(answer: str, name: str) -> bool:
    """Say whether the words of an answer stand in a name: `gift_card` in `gift_card_6276644`."""
    return plain(answer) in plain(name)


def spans_a_gap(support: Sequence[int]) -> bool:
    """Say whether some two consecutive supporting turns have another turn between them."""
    return any(later - earlier > 1 for earlier, later in pairwise(support))


def is_shown_outside(index: SessionIndex, draft: Draft, answer: str, support: Sequence[int]) -> bool:
    """Say whether a turn that the answer does not need shows it already."""
    end = len(index.turns) if draft.until is None else support[-1] + 1
    if draft.answer_type == "change":
        old, new = (set(showing(index, draft.key, side)) for side in answer.split(" -> ", 1))
        return any(t not in support for t in old & new)
    if draft.answer_type == "list":
        return False
    computed = draft.answer_type in ("number", "amount") and draft.family in ("aggregation", "comparison", "state_change")
    if computed and answer in index.totals:
        return True
    if computed and len(answer) < 4:
        return False
    return any(t not in support and t < end for t in showing(index, draft.key, answer)) or (
        not computed and is_recited(index, answer, support)
    )


def is_recited(index: SessionIndex, answer: str, support: Sequence[int]) -> bool:
    """Say whether a message between agent and user holds a short answer, which counts as showing it, small numbers apart."""
    if (answer.isdigit() and len(answer) < 3) or len(answer) >= 4:
        return False
    return any(index.turns[t].kind == "exchange" and t not in support for t in index.turns_showing(answer))


def showing(index: SessionIndex, key: str, value: str) -> Sequence[int]:
    """Return the turns that show a value: anywhere for four characters or more, else only under the asked key."""
    return index.turns_showing(value) if len(value) >= 4 else index.keyed.get((key, value), ())


def varies(values: Sequence[str], gold: str) -> bool:
    """Say whether a field has three values or more among like calls and the asked one is no majority."""
    return len(set(values)) >= MIN_LIKE_VALUES and values.count(gold) * 3 <= len(values)


def best_fields(asked: Iterable[Asked], limit: int) -> list[Asked]:
    """Return the fields that read best as answers: names and places before numbers, short paths before long ones."""
    order = {"text": 0, "amount": 0, "date": 1, "number": 1, "identifier": 2, "path": 2, "url": 3}
    return sorted(asked, key=lambda a: (order.get(a.answer_type, 4), a.field.path.count("/"), a.field.path))[:limit]


def _score(index: SessionIndex, draft: Draft, support: Sequence[int]) -> float:
    span = support[-1] - support[0] + 1
    share = min(1.0, span / max(12, min(len(index.turns), 200)))
    words = sum(len(str(getattr(c.value, "value", ""))) for call in draft.calls for c in call.where)
    ordinal = sum(call.pick in ("first", "last", "nth") for call in draft.calls)
    return share + 0.1 * min(draft.hops, 4) + draft.bonus - 0.002 * min(words, 100) - 0.05 * ordinal
