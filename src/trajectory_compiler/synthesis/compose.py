"""From a session to pairs: windows, requests, typed answers, checks, pairs that wait to be verified.

planned = plan_calls(index, options, count)                      # nothing is asked: what --dry-run adds up
written = await synthesise(index, client, options, count)        # pairs with state `candidate`, and every drop with its reason
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

import msgspec

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.errors import DeferredError, ModelError
from trajectory_compiler.model import Evidence, Finding, Pair, Proof, short_hash
from trajectory_compiler.models.protocol import CallPlace, ModelClient, ModelName, Request
from trajectory_compiler.synthesis.answers import MOST_PAIRS, Answers, Proposal
from trajectory_compiler.synthesis.duplicates import Known
from trajectory_compiler.synthesis.options import SynthesisOptions, TokenCount
from trajectory_compiler.synthesis.prompts import fenced, instructions
from trajectory_compiler.synthesis.quotes import CHECKS_VERSION, Checked, check
from trajectory_compiler.synthesis.reasons import STAGE, failure_reason
from trajectory_compiler.synthesis.windows import Window, windows_of

PARALLEL = ("aggregation", "comparison", "state_change")  # their turns stand side by side; those of the others form a chain


class PlannedCall(msgspec.Struct, frozen=True, kw_only=True):
    """One call that a session takes. `tokens` are those of instructions and prompt, at a guess."""

    request: Request[Answers]
    place: CallPlace
    window: Window
    tokens: int


class Synthesis(msgspec.Struct, frozen=True, kw_only=True):
    """What asking for pairs of one session gave.

    `proposed` counts what the model wrote in `answered` calls; what is not in `pairs` is in `findings`. `failed` says that a
    call brought no answer, so that the session must be reported as failed and asked again; `deferred` calls are in a batch, and
    nothing is known of the session before the last of them has come back.
    """

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]
    windows: tuple[Window, ...]
    answered: int
    proposed: int
    failed: bool
    deferred: int
    call_ids: tuple[str, ...]


def plan_calls(index: SessionIndex, options: SynthesisOptions, count: TokenCount) -> tuple[PlannedCall, ...]:
    """Return the calls that a session takes, in the order of its windows. Deterministic; asks nothing.

    Raises: OptionError: the model's name or the prompt version is none.
    """
    model = ModelName.parse(options.model)
    told = instructions(options.prompt_version)
    windows = windows_of(index, options, count)
    share = -(-3 * options.pairs // (2 * max(1, len(windows))))  # half more than is kept: some fall
    wanted = min(options.pairs, MOST_PAIRS, max(2, share))
    return tuple(_planned(index, options, window, (model, told, wanted), count) for window in windows)


def _planned(
    index: SessionIndex, options: SynthesisOptions, window: Window, asked: tuple[ModelName, str, int], count: TokenCount
) -> PlannedCall:
    model, told, wanted = asked
    turns = len(index.turns)
    what = f"all {turns} turns of a session" if window.whole else f"a part of a session of {turns} turns"
    prompt = fenced(window.text, f"Here are {what}. Write at most {wanted} {'pair' if wanted == 1 else 'pairs'}.")
    trajectory = index.trajectory
    return PlannedCall(
        request=Request(
            model=model,
            instructions=told,
            prompt=prompt,
            answer_type=Answers,
            max_output_tokens=options.max_output_tokens,
            temperature=options.temperature,
            seed=options.seed,
        ),
        place=CallPlace(
            stage=STAGE,
            prompt_version=options.prompt_version,
            source=trajectory.source,
            session_id=trajectory.session_id,
            row_ids=tuple(index.turns[t].row_id for t in sorted((*window.turns, *window.outlined))),
        ),
        window=window,
        tokens=count(told) + count(prompt),
    )


async def synthesise(
    index: SessionIndex,
    client: ModelClient,
    options: SynthesisOptions,
    count: TokenCount,
    *,
    known: Sequence[Pair] = (),
    split: str = "train",
) -> Synthesis:
    """Ask a model for pairs of one session and keep what passes the checks. All windows are asked at once.

    `known` are the pairs that the session has already, against which duplicates are dropped; `split` is the session's.
    Raises:
        BudgetError, BoundaryError: a call may not be made; calls under way are waited for, so that nothing paid is lost.
        ModelError: the provider would refuse every further call, too (`stops`). Any other failure of a call is a finding.
    """
    planned = plan_calls(index, options, count)
    outcomes = await asyncio.gather(*(client.ask(call.request, call.place) for call in planned), return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and _stops(outcome):
            raise outcome
    sieve = _Sieve(index, options, known, split)
    call_ids: list[str] = []
    deferred = sum(isinstance(outcome, DeferredError) for outcome in outcomes)
    proposals: list[tuple[int, Window, Proposal]] = []
    for call, outcome in zip(planned, outcomes, strict=True):
        if isinstance(outcome, DeferredError):
            continue
        if isinstance(outcome, BaseException):
            sieve.drop(failure_reason(outcome), call.window)
            continue
        call_ids.append(outcome.call_id)
        proposals.extend((place, call.window, proposal) for place, proposal in enumerate(outcome.answer.pairs))
        if not outcome.answer.pairs:
            sieve.drop("nothing_proposed", call.window)
    for _, window, proposal in sorted(proposals, key=lambda p: (p[0], p[1].number)):  # the first of each window first
        sieve.take(window, proposal)
    return Synthesis(
        pairs=tuple(sieve.pairs),
        findings=sieve.findings(),
        windows=tuple(call.window for call in planned),
        answered=len(call_ids),
        proposed=len(proposals),
        failed=len(call_ids) + deferred < len(planned),
        deferred=deferred,
        call_ids=tuple(call_ids),
    )


def _stops(error: BaseException) -> bool:
    """Say whether an error is the run's business: everything but a model's failure to answer this one window."""
    return not isinstance(error, ModelError) or error.stops


class _Sieve:
    """Keeps of a session's proposals what passes, and counts what does not, by reason and window."""

    def __init__(self, index: SessionIndex, options: SynthesisOptions, known: Sequence[Pair], split: str) -> None:
        self.index, self.options, self.split = index, options, split
        self.known = Known(known)
        self.pairs: list[Pair] = []
        self.dropped: Counter[tuple[str, str]] = Counter()

    def take(self, window: Window, proposal: Proposal) -> None:
        """Keep a proposal or count why not."""
        checked = check(proposal, window, self.index)
        if isinstance(checked, str):
            self.drop(checked, window)
            return
        pair = pair_of(checked, self.index, self.options, self.split)
        repeated = self.known.repeats(pair)
        if repeated is not None:
            self.drop(repeated, window)
        elif len(self.pairs) >= self.options.pairs:
            self.drop("beyond_limit", window)
        else:
            if not pair.reasoning:
                self.drop("reasoning_dropped", window)
            self.pairs.append(pair)
            self.known.add(pair)

    def drop(self, reason: str, window: Window) -> None:
        """Count one thing that is not kept."""
        self.dropped[reason, f"window {window.number}"] += 1

    def findings(self) -> tuple[Finding, ...]:
        """Return what was counted."""
        session_id = self.index.trajectory.session_id
        return tuple(
            Finding(stage=STAGE, reason=reason, session_id=session_id, count=times, detail=detail)
            for (reason, detail), times in sorted(self.dropped.items())
        )


def pair_of(checked: Checked, index: SessionIndex, options: SynthesisOptions, split: str) -> Pair:
    """Put a pair together from what passed the checks. It is a candidate until a reader model has tried it."""
    trajectory, proposal, turns = index.trajectory, checked.proposal, checked.turns
    side_by_side = proposal.qa_type in PARALLEL
    return Pair(
        id=prose_id(trajectory.source, trajectory.session_id, proposal.question, checked.evidence),
        source=trajectory.source,
        session_id=trajectory.session_id,
        trajectory_digest=trajectory.digest,
        qa_type=proposal.qa_type,
        program=None,
        question=proposal.question,
        answer=checked.answer.text,
        answer_type=checked.answer.kind,
        evidence=checked.evidence,
        supporting_turns=turns,
        row_ids=tuple(index.turns[t].row_id for t in turns),
        hops=1 if side_by_side else len(turns),
        width=len(turns) if side_by_side else 1,
        span_turns=turns[-1] - turns[0] + 1,
        proof=Proof(gates={}, reasons=(f"written by prompt {options.prompt_version}", f"checked by {CHECKS_VERSION}")),
        origin=f"model:{options.model}",
        split=split,
        reasoning=checked.reasoning,
    )


def prose_id(source: str, session_id: str, question: str, evidence: Sequence[Evidence]) -> str:
    """Return the id of a pair in prose: the same question on the same evidence of the same session has one id anywhere."""
    places = msgspec.json.encode([(quote.turn, quote.path, quote.span, quote.quote) for quote in evidence]).decode()
    return short_hash("prose", source, session_id, places, question)
