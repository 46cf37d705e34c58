"""What `verify` does: each stored pair's record is checked against its program, and its program is proved on its session."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from trajectory_compiler.dataflow.program import Program, decode, pair_id
from trajectory_compiler.errors import ProgramError, StoreError
from trajectory_compiler.model import GATES, Pair, Trajectory
from trajectory_compiler.pipeline.run import Progress
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.verification import Claim, Session, context_end, prove

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


def reprove(store: Store, progress: Progress) -> VerifyReport:
    """Prove every pair of a store that may be shown as a result.

    Raises: StoreError: the store cannot be read at all; a pair or session that cannot be read falls by itself.
    Cost: one unpacking per session, about sixty evaluations per pair; memory is one session.
    """
    total = sum(1 for _ in store.facts())
    pairs, proved, skipped = Counter[str](), Counter[str](), 0
    by_check: dict[str, Counter[str]] = {}
    fallen: list[Fallen] = []
    sessions = _Sessions(store)
    for number, pair in enumerate(store.pairs(PairQuery()), start=1):
        progress("proving", number, total)
        if pair.program is None:
            skipped += 1
            continue
        pairs[pair.qa_type] += 1
        failed, reasons = _check(pair, sessions)
        if not failed:
            proved[pair.qa_type] += 1
            continue
        by_check.setdefault(pair.qa_type, Counter()).update(failed)
        fallen.append(
            Fallen(id=pair.id, qa_type=pair.qa_type, session_id=pair.session_id, failed=tuple(failed), reasons=tuple(reasons))
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


class _Sessions:
    """The session of the pair at hand: pairs come session by session, so each is unpacked and indexed once."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._key: tuple[str, str, str] | None = None
        self._trajectory: Trajectory | None = None
        self._session: Session | None = None

    def of(self, pair: Pair) -> tuple[Trajectory, Session]:
        """Return the session that a pair was proved on, as stored and as the checker takes it."""
        key = (pair.source, pair.session_id, pair.trajectory_digest)
        if self._key != key or self._trajectory is None or self._session is None:
            self._trajectory = self._store.trajectory_of(pair)
            self._session = Session(self._trajectory.turns)
            self._key = key
        return self._trajectory, self._session


def _check(pair: Pair, sessions: _Sessions) -> tuple[list[str], list[str]]:
    """Return the checks that a pair fails, and why."""
    assert pair.program is not None
    try:
        program = decode(pair.program)
        trajectory, session = sessions.of(pair)
    except (ProgramError, StoreError) as error:
        return ["record"], [f"record: {error.seen}"]
    faults = [f"record: {fault}" for fault in _faults_of_record(pair, program, trajectory, session)]
    claim = Claim(
        program=program,
        question=pair.question,
        answer=pair.answer,
        answer_type=pair.answer_type,
        evidence=pair.evidence,
        withheld_turns=pair.withheld_turns,
    )
    proof = prove(claim, session, thorough=True)
    failed = [gate for gate in GATES if proof.gates.get(gate, False) is False]
    return (["record"] if faults else []) + failed, [*faults, *proof.reasons]


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
