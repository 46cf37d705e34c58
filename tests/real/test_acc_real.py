"""The paper's own compilation on the recorded logs: what they hold of tasks and final answers."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from tests.real.logs import redacted
from trajectory_compiler.dataflow.index import SessionIndex, contains
from trajectory_compiler.model import Pair
from trajectory_compiler.synthesis.acc import compile_acc
from trajectory_compiler.synthesis.acc_trace import without_separators
from trajectory_compiler.synthesis.options import AccOptions


def compiled(log: Path, options: AccOptions) -> tuple[list[Pair], Counter[str]]:
    """Return the pairs of a log, and how many sessions fell by reason."""
    trajectories, snapshot = redacted(log)
    pairs: list[Pair] = []
    reasons: Counter[str] = Counter()
    for trajectory in trajectories:
        made = compile_acc(SessionIndex(trajectory, snapshot.document_frequency, snapshot.sessions), options, "train")
        pairs.extend(made.pairs)
        reasons.update(finding.reason for finding in made.findings)
    return pairs, reasons


def test_airline_sessions_open_with_the_agent(recorded: Path) -> None:
    """The recording begins with the agent's first words, so that the user's first ones are no task, nor taken for one."""
    pairs, reasons = compiled(recorded / "tau_airline.jsonl", AccOptions())
    assert not pairs
    assert set(reasons) == {"task_is_a_reply"}


def test_airline_conversations_give_pairs(recorded: Path) -> None:
    """All that the user says is a task: the answer's values stand in the responses that the pair names, before the answer."""
    pairs, reasons = compiled(recorded / "tau_airline.jsonl", AccOptions(task="messages"))
    assert len(pairs) >= 10
    assert set(reasons) <= {"too_few_pieces", "one_piece_suffices", "answer_too_long", "task_too_long", "no_task"}
    trajectories = {trajectory.session_id: trajectory for trajectory in redacted(recorded / "tau_airline.jsonl")[0]}
    for pair in pairs:
        turns = trajectories[pair.session_id].turns
        assert pair.context_end is not None
        assert len(pair.supporting_turns) >= 2
        assert pair.supporting_turns[-1] < pair.context_end
        assert all(contains(turns[quote.turn].response, quote.quote) for quote in pair.evidence)
        assert any(contains(without_separators(pair.answer), quote.quote) for quote in pair.evidence)


@pytest.mark.parametrize("log", ["coding_agent", "cloudtrail"])
def test_logs_without_messages_give_none(recorded: Path, log: str) -> None:
    """Where nobody speaks there is neither task nor answer, and every session says so."""
    pairs, reasons = compiled(recorded / f"{log}.jsonl", AccOptions())
    assert not pairs
    assert set(reasons) == {"no_answer"}
