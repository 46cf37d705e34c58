"""One session through the passes: redacted turns in, proved pairs and counted drops out."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Callable
from functools import cached_property

import msgspec

from trajectory_compiler.config import COMPILER_VERSION, CompileOptions
from trajectory_compiler.dataflow.candidate import Candidate
from trajectory_compiler.dataflow.enumerate import enumerate_candidates
from trajectory_compiler.dataflow.evidence import evidence_of
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import encode, pair_id
from trajectory_compiler.dataflow.select import Plan, quota, select
from trajectory_compiler.dataflow.wording import explain, word
from trajectory_compiler.model import Finding, Pair, Proof, Trajectory, short_hash
from trajectory_compiler.verification import ABSTENTION, Session, claim_of, prove, session_for_many

SPLITS = (("train", 80), ("dev", 90), ("test", 100))


class Compiled(msgspec.Struct, frozen=True, kw_only=True):
    """What compiling one trajectory gave. `candidates` counts what was enumerated, by family."""

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]
    candidates: dict[str, int]


class Corpus(msgspec.Struct, frozen=True):
    """What a session's compilation needs to know of the log: document frequencies and the number of sessions."""

    frequency: Callable[[str], int]
    sessions: int


def index_of(trajectory: Trajectory, corpus: Corpus) -> SessionIndex:
    """Index a session by the statistics of its log; a pseudonym is as frequent as the value that it stands for."""

    def frequency(value: str) -> int:
        return trajectory.pseudonym_frequency.get(value) or corpus.frequency(value)

    return SessionIndex(trajectory, frequency, corpus.sessions)


def compile_trajectory(trajectory: Trajectory, corpus: Corpus, options: CompileOptions) -> Compiled:
    """Enumerate, select and prove. Every stored pair has passed every gate; what was tried and failed is counted by gate.

    Cost: near-linear in the turns; no model call. Deterministic in its arguments.
    """
    index = index_of(trajectory, corpus)
    candidates = enumerate_candidates(index, options.dataflow)
    prover = Prover(index, split_of(trajectory.session_id, options))
    plan = Plan(quota(len(trajectory.turns), options.dataflow), f"{options.dataflow.seed}/{trajectory.session_id}")
    pairs = select(index, candidates, plan, prover.prove)
    counts = Counter(str(c.family) for c in candidates)
    return Compiled(pairs=tuple(pairs), findings=prover.findings(), candidates=dict(sorted(counts.items())))


class Prover:
    """Turns candidates of one session into proved pairs and counts what falls, by family and gate."""

    def __init__(self, index: SessionIndex, split: str) -> None:
        self.index = index
        self.split = split
        self.failed: Counter[tuple[str, str]] = Counter()

    @cached_property
    def session(self) -> Session:
        """The turns as the checker reads them: read when there is something to prove."""
        return session_for_many(self.index.turns)

    def prove(self, candidate: Candidate, question: str | None = None) -> Pair | None:
        """Return the candidate as a proved pair, or None; `question` replaces the words of the templates."""
        pair = self.draft(candidate)
        if question is not None:
            pair = msgspec.structs.replace(pair, question=question)
        proof = prove(claim_of(pair), self.session)
        if not proof.passed:
            gate = next((g for g, outcome in proof.gates.items() if outcome is False), "unknown")
            self.failed[str(candidate.family), gate] += 1
            return None
        return msgspec.structs.replace(pair, proof=proof, state="proved")

    def draft(self, candidate: Candidate) -> Pair:
        """Word a candidate and put everything of a pair together but its proof."""
        trajectory, program = self.index.trajectory, encode(candidate.program)
        withheld = candidate.withheld
        support = candidate.support
        return Pair(
            id=pair_id(trajectory.source, trajectory.session_id, program, withheld),
            source=trajectory.source,
            session_id=trajectory.session_id,
            trajectory_digest=trajectory.digest,
            qa_type=candidate.family,
            program=msgspec.Raw(program),
            question=word(candidate),
            answer=ABSTENTION if withheld else candidate.trace.answer,
            answer_type="abstention" if withheld else candidate.answer_type,
            evidence=evidence_of(self.index, candidate),
            supporting_turns=support,
            row_ids=tuple(self.index.turns[t].row_id for t in support),
            hops=candidate.hops,
            width=_width(candidate),
            span_turns=support[-1] - support[0] + 1,
            proof=Proof(gates={}),
            split=self.split,
            context_end=_context_end(candidate),
            withheld_turns=withheld,
            reasoning=explain(self.index, candidate),
        )

    def findings(self) -> tuple[Finding, ...]:
        """Return what fell, by gate and family."""
        session_id = self.index.trajectory.session_id
        return tuple(
            Finding(stage="proof", reason=gate, session_id=session_id, count=count, detail=family)
            for (family, gate), count in sorted(self.failed.items())
        )


def _width(candidate: Candidate) -> int:
    """Return how many supporting turns stand side by side: the most that one call node picks, 2 for a comparison of two."""
    support = set(candidate.support)
    widest = max((len(support.intersection(turns)) for turns in candidate.trace.matches.values()), default=1)
    parallel = candidate.hops == 1 and len(candidate.program.calls) == 2
    return max(1, widest, 2 if parallel else 1) if candidate.hops == 1 or widest > 2 else 1


def _context_end(candidate: Candidate) -> int | None:
    """Return where the context of a `next_argument` pair ends: the turn of the effect, which is not shown."""
    until = candidate.program.until
    return None if until is None else candidate.target


def split_of(session_id: str, options: CompileOptions) -> str:
    """Assign a session to train (80%), dev or test (10% each) by a hash that never changes.

    With `split_pattern` sessions that share what the pattern's first group matches (a task, a customer) stay together.
    """
    key = session_id
    if options.split_pattern:
        match = re.search(options.split_pattern, session_id)
        key = (match.group(1) if match.groups() else match.group()) if match else session_id
    bucket = int.from_bytes(hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=4).digest(), "big") % 100
    return next(name for name, end in SPLITS if bucket < end)


def compile_key(snapshot_digest: str, policy_hash: str, options: CompileOptions) -> str:
    """Return the name of everything but the session that pairs depend on: a session is recompiled when it changes."""
    dataflow = msgspec.json.encode(options.dataflow, order="deterministic").decode()
    effects = msgspec.json.encode(options.effects, order="deterministic").decode()
    return short_hash("compile", snapshot_digest, policy_hash, COMPILER_VERSION, dataflow, options.split_pattern or "", effects)
