"""A long session of the demo's telephony agent, redacted, indexed, and compiled, once for all tests."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import msgspec
import pytest

from trajectory_compiler.config import CompileOptions, SessionOptions, SourceOptions
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.model import Pair
from trajectory_compiler.pipeline.session import Corpus, compile_trajectory
from trajectory_compiler.pipeline.snapshot import take_snapshot
from trajectory_compiler.redaction import Boundary, load_policy, redact
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sessions.effects import is_effect
from trajectory_compiler.sources import open_source
from trajectory_compiler.verification import Claim, Session, prove


class Telephony(NamedTuple):
    """The session, its proved pairs, and the proof of a pair with a new wording."""

    session: SessionIndex
    pairs: tuple[Pair, ...]
    prove: Callable[[Pair], Pair | None]


@pytest.fixture(scope="session")
def telephony(tmp_path_factory: pytest.TempPathFactory) -> Telephony:
    """Compile the longest session in which the demo's telephony agent works on more than 100 turns."""
    log = tmp_path_factory.mktemp("demo") / "log.jsonl"
    write_demo_log(log)
    index = index_of_longest(log, SessionOptions(agent="telephony-setup", min_turns=100))
    corpus = Corpus(lambda _: 1, 10)
    turns = Session(index.turns)

    def proved(pair: Pair) -> Pair | None:
        assert pair.program is not None
        claim = Claim(
            program=decode(pair.program),
            question=pair.question,
            answer=pair.answer,
            answer_type=pair.answer_type,
            evidence=pair.evidence,
            withheld_turns=pair.withheld_turns,
        )
        proof = prove(claim, turns)
        return msgspec.structs.replace(pair, proof=proof) if proof.passed else None

    return Telephony(index, compile_trajectory(index.trajectory, corpus, CompileOptions()).pairs, proved)


def index_of_longest(log: Path, options: SessionOptions) -> SessionIndex:
    """Redact and index the longest session that qualifies."""
    sessions = open_sessions(open_source(str(log), SourceOptions()), options)
    snapshot = take_snapshot(sessions, lambda _: None)
    boundary = Boundary(lambda row: row.kind == "tool" and is_effect(row.tool, {}), snapshot.document_frequency)
    longest = max(sessions, key=lambda raw: len(raw.rows))
    trajectory = redact(longest, load_policy("standard"), boundary)
    return SessionIndex(trajectory, snapshot.document_frequency, snapshot.sessions)
