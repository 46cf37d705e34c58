"""`trajc compile --method acc` and the export of what it gives."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Trajc
from tests.pipeline.test_acc_pairs import write_log

FAST = ("--workers", 1, "--families", "composition")


def test_a_log_becomes_a_data_set_of_the_papers_shape(trajc: Trajc, tmp_path: Path) -> None:
    """Two commands lead from a log to the data set's columns; the first says what it took and why the rest fell."""
    done = trajc("compile", write_log(tmp_path), "--method", "acc", *FAST)
    assert done.code == 0
    assert "acc: the task is the user's first message, the answer the agent's last message.\n" in done.out
    assert "8 sessions, 4 candidate pairs; next: trajc export --origin acc --format acc --context 16k\n" in done.out
    assert "  4 without: the answer is empty, a yes or no, or a phrase of politeness\n" in done.out
    wrote = trajc("export", "--origin", "acc", "--format", "acc", "--context", "1k", "--output", "acc.jsonl")
    assert (wrote.code, wrote.out.splitlines()[0]) == (0, "4 pairs of 4 sessions, context 1k:")
    lines = [json.loads(line) for line in (tmp_path / "acc.jsonl").read_text(encoding="utf-8").splitlines()]
    assert {tuple(line) for line in lines} == {("dialogs", "ground_truth_answer", "context_length")}
    assert "sessions whose task and final answer made no pair" in trajc("stats").out


def test_json_holds_the_stage(trajc: Trajc, tmp_path: Path) -> None:
    """The document has the stage's counts under `acc`, and nothing there by another method."""
    log = write_log(tmp_path)
    document = json.loads(trajc("compile", log, "--method", "acc", "--only-success", "--json", *FAST).out)
    assert document["acc"]["pairs"] == 3
    assert document["acc"]["dropped"] == {"answer_trivial": 4, "failed_session": 1}
    assert "acc" not in json.loads(trajc("compile", log, "--json", *FAST).out)


def test_a_log_without_pairs_says_how_to_overrule(trajc: Trajc, tmp_path: Path) -> None:
    """Where the guess finds no task, the last line names the options."""
    done = trajc("compile", write_log(tmp_path), "--method", "acc", "--task", "start.question", *FAST)
    assert "the task is start.question" in done.out
    assert "0 candidate pairs; overrule with --task (messages, TOOL.ARGUMENT) and --answer (TOOL.ARGUMENT)." in done.out


@pytest.mark.parametrize("option", [("--task", "messages"), ("--answer", "submit.answer"), ("--only-success",)])
def test_options_of_acc_need_the_method(trajc: Trajc, tmp_path: Path, option: tuple[str, ...]) -> None:
    """An option that would do nothing is refused in one sentence."""
    done = trajc("compile", tmp_path / "none.jsonl", *option)
    assert done.code == 2
    assert f"{option[0]} needs --method acc." in done.err


def test_a_field_that_is_none_is_refused_first(trajc: Trajc, tmp_path: Path) -> None:
    """A wrong field stops the command before the log is opened."""
    done = trajc("compile", tmp_path / "none.jsonl", "--method", "acc", "--answer", "gold")
    assert done.code == 2
    assert done.err.startswith("Cannot read --answer: 'gold' is neither last-message nor of the form TOOL.ARGUMENT. ")
