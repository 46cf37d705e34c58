"""Calibrating a verifier: proved pairs, and each fault planted into them, are read like any pair; the figures are stored."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from functools import partial

import msgspec

from trajectory_compiler.config import COMPILER_VERSION, ModelOptions
from trajectory_compiler.errors import InputError
from trajectory_compiler.model import Pair
from trajectory_compiler.models import ModelName, open_client
from trajectory_compiler.models.surroundings import Surroundings
from trajectory_compiler.pipeline.crew import Crew
from trajectory_compiler.pipeline.reading import progress_after
from trajectory_compiler.pipeline.run import Progress, silent
from trajectory_compiler.pipeline.stored_policies import by_policy, stored_policy
from trajectory_compiler.redaction.outbound import Outbound
from trajectory_compiler.store import PairQuery, Store, StoredCalibration
from trajectory_compiler.store.clock import Clock, utc_now
from trajectory_compiler.verification.readers import Grader, ModelReader, Reader, ReadingOptions, read_pair
from trajectory_compiler.verification.readers.calibration import SOUND, Calibration, Judgement, calibrated
from trajectory_compiler.verification.readers.faults import KINDS, Kind, plant
from trajectory_compiler.verification.readers.judging import ModelJudge


class CalibrationOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which verifier is calibrated on what: `pairs` proved ones, drawn by a seed, each with every fault of `faults`."""

    reader: str
    judge: str
    pairs: int = 30
    faults: tuple[Kind, ...] = KINDS
    seed: int = 0
    thorough: bool = False
    source: str | None = None


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """One pair to be judged: what was planted into it (`sound`: nothing)."""

    kind: str
    pair: Pair


def cases(store: Store, options: CalibrationOptions) -> list[Case]:
    """Return the sound pairs and those with faults, in the order of the draw; faults that leave the truth as it was stay out.

    Raises: InputError: the store holds no proved pair with a program and an answer.
    """
    drawn = store.pairs(PairQuery(states=("proved", "reviewed"), seed=options.seed, source=options.source))
    sound = (pair for pair in drawn if pair.program is not None and pair.answer_type != "abstention")
    found = [case for pair, _ in zip(sound, range(options.pairs), strict=False) for case in _of(store, pair, options)]
    if not found:
        raise InputError("calibrate a reader", "the store holds no proved pair", "Compile a log first: trajc compile LOG")
    return found


def _of(store: Store, pair: Pair, options: CalibrationOptions) -> Iterator[Case]:
    turns = store.trajectory_of(pair).turns
    yield Case(kind=SOUND, pair=pair)
    for kind in options.faults:
        fault = plant(kind, pair, turns, options.seed)
        if fault is not None and fault.changes_truth:
            yield Case(kind=kind, pair=fault.pair)


def calibrate(
    store: Store,
    options: CalibrationOptions,
    models: ModelOptions,
    progress: Progress = silent,
    surroundings: Surroundings | None = None,
    clock: Clock = utc_now,
) -> Calibration:
    """Have a model read all cases and store the figures.

    Raises: InputError: there is nothing to read. BudgetError, BoundaryError, ModelError: the run cannot go on; what was
    answered is in the cache, so the next run goes on where this one ended.
    """
    with store.lock(f"calibrate {options.reader}"):
        chosen = cases(store, options)
        run_id = store.begin_run("calibrate", options.source or "", msgspec.json.encode(options).decode(), COMPILER_VERSION)
        try:
            judged = asyncio.run(_ask(store, options, (models, surroundings or Surroundings()), (run_id, chosen), progress))
        except BaseException as error:
            cut = isinstance(error, KeyboardInterrupt | asyncio.CancelledError)
            store.finish_run(run_id, "interrupted" if cut else "failed", {})
            raise
        figures = calibrated(judged, options.reader, options.judge, full=options.thorough, seed=options.seed)
        store.save_calibration(
            run_id,
            StoredCalibration(
                reader=options.reader,
                judge=options.judge,
                key=figures.key,
                figures=msgspec.json.encode(figures).decode(),
                created_at=clock(),
            ),
        )
        store.finish_run(run_id, "done", {"cases": len(judged), "readings": figures.readings})
    return figures


async def _ask(
    store: Store,
    options: CalibrationOptions,
    reached: tuple[ModelOptions, Surroundings],
    work: tuple[str, Sequence[Case]],
    progress: Progress,
) -> list[Judgement]:
    run_id, chosen = work
    judged: list[Judgement] = []
    for policy_hash, group in by_policy(store, chosen, lambda case: case.pair).items():
        scan = Outbound(stored_policy(store, policy_hash), f"ask model '{options.reader}'")
        async with open_client(reached[0], store.call_ledger(run_id), scan, reached[1]) as client:
            name, judge = ModelName.parse(options.reader), ModelName.parse(options.judge)
            client.check(name)
            client.check(judge)
            reader = ModelReader(client, name, client.context_tokens(name))
            grader = Grader(ModelJudge(client, judge))
            crew = Crew(iter(group), progress_after(progress, len(judged), len(chosen)), len(group))
            await crew.work(partial(_judge, store, (reader, grader), options, judged))
        crew.raise_if_stopped()
    return judged


async def _judge(
    store: Store, who: tuple[Reader, Grader], options: CalibrationOptions, judged: list[Judgement], case: Case
) -> None:
    turns = store.trajectory_of(case.pair).turns
    found = await read_pair(case.pair, turns, *who, ReadingOptions(full=options.thorough))
    judged.append(Judgement(kind=case.kind, session=f"{case.pair.source}/{case.pair.session_id}", found=found))
