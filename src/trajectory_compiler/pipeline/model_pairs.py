"""The stage after the dataflow compiler: what a model adds to stored sessions. Pairs in prose, or another wording.

It reads redacted sessions out of the store, some at a time, and writes each back in a transaction of its own. Every answer of a
model is in the store before it is used, so a run that is stopped at any instant pays for nothing twice: the next one finds the
answers there and makes the same pairs of them.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from contextlib import AbstractAsyncContextManager
from datetime import datetime
from typing import Any, Literal

import msgspec

from trajectory_compiler.config import COMPILER_VERSION, CompileOptions, ModelOptions
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Finding, Pair, render, short_hash
from trajectory_compiler.models import Client, ModelName, Request, estimate, estimate_tokens, open_client
from trajectory_compiler.models.batching import BatchClient
from trajectory_compiler.models.opening import open_batch_client
from trajectory_compiler.models.surroundings import Surroundings
from trajectory_compiler.pipeline.crew import Crew
from trajectory_compiler.pipeline.run import Progress, RunSummary, silent
from trajectory_compiler.pipeline.selected import SelectedSessions
from trajectory_compiler.pipeline.session import Prover, split_of
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.outbound import Outbound
from trajectory_compiler.store import PairQuery, StageResult, Store, StoredSession
from trajectory_compiler.synthesis import SynthesisOptions, paraphrase, plan_calls, synthesise
from trajectory_compiler.synthesis.options import fitted
from trajectory_compiler.synthesis.programs import PROGRAM_PROMPT, plan_programs, propose
from trajectory_compiler.synthesis.prompts import instructions
from trajectory_compiler.synthesis.quotes import CHECKS_VERSION
from trajectory_compiler.verification import claim_of, prove, session_for_many

SCHEMA_TOKENS = 400  # of the answer's form, which some providers are shown as text
CURRENT = PairQuery(states=("candidate", "proved", "tested", "reviewed"))
Work = Literal["pairs", "programs", "paraphrase"]
ORIGINS: dict[Work, str] = {"pairs": "model", "programs": "program", "paraphrase": "paraphrase"}
STAGES: dict[Work, str] = {"pairs": "synthesis", "programs": "proposals", "paraphrase": "paraphrase"}


class ModelRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage did. `skipped` sessions were done before; `failed` ones had a call without a usable answer.

    `deferred` ones wait for a batch, whose answers a later run collects. `cost_pico_usd` is None where a call has no known
    price. `reasons` counts why nothing, or less, came of calls, by the names of `synthesis.REASONS`. `stopped` says why
    sessions were left for the next run, or nothing; `problems` what went wrong with a batch.
    """

    run_id: str
    model: str
    sessions: int
    done: int
    skipped: int
    failed: int
    deferred: int
    proposed: int
    kept: int
    calls: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost_pico_usd: int | None
    stopped: str
    reasons: dict[str, int] = {}
    problems: tuple[str, ...] = ()


class Estimated(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage would send and cost at most: `--dry-run`. `whole_tokens` is what sending whole sessions would take."""

    model: str
    sessions: int
    calls: int
    input_tokens: int
    output_tokens: int
    whole_tokens: int
    cost_pico_usd: int | None


class ModelStage:
    """A model over the sessions that a compile run selected. `go` asks it, `planned` only says what that would take."""

    def __init__(
        self,
        store: Store,
        compiled: RunSummary,
        options: tuple[CompileOptions, SynthesisOptions, ModelOptions],
        work: Work = "pairs",
        surroundings: Surroundings | None = None,
        *,
        batch: bool = False,
    ) -> None:
        self._store = store
        self._source = compiled.source
        self._compile, self._given, self._models = options
        self._asked = self._given  # with windows that the model can read, once that is known
        self._world = surroundings or Surroundings()
        self._work = work
        self._batch = batch
        self._problems: tuple[str, ...] = ()
        self._reasons: Counter[str] = Counter()
        self._origin = f"{ORIGINS[work]}:{self._asked.model}"
        self._selected = SelectedSessions(store, compiled)
        self._key = self._named()
        self.counts = dict.fromkeys(("done", "failed", "deferred", "proposed", "kept"), 0)

    def _named(self) -> str:
        """Return the name of everything but the session that the pairs depend on."""
        asked = msgspec.json.encode(self._given, order="deterministic").decode()
        return short_hash("stage", self._work, asked, self._selected.snapshot_digest, COMPILER_VERSION, CHECKS_VERSION)

    def planned(self, now: datetime) -> Estimated:
        """Add up what would be sent and what it would cost at most. Asks nothing."""
        calls = tokens = output = whole = 0
        cost: int | None = 0
        waiting = self._selected.waiting(self._origin, self._key)
        for session in waiting:
            index = self._selected.index(self._store.trajectory(session.digest))
            whole += sum(estimate_tokens(render(turn)) for turn in index.turns)
            for request in self._requests(index):
                one = estimate(request, self._models, now)
                calls, tokens, output = calls + 1, tokens + one.input_tokens, output + one.output_tokens
                cost = None if cost is None or one.cost_pico_usd is None else cost + one.cost_pico_usd
        return Estimated(
            model=self._asked.model,
            sessions=len(waiting),
            calls=calls,
            input_tokens=tokens,
            output_tokens=output,
            whole_tokens=whole,
            cost_pico_usd=cost,
        )

    def go(self, progress: Progress = silent) -> ModelRun:
        """Ask the model for every waiting session and save what it gives.

        Raises: ModelError, BoundaryError: further calls are pointless or forbidden; what was done until then is saved. Running
        out of budget is no error: `stopped` says so.
        """
        with self._store.lock(f"ask {self._asked.model} about {self._source}"):
            options = msgspec.json.encode(self._asked).decode()
            run_id = self._store.begin_run(f"ask-{self._work}", self._source, options, COMPILER_VERSION)
            try:
                summary = asyncio.run(self._ask_all(run_id, progress))
            except BaseException as error:
                stopped = isinstance(error, KeyboardInterrupt | asyncio.CancelledError)
                self._store.finish_run(run_id, "interrupted" if stopped else "failed", self.counts)
                raise
            self._store.finish_run(run_id, "failed" if summary.stopped else "done", self.counts)
            return summary

    async def _ask_all(self, run_id: str, progress: Progress) -> ModelRun:
        policy = load_policy(self._compile.policy, self._compile.policy_reason)
        scan = Outbound(policy, f"ask model '{self._asked.model}'")
        async with self._client(run_id, scan) as client:
            name = ModelName.parse(self._asked.model)
            client.check(name)
            version = PROGRAM_PROMPT if self._work == "programs" else self._given.prompt_version
            told = estimate_tokens(instructions(version)) + SCHEMA_TOKENS
            self._asked = fitted(self._given, client.context_tokens(name), told)
            if isinstance(client, BatchClient):
                self._problems = (await client.collect()).problems
            waiting = self._selected.waiting(self._origin, self._key)
            crew = Crew(iter(waiting), progress, len(waiting))
            try:
                await crew.work(lambda session: self._session(client, run_id, session))
            finally:
                if isinstance(client, BatchClient) and client.queued:
                    await client.submit()
        return self._summary(run_id, waiting, crew.stopped)

    def _client(self, run_id: str, scan: Outbound) -> AbstractAsyncContextManager[Client]:
        ledger = self._store.call_ledger(run_id)
        opened = open_batch_client if self._batch else open_client
        return opened(self._models, ledger, scan, self._world)

    async def _session(self, client: Client, run_id: str, session: StoredSession) -> None:
        trajectory = self._store.trajectory(session.digest)
        index = self._selected.index(trajectory)
        query = msgspec.structs.replace(CURRENT, source=self._source, session=session.session_id)
        known = list(self._store.pairs(query))
        works = {"pairs": self._written, "programs": self._proved, "paraphrase": self._reworded}
        made = await works[self._work](client, index, known)
        if made is None:
            self.counts["deferred"] += 1
            return
        pairs, findings, failed = made
        for finding in findings:
            self._reasons[finding.reason] += finding.count
        self._store.save_stage(
            StageResult(
                run_id=run_id,
                trajectory=trajectory,
                stage=STAGES[self._work],
                origin=self._origin,
                key=self._key,
                pairs=pairs,
                findings=findings,
                failed=failed,
            )
        )
        self.counts["failed" if failed else "done"] += 1

    async def _written(self, client: Client, index: SessionIndex, known: list[Pair]) -> _Made | None:
        others = [pair for pair in known if pair.origin != self._origin]
        split = split_of(index.trajectory.session_id, self._compile)
        made = await synthesise(index, client, self._asked, estimate_tokens, known=others, split=split)
        if made.deferred:
            return None
        self.counts["proposed"] += made.proposed
        self.counts["kept"] += len(made.pairs)
        return made.pairs, made.findings, made.failed

    async def _proved(self, client: Client, index: SessionIndex, known: list[Pair]) -> _Made | None:
        others = [pair for pair in known if pair.origin != self._origin]
        prover = Prover(index, split_of(index.trajectory.session_id, self._compile))
        made = await propose(index, client, self._asked, prover.prove, others)
        if made.deferred:
            return None
        self.counts["proposed"] += made.proposed
        self.counts["kept"] += len(made.pairs)
        return made.pairs, made.findings, made.failed

    async def _reworded(self, client: Client, index: SessionIndex, known: list[Pair]) -> _Made | None:
        proved = [pair for pair in known if pair.origin == "dataflow" and pair.state == "proved"]
        session = session_for_many(index.turns)

        def proved_anew(pair: Pair) -> Pair | None:
            proof = prove(claim_of(pair), session)
            return msgspec.structs.replace(pair, proof=proof) if proof.passed else None

        made = await paraphrase(proved, index, client, self._asked, proved_anew)
        self.counts["proposed"] += len(proved)
        self.counts["kept"] += len(made.reworded)
        reworded = set(made.reworded)
        changed = tuple(pair for pair in made.pairs if pair.id in reworded)
        return changed, made.findings, made.failed

    def _requests(self, index: SessionIndex) -> list[Request[Any]]:
        """Return what a session would be asked; of a paraphrase, which asks back, nothing is known beforehand."""
        if self._work == "programs":
            return [plan_programs(index, self._asked)[0]]
        return [call.request for call in plan_calls(index, self._asked, estimate_tokens)] if self._work == "pairs" else []

    def _summary(self, run_id: str, waiting: list[StoredSession], stopped: str) -> ModelRun:
        spent = next((line for line in self._store.costs("run") if line.key == run_id), None)
        return ModelRun(
            run_id=run_id,
            model=self._asked.model,
            sessions=len(self._selected.sessions),
            skipped=len(self._selected.sessions) - len(waiting),
            calls=spent.paid if spent else 0,
            cached=spent.cached if spent else 0,
            input_tokens=spent.input_tokens if spent else 0,
            output_tokens=spent.output_tokens if spent else 0,
            cost_pico_usd=0 if spent is None else None if spent.unknown else spent.cost_pico_usd,
            stopped=stopped,
            reasons=dict(self._reasons.most_common()),
            problems=self._problems,
            **self.counts,
        )


_Made = tuple[tuple[Pair, ...], tuple[Finding, ...], bool]
