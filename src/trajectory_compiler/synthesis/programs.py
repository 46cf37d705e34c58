"""Question programs that a model proposes: its imagination, our proof.

A proposal is a small form of the algebra of `dataflow.program`. It becomes a program, is evaluated on the session, and stands
or falls like a program of the enumeration: by the exact checker. The model's own wording is kept where it provably says the
same (the rules of `rewording`, and the proof anew); else the program is worded by the templates.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Annotated, Literal

import msgspec

from trajectory_compiler.dataflow import program as ir
from trajectory_compiler.dataflow.candidate import Candidate, Draft, finish
from trajectory_compiler.dataflow.evaluate import Reading, Trace, run
from trajectory_compiler.dataflow.fields import answer_type_of, is_worth_asking
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.errors import DeferredError, ModelError
from trajectory_compiler.model import AnswerType, Family, Finding, Pair, key_of
from trajectory_compiler.models.protocol import CallPlace, ModelClient, ModelName, Request
from trajectory_compiler.synthesis.catalog import catalog, flows
from trajectory_compiler.synthesis.options import SynthesisOptions
from trajectory_compiler.synthesis.prompts import fenced, instructions
from trajectory_compiler.synthesis.reasons import PROPOSALS, failure_reason
from trajectory_compiler.synthesis.rewording import fault_of, parts_of, values_of

PROGRAM_PROMPT = "programs-1"
MOST_PROGRAMS = 8  # of one answer
MOST_CALLS = 4
MOST_CONDITIONS = 3
MAX_MATCHES = 200  # turns that are hidden one by one to see which the answer needs


class Where(msgspec.Struct, frozen=True):
    """A condition: the field equals a value, or what an earlier call has at a field."""

    field: str
    value: str
    from_call: str
    from_field: str


class Find(msgspec.Struct, frozen=True):
    """A call to be found."""

    name: str
    tool: str
    pick: Literal["only", "first", "last", "all"]
    where: Annotated[list[Where], msgspec.Meta(max_length=MOST_CONDITIONS)]
    after: str
    before: str


class ProposedProgram(msgspec.Struct, frozen=True):
    """One question program as a model proposes it."""

    question: str
    find: Annotated[list[Find], msgspec.Meta(max_length=MOST_CALLS)]
    answer: Literal["value", "count", "distinct", "sum", "difference", "change"]
    call: str
    field: str
    other: str


class Follow(msgspec.Struct, frozen=True):
    """The short form of two hops: the call that a flow starts from, told by a field, and a field where the flow leads to."""

    flow: int
    start_field: str
    start_value: str
    ask_field: str
    question: str


class Tally(msgspec.Struct, frozen=True):
    """The short form of a number over all calls of a tool; `where_field` empty: over every one of them."""

    tool: str
    where_field: str
    where_value: str
    answer: Literal["count", "distinct", "sum"]
    ask_field: str
    question: str


class Programs(msgspec.Struct, frozen=True):
    """What a model answers to a catalog: programs in short forms, which small models can write, and in the long one."""

    follows: Annotated[list[Follow], msgspec.Meta(max_length=MOST_PROGRAMS)]
    tallies: Annotated[list[Tally], msgspec.Meta(max_length=MOST_PROGRAMS)]
    programs: Annotated[list[ProposedProgram], msgspec.Meta(max_length=MOST_PROGRAMS)]


class Proposed(msgspec.Struct, frozen=True, kw_only=True):
    """What asking for programs of one session gave: proved pairs, every drop, how many were proposed.

    `reworded` counts the pairs that kept the model's own wording. `failed`: no answer came; `deferred`: the call is in a batch.
    """

    pairs: tuple[Pair, ...] = ()
    findings: tuple[Finding, ...] = ()
    proposed: int = 0
    reworded: int = 0
    failed: bool = False
    deferred: bool = False


Prove = Callable[[Candidate, str | None], Pair | None]
"""Words a candidate (in the words given, else in those of the templates) and returns it as a proved pair, or None."""


def plan_programs(index: SessionIndex, options: SynthesisOptions) -> tuple[Request[Programs], CallPlace]:
    """Return the one call that a session takes."""
    data = catalog(index)
    trajectory = index.trajectory
    wanted = min(MOST_PROGRAMS, options.pairs + 2)  # some fall
    request = Request(
        model=ModelName.parse(options.model),
        instructions=instructions(PROGRAM_PROMPT),
        prompt=fenced(data, f"Here is what a session of {len(index.turns)} turns called. Propose at most {wanted} programs."),
        answer_type=Programs,
        max_output_tokens=options.max_output_tokens,
        temperature=options.temperature,
        seed=options.seed,
    )
    place = CallPlace(
        stage=PROPOSALS,
        prompt_version=PROGRAM_PROMPT,
        source=trajectory.source,
        session_id=trajectory.session_id,
        row_ids=tuple(turn.row_id for turn in index.turns),
    )
    return request, place


async def propose(
    index: SessionIndex, client: ModelClient, options: SynthesisOptions, prove: Prove, known: Sequence[Pair] = ()
) -> Proposed:
    """Ask a model for question programs of one session and keep what is proved.

    `known` are the pairs that the session has: a program among them is not made again.
    Raises: BudgetError, BoundaryError; ModelError where the provider would refuse every further call, too (`stops`).
    """
    request, place = plan_programs(index, options)
    try:
        reply = await client.ask(request, place)
    except DeferredError:
        return Proposed(deferred=True)
    except ModelError as error:
        if error.stops:
            raise
        return Proposed(findings=(_finding(index, failure_reason(error), 1),), failed=True)
    judge = _Judge(index, options, prove, known)
    proposals = list(written_out(index, reply.answer))
    for proposal in proposals:
        judge.take(proposal)
    if not proposals:
        judge.dropped["nothing_proposed"] += 1
    return Proposed(
        pairs=tuple(judge.pairs),
        findings=tuple(_finding(index, reason, times) for reason, times in sorted(judge.dropped.items())),
        proposed=len(proposals),
        reworded=judge.reworded,
    )


def written_out(index: SessionIndex, answer: Programs) -> Iterator[ProposedProgram]:
    """Yield all programs of an answer in the long form; a flow that there is not becomes a program without calls."""
    known = flows(index)
    for follow in answer.follows:
        calls: list[Find] = []
        if 1 <= follow.flow <= len(known):
            flow = known[follow.flow - 1]
            start = Where(follow.start_field, follow.start_value, "", "")
            calls = [
                Find("A", flow.maker, "only", [start], "", ""),
                Find("B", flow.user, "only", [Where(flow.target, "", "A", flow.source)], "", ""),
            ]
        yield ProposedProgram(follow.question, calls, "value", "B", follow.ask_field, "")
    for tally in answer.tallies:
        where = [Where(tally.where_field, tally.where_value, "", "")] if tally.where_field else []
        find = Find("A", tally.tool, "all", where, "", "")
        yield ProposedProgram(tally.question, [find], tally.answer, "A", tally.ask_field, "")
    yield from answer.programs


def _finding(index: SessionIndex, reason: str, times: int) -> Finding:
    return Finding(stage=PROPOSALS, reason=reason, session_id=index.trajectory.session_id, count=times)


class _Judge:
    """Keeps of a session's proposals what is proved, and counts what is not, by reason."""

    def __init__(self, index: SessionIndex, options: SynthesisOptions, prove: Prove, known: Sequence[Pair]) -> None:
        self.index, self.options, self.prove = index, options, prove
        self.known = {pair.id for pair in known}
        self.asked = {(pair.question, pair.answer) for pair in known}
        self.values = values_of(index)
        self.pairs: list[Pair] = []
        self.reworded = 0
        self.dropped: Counter[str] = Counter()

    def take(self, proposal: ProposedProgram) -> None:
        """Keep a proposal or count why not."""
        reason = self._take(proposal)
        if reason is not None:
            self.dropped[reason] += 1

    def _take(self, proposal: ProposedProgram) -> str | None:
        draft = draft_of(self.index, proposal)
        if isinstance(draft, str):
            return draft
        candidate = next(finish(self.index, [draft]), None)
        if candidate is None:
            return "program_weak"
        pair = self.prove(candidate, None)
        if pair is None:
            return "program_not_proved"
        if pair.id in self.known or (pair.question, pair.answer) in self.asked:
            return "program_known"
        if len(self.pairs) >= self.options.pairs:
            return "beyond_limit"
        self._keep(self._in_own_words(candidate, pair, proposal.question))
        return None

    def _in_own_words(self, candidate: Candidate, pair: Pair, question: str) -> Pair:
        """Return the pair in the model's words where these provably say the same, else as it is."""
        own = " ".join(question.split())
        if fault_of(own, pair, self.values) is not None:
            return pair
        proved = self.prove(candidate, f"{own} {parts_of(pair.question)[1]}".strip())
        self.reworded += proved is not None
        return proved or pair

    def _keep(self, pair: Pair) -> None:
        self.pairs.append(msgspec.structs.replace(pair, origin=f"program:{self.options.model}"))
        self.known.add(pair.id)
        self.asked.add((pair.question, pair.answer))


def draft_of(index: SessionIndex, proposal: ProposedProgram) -> Draft | str:
    """Return a proposal as a draft of the enumeration, or the reason why it is none."""
    try:
        calls = tuple(_call(index, find) for find in proposal.find)
        answer = _expression(proposal)
        named = [call.name for call in calls]
        family = _family(calls, answer)
        program = ir.Program(version=ir.PROGRAM_VERSION, family=family, calls=calls, answer=answer)
    except _MalformedError:
        return "program_malformed"
    referred = {name for call in calls for name in (call.before, call.after) if name} | {
        b.call for c in calls for b in c.bridges
    }
    if len(set(named)) != len(named) or not {name for name, _ in ir.operands(answer)} | referred <= set(named):
        return "program_malformed"
    trace = run(index, program)
    if trace is None:
        return "program_undefined"
    first = trace.sources[0] if trace.sources else None
    kind = _answer_type(index, answer, trace)
    if isinstance(answer, ir.Get) and (first is None or not is_worth_asking(key_of(first.path), first.text, first.text)):
        return "program_not_worth_asking"
    return Draft(
        family=family,
        calls=calls,
        answer=answer,
        key=key_of(ir.operands(answer)[0][1].path),
        answer_type=kind,
        support=_support(index, program, trace),
        hops=1 + sum(bool(call.bridges) for call in calls),
    )


class _MalformedError(Exception):
    """A proposal that is no program."""


def _call(index: SessionIndex, find: Find) -> ir.Call:
    if find.tool not in index.tools or not find.name:
        raise _MalformedError
    return ir.Call(
        name=find.name,
        tool=find.tool,
        pick=find.pick,
        where=tuple(_condition(where) for where in find.where),
        before=find.before or None,
        after=find.after or None,
    )


def _condition(where: Where) -> ir.Condition:
    path = _field(where.field).path
    value: ir.Literal | ir.Bridge = ir.Literal(where.value)
    if where.from_call:
        value = ir.Bridge(where.from_call, _field(where.from_field))
    elif not where.value:
        raise _MalformedError
    return ir.Condition(path=path, op="eq", value=value)


def _field(path: str) -> ir.Field:
    """Return a field, forgiving a pointer without its first stroke. Raises _MalformedError for anything else."""
    pointer = path if path.startswith("/") else f"/{path}"
    if not pointer.startswith(("/arguments/", "/response")):
        raise _MalformedError
    return ir.Field(path=pointer)


def _expression(proposal: ProposedProgram) -> ir.Expression:
    match proposal.answer:
        case "value":
            return ir.Get(proposal.call, _field(proposal.field))
        case "count":
            return ir.Count(proposal.call)
        case "distinct":
            return ir.Distinct(proposal.call, _field(proposal.field))
        case "sum":
            return ir.Sum(proposal.call, _field(proposal.field))
        case "difference":
            return ir.Difference(*(ir.Get(name, _field(proposal.field)) for name in (proposal.call, proposal.other)))
        case "change":
            return ir.Change(*(ir.Get(name, _field(proposal.field)) for name in (proposal.other, proposal.call)))


def _family(calls: Sequence[ir.Call], answer: ir.Expression) -> Family:
    """Return the family whose gates a program must pass. Raises _MalformedError for a form that no family has."""
    bridged = any(call.bridges for call in calls)
    ordered = any(call.before or call.after for call in calls)
    match answer:
        case ir.Count() | ir.Sum() | ir.Distinct() if len(calls) == 1 and calls[0].pick == "all":
            return "aggregation"
        case ir.Difference() if len(calls) == 2 and not bridged:
            return "comparison" if all(call.pick == "only" for call in calls) else "state_change"
        case ir.Change() if len(calls) == 2 and not bridged:
            return "state_change"
        case ir.Get() if bridged and not ordered:
            return "composition"
        case ir.Get() if ordered and not bridged and len(calls) == 2 and answer.call == calls[1].name:
            return "temporal"
        case _:
            raise _MalformedError


def _answer_type(index: SessionIndex, answer: ir.Expression, trace: Trace) -> AnswerType:
    if isinstance(answer, ir.Change):
        return "change"
    if not isinstance(answer, ir.Get):
        return "number"
    source = trace.sources[0]
    leaf = index.leaf(source.turn, source.path)
    return answer_type_of(source.text if leaf is None else leaf.value, source.text, key_of(source.path))


def _support(index: SessionIndex, program: ir.Program, trace: Trace) -> tuple[int, ...]:
    """Return the turns without which the program gives something else; all that it picks where they are very many."""
    picked = sorted({turn for turns in trace.picked.values() for turn in turns})
    if len(picked) > MAX_MATCHES:
        return tuple(picked)

    def needs(turn: int) -> bool:
        without = run(index, program, Reading(hidden=turn))
        return without is None or without.answer != trace.answer

    return tuple(turn for turn in picked if needs(turn))
