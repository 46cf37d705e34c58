"""What `verify` does: each stored pair's record is checked against its program, and its program is proved on its session."""

from __future__ import annotations

import multiprocessing
import signal
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from itertools import groupby
from multiprocessing.pool import AsyncResult

import msgspec

from trajectory_compiler.dataflow.program import Program, pair_id
from trajectory_compiler.errors import ProgramError, StoreError
from trajectory_compiler.model import GATES, Pair, Trajectory
from trajectory_compiler.pipeline.run import Progress
from trajectory_compiler.pipeline.work import worker_count
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.verification import Session, claim_of, context_end, prove

PAIRS_A_SESSION = 5  # roughly: it decides whether a store is worth more than one process
AHEAD_PER_WORKER = 3
CHECKS = ("record", *GATES)  # `record`: what is stored beside the program agrees with it


class Fallen(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that did not pass, the checks that it failed, and what the checker says."""

    id: str
    qa_type: str
    session_id: str
    failed: tuple[str, ...]
    reasons: tuple[str, ...]


class TypeCount(msgspec.Struct, frozen=True, kw_only=True):
    """How the pairs of one type did: how many there are, how many passed, how many fell at each check."""

    pairs: int
    proved: int
    fallen: dict[str, int]


class VerifyReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. `skipped` pairs have no program to prove, `damage` is what the database's own check found."""

    sound: bool
    pairs: int
    proved: int
    skipped: int
    by_type: dict[str, TypeCount]
    fallen: tuple[Fallen, ...]
    damage: tuple[str, ...]


def reprove(store: Store, progress: Progress, workers: int = 0) -> VerifyReport:
    """Prove every pair of a store that may be shown as a result, over `workers` processes (0: one a core).

    Raises: StoreError: the store cannot be read at all; a pair or session that cannot be read falls by itself.
    Cost: one unpacking per session, about sixty evaluations per pair; memory is a few sessions a process.
    """
    total = sum(1 for _ in store.facts())
    pairs, proved, skipped = Counter[str](), Counter[str](), 0
    by_check: dict[str, Counter[str]] = {}
    fallen: list[Fallen] = []
    sessions = (tuple(group) for _, group in groupby(store.pairs(PairQuery()), key=_session_of))
    for pair, judged in _judged(sessions, store.location, worker_count(workers, total // PAIRS_A_SESSION)):
        if judged is None:
            skipped += 1
            continue
        pairs[pair.qa_type] += 1
        progress("proving", pairs.total() + skipped, total)
        if not judged.failed:
            proved[pair.qa_type] += 1
            continue
        by_check.setdefault(pair.qa_type, Counter()).update(judged.failed)
        fallen.append(
            Fallen(id=pair.id, qa_type=pair.qa_type, session_id=pair.session_id, failed=judged.failed, reasons=judged.reasons)
        )
    damage = store.damage()
    return VerifyReport(
        sound=not fallen and not damage,
        pairs=pairs.total(),
        proved=proved.total(),
        skipped=skipped,
        by_type={
            name: TypeCount(pairs=count, proved=proved[name], fallen=dict(by_check.get(name, {})))
            for name, count in sorted(pairs.items())
        },
        fallen=tuple(fallen),
        damage=damage,
    )


class _Judgement(msgspec.Struct, frozen=True):
    """The checks that a pair failed, and why."""

    failed: tuple[str, ...]
    reasons: tuple[str, ...]


_Judged = list[_Judgement | None]


def _session_of(pair: Pair) -> tuple[str, str, str]:
    return pair.source, pair.session_id, pair.trajectory_digest


def _judged(sessions: Iterable[tuple[Pair, ...]], store: str, workers: int) -> Iterator[tuple[Pair, _Judgement | None]]:
    """Yield every pair with what the checker says, in order; None for a pair without a program."""
    if workers <= 1:
        with Store.open(store, read_only=True) as opened:
            for pairs in sessions:
                yield from zip(pairs, _judge(opened, pairs), strict=True)
        return
    with multiprocessing.get_context("fork").Pool(workers, _begin, (store,)) as pool:
        waiting: deque[tuple[tuple[Pair, ...], AsyncResult[_Judged]]] = deque()
        for pairs in sessions:
            waiting.append((pairs, pool.apply_async(_work, (pairs,))))
            if len(waiting) >= workers * AHEAD_PER_WORKER:
                first, result = waiting.popleft()
                yield from zip(first, result.get(), strict=True)
        for first, result in waiting:
            yield from zip(first, result.get(), strict=True)


_opened: list[Store] = []  # of a worker: a connection must not be carried over a fork


def _begin(store: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _opened[:] = [Store.open(store, read_only=True)]


def _work(pairs: tuple[Pair, ...]) -> _Judged:
    return _judge(_opened[0], pairs)


def _judge(store: Store, pairs: tuple[Pair, ...]) -> _Judged:
    """Judge the pairs of one session, which is unpacked and indexed once."""
    try:
        trajectory = store.trajectory_of(pairs[0])
    except StoreError as error:
        return [_Judgement(("record",), (f"record: {error.seen}",)) for _ in pairs]
    session = Session(trajectory.turns)
    return [None if pair.program is None else _check(pair, trajectory, session) for pair in pairs]


def _check(pair: Pair, trajectory: Trajectory, session: Session) -> _Judgement:
    try:
        claim = claim_of(pair)
    except ProgramError as error:
        return _Judgement(("record",), (f"record: {error.seen}",))
    faults = [f"record: {fault}" for fault in _faults_of_record(pair, claim.program, trajectory, session)]
    proof = prove(claim, session, thorough=True)
    failed = tuple(gate for gate in GATES if proof.gates.get(gate, False) is False)
    return _Judgement((("record",) if faults else ()) + failed, (*faults, *proof.reasons))


def _faults_of_record(pair: Pair, program: Program, trajectory: Trajectory, session: Session) -> Iterator[str]:
    """Yield what a pair's record says that its program or its session does not."""
    if pair.id != pair_id(pair.source, pair.session_id, bytes(pair.program or b""), pair.withheld_turns):
        yield "the id is not that of the program"
    if pair.qa_type != program.family:
        yield "the type is not that of the program"
    if (pair.context_end is not None) != (program.until is not None) or pair.context_end not in (
        None,
        context_end(program, session),
    ):
        yield "the context does not end where the program says"
    turns = trajectory.turns
    rows = tuple(turns[t].row_id if 0 <= t < len(turns) else "" for t in pair.supporting_turns)
    if pair.row_ids != rows:
        yield "the row ids are not those of the supporting turns"
