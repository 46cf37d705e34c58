"""The stage that has stored pairs read by a model: the gates for prose, and a check of the reader on proved pairs.

Pairs in prose move between `candidate`, `tested` and `rejected` by what the reader answers, once a calibration has shown that
its word is worth something. Proved pairs are read as well, on a sample: their truth is known, so where the reader disagrees it
is the reader that errs. They keep their state. Each pair is written in a transaction of its own, each call before its answer is
used.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import datetime
from functools import partial
from itertools import islice
from typing import Literal

import msgspec

from trajectory_compiler.config import COMPILER_VERSION, ModelOptions, VerificationOptions
from trajectory_compiler.model import Pair, State, Trajectory, short_hash
from trajectory_compiler.models import Client, ModelName, estimate, open_client
from trajectory_compiler.models.surroundings import Surroundings
from trajectory_compiler.pipeline.crew import Crew
from trajectory_compiler.pipeline.run import Progress, silent
from trajectory_compiler.pipeline.stored_policies import by_policy, stored_policy
from trajectory_compiler.redaction.outbound import Outbound
from trajectory_compiler.store import PairQuery, ReadingResult, Store
from trajectory_compiler.verification.readers import Grader, ModelReader, ReaderProof, ReadingOptions, read_pair
from trajectory_compiler.verification.readers.calibration import Calibration, calibration_key, is_trusted
from trajectory_compiler.verification.readers.judging import ModelJudge
from trajectory_compiler.verification.readers.reader import reading_request
from trajectory_compiler.verification.readers.views import Visible, views

Only = Literal["new", "failed", "all"]
PROSE_STATES: tuple[State, ...] = ("candidate", "tested", "rejected")
LONG_VIEWS = ("uncited", "full", "full_reversed")


class ReadOptions(msgspec.Struct, frozen=True, kw_only=True):
    """What is read by whom. `dataflow` proved pairs are read to check the reader; `limit` bounds the pairs in prose."""

    reader: str
    judge: str
    only: Only = "new"
    limit: int | None = None
    dataflow: int = 20
    seed: int = 0
    thorough: bool = False


class ReadPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What reading would take at most, were no pair to fail early."""

    pairs: int
    readings: int
    input_tokens: int
    cost_pico_usd: int | None


class GateLine(msgspec.Struct, frozen=True, kw_only=True):
    """How the pairs of one origin did at one gate; `untried` ones fell before it. The cost is that of the gate's calls."""

    origin: str
    gate: str
    passed: int
    failed: int
    undecided: int
    untried: int


class ReadRun(msgspec.Struct, frozen=True, kw_only=True):
    """What the stage did. `disagreed` are proved pairs that the reader let fall; `trusted` says whether it may move pairs.

    `readings` of `planned` were made: the rest was saved by stopping early. `cost_by_gate` holds pico-dollars, null if unknown.
    """

    run_id: str
    reader: str
    judge: str
    trusted: bool
    pairs: int
    passed: int
    failed: int
    undecided: int
    tested: int
    rejected: int
    readings: int
    planned: int
    judged: int
    gates: tuple[GateLine, ...]
    disagreed: tuple[str, ...]
    calls_by_gate: dict[str, int]
    cost_by_gate: dict[str, int | None]
    stopped: str


class ReadingStage:
    """A reader over stored pairs. `go` asks it, `planned` only says what that would take."""

    def __init__(
        self,
        store: Store,
        options: ReadOptions,
        models: ModelOptions,
        verification: VerificationOptions,
        surroundings: Surroundings | None = None,
    ) -> None:
        self._store, self._options, self._models, self._verification = store, options, models, verification
        self._world = surroundings or Surroundings()
        self.checker = f"reader:{options.reader}"
        self.trusted = not verification.require_calibration or self._is_calibrated()
        self._grader = Grader()
        self._found: list[tuple[Pair, ReaderProof]] = []
        self._moved: Counter[State] = Counter()

    def _is_calibrated(self) -> bool:
        keys = {calibration_key(full=full, judge=self._options.judge) for full in (True, False)}
        known = [c for c in self._store.calibrations() if c.reader == self._options.reader and c.key in keys]
        if not known:
            return False
        newest = msgspec.json.decode(known[-1].figures, type=Calibration)
        return is_trusted(newest, self._verification.min_detection, self._verification.max_false_rejection)

    def pairs(self) -> list[Pair]:
        """Return the pairs to read: those in prose by id, then a seeded sample of proved ones."""
        known = {reading.pair_id: reading for reading in self._store.readings(self.checker)}

        def wanted(pair: Pair) -> bool:
            before = known.get(pair.id)
            if self._options.only == "all":
                return True
            fell = before is not None and False in before.gates.values()
            return fell if self._options.only == "failed" else before is None

        prose = (p for p in self._store.pairs(PairQuery(states=PROSE_STATES)) if p.program is None and wanted(p))
        drawn = (
            self._store.pairs(PairQuery(states=("proved", "reviewed"), seed=self._options.seed))
            if self._options.dataflow
            else ()
        )
        proved = (p for p in drawn if p.program is not None and wanted(p))
        return [*islice(prose, self._options.limit), *islice(proved, self._options.dataflow)]

    def reads_in_full(self, pair: Pair) -> bool:
        """Say whether a pair is of the sample whose full context is read: by a hash of its id, the same in every run."""
        share = int(short_hash("full", pair.id)[:8], 16) / 0xFFFFFFFF
        return self._options.thorough or share < self._verification.full_share

    def planned(self, now: datetime) -> ReadPlan:
        """Add up what would be sent at most. Asks nothing."""
        model = ModelName.parse(self._options.reader)
        readings = tokens = 0
        cost: int | None = 0
        chosen = self.pairs()
        for pair in chosen:
            visible = Visible(pair, self._store.trajectory_of(pair).turns)
            for view in views(pair, visible, full=self.reads_in_full(pair)):
                one = estimate(reading_request(model, pair, visible, view), self._models, now)
                readings, tokens = readings + 1, tokens + one.input_tokens
                cost = None if cost is None or one.cost_pico_usd is None else cost + one.cost_pico_usd
        return ReadPlan(pairs=len(chosen), readings=readings, input_tokens=tokens, cost_pico_usd=cost)

    def go(self, progress: Progress = silent) -> ReadRun:
        """Read every chosen pair and write what came of it.

        Raises: ModelError, BoundaryError: further calls are pointless or forbidden; what was read until then is saved. Running
        out of budget is no error: `stopped` says so.
        """
        with self._store.lock(f"have pairs read by {self._options.reader}"):
            told = msgspec.json.encode(self._options).decode()
            run_id = self._store.begin_run("verify", "", told, COMPILER_VERSION)
            totals: dict[str, int] = {}
            try:
                stopped = asyncio.run(self._read_all(run_id, progress))
            except BaseException as error:
                cut = isinstance(error, KeyboardInterrupt | asyncio.CancelledError)
                self._store.finish_run(run_id, "interrupted" if cut else "failed", {"pairs": len(self._found)})
                raise
            summary = self._summary(run_id, stopped)
            totals = {"pairs": summary.pairs, "passed": summary.passed, "failed": summary.failed}
            self._store.finish_run(run_id, "failed" if stopped else "done", totals)
            return summary

    async def _read_all(self, run_id: str, progress: Progress) -> str:
        waiting = self.pairs()
        done = 0
        for policy_hash, pairs in by_policy(self._store, waiting, lambda pair: pair).items():
            scan = Outbound(stored_policy(self._store, policy_hash), f"ask model '{self._options.reader}'")
            async with open_client(self._models, self._store.call_ledger(run_id), scan, self._world) as client:
                reader = self._opened(client)
                crew = Crew(iter(pairs), progress_after(progress, done, len(waiting)), len(pairs))
                await crew.work(partial(self._read, reader, run_id))
            done += len(pairs)
            if crew.stopped:
                return crew.stopped
        return ""

    def _opened(self, client: Client) -> ModelReader:
        name, judge = ModelName.parse(self._options.reader), ModelName.parse(self._options.judge)
        client.check(name)
        client.check(judge)
        self._grader = Grader(ModelJudge(client, judge))
        return ModelReader(client, name, client.context_tokens(name))

    async def _read(self, reader: ModelReader, run_id: str, pair: Pair) -> None:
        trajectory: Trajectory = self._store.trajectory_of(pair)
        options = ReadingOptions(full=self.reads_in_full(pair))
        found = await read_pair(pair, trajectory.turns, reader, self._grader, options)
        state = self._state(pair, found)
        result = ReadingResult(
            run_id=run_id, pair_id=pair.id, checker=self.checker, proof=found.proof, score=found.score, state=state
        )
        self._store.save_reading(result)
        self._found.append((pair, found))
        if state is not None and state != pair.state:
            self._moved[state] += 1

    def _state(self, pair: Pair, found: ReaderProof) -> State | None:
        """Return the state that a pair in prose gets; None leaves it: a program's is decided exactly, or nobody may move it."""
        if pair.program is not None or not self.trusted:
            return None
        states: dict[str, State] = {"passed": "tested", "failed": "rejected", "undecided": "candidate"}
        return states[found.outcome]

    def _summary(self, run_id: str, stopped: str) -> ReadRun:
        outcomes = Counter(found.outcome for _, found in self._found)
        calls: Counter[str] = Counter()
        costs: dict[str, int | None] = {}
        for call in self._store.calls():
            if call.run_id == run_id and not call.from_cache:
                gate = call.stage.partition("/")[2]
                calls[gate] += 1
                known, price = costs.get(gate, 0), call.usage.cost_pico_usd
                costs[gate] = None if known is None or price is None else known + price
        return ReadRun(
            run_id=run_id,
            reader=self._options.reader,
            judge=self._options.judge,
            trusted=self.trusted,
            pairs=len(self._found),
            passed=outcomes["passed"],
            failed=outcomes["failed"],
            undecided=outcomes["undecided"],
            tested=self._moved["tested"],
            rejected=self._moved["rejected"],
            readings=sum(len(found.taken) for _, found in self._found),
            planned=sum(found.planned for _, found in self._found),
            judged=self._grader.judged,
            gates=gate_lines(self._found),
            disagreed=tuple(p.id for p, found in self._found if p.program is not None and found.outcome == "failed"),
            calls_by_gate=dict(calls),
            cost_by_gate=costs,
            stopped=stopped,
        )


def gate_lines(found: list[tuple[Pair, ReaderProof]]) -> tuple[GateLine, ...]:
    """Return the table of origin x gate x outcome."""
    lines = []
    for origin in dict.fromkeys(pair.origin.partition(":")[0] for pair, _ in found):
        proofs = [proof for pair, proof in found if pair.origin.partition(":")[0] == origin]
        for gate in dict.fromkeys(name for proof in proofs for name in proof.proof.gates if name != "causal"):
            went = Counter(proof.proof.gates.get(gate, "untried") for proof in proofs)
            lines.append(
                GateLine(
                    origin=origin,
                    gate=gate,
                    passed=went[True],
                    failed=went[False],
                    undecided=went[None],
                    untried=went["untried"],
                )
            )
    return tuple(lines)


def progress_after(progress: Progress, before: int, whole: int) -> Progress:
    """Return a progress that counts on from what earlier groups did."""

    def told(stage: str, done: int, total: int | None) -> None:
        del total
        progress(stage, before + done, whole)

    return told
