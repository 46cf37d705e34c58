"""The `inspect` export runs in the real Inspect AI as it is, and its scorer tells right from wrong."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.exports import ExportRequest, export, parse_context
from trajectory_compiler.store import Store

pytest.importorskip("inspect_ai", reason="inspect-ai is not installed")
# The mock model counts tokens with a vocabulary that tiktoken would download; this one counts characters.
OFFLINE_TIKTOKEN = """
class Encoding:
    def encode(self, text, **options):
        return list(text)


def get_encoding(name):
    return Encoding()
"""


@pytest.fixture
def task_file(tmp_path: Path) -> Path:
    """Export two sessions in the inspect format and give the task file."""
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        for name in ("s-1", "s-2"):
            trajectory = session(name)
            gone = pair(trajectory, 2, qa_type="unanswerable", answer="The log does not say.", withheld_turns=(4,))
            saved(store, pair(trajectory, 1), gone, trajectory=trajectory)
        export(
            store, ExportRequest(format="inspect", created_at=clock(), context=parse_context("full")), tmp_path / "pairs.jsonl"
        )
    return tmp_path / "pairs_task.py"


def _run(task_file: Path, *more: str) -> dict[str, Any]:
    """Run `inspect eval` on the task file in another folder and return the log that it wrote."""
    logs = task_file.parent / "logs"
    command = Path(sys.executable).with_name("inspect")
    offline = task_file.parent / "offline"
    offline.mkdir()
    (offline / "tiktoken.py").write_text(OFFLINE_TIKTOKEN)
    quiet = ("--display", "none", "--log-format", "json", "--log-dir", str(logs))
    done = subprocess.run(
        [str(command), "eval", f"{task_file.parent.name}/{task_file.name}", "--model", "mockllm/model", *quiet, *more],
        cwd=task_file.parent.parent,
        env={**os.environ, "HOME": str(task_file.parent), "PYTHONPATH": str(offline)},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    (log,) = logs.glob("*.json")
    return dict(json.loads(log.read_text()))


def test_inspect_eval_runs_as_it_is(task_file: Path) -> None:
    """`inspect eval pairs_task.py` reads every sample, asks the model once each, and clusters the error by session."""
    log = _run(task_file)
    assert (log["status"], log["eval"]["dataset"]["samples"]) == ("success", 4)
    (scores,) = log["results"]["scores"]
    assert (scores["name"], scores["metrics"]["accuracy"]["value"]) == ("same_value", 0)
    assert scores["metrics"]["stderr"]["params"] == {"cluster": "session_id"}
    assert {"composition", "unanswerable"} <= set(scores["metrics"])
    exported = [json.loads(line) for line in (task_file.parent / "pairs.jsonl").read_text().splitlines()]
    for sample, record in zip(sorted(log["samples"], key=lambda each: str(each["id"])), _by_id(exported), strict=True):
        assert (sample["id"], sample["target"], sample["metadata"]) == (record["id"], record["target"], record["metadata"])
        assert sample["messages"][0]["content"] == record["input"]


def _by_id(records: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return sorted(records, key=lambda each: str(each["id"]))


@pytest.fixture
def task(task_file: Path) -> ModuleType:
    """Give the exported task file as a module."""
    spec = importlib.util.spec_from_file_location("pairs_task", task_file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _accuracy(task: ModuleType, say: Callable[[dict[str, Any]], str]) -> float:
    import inspect_ai  # noqa: PLC0415  # three seconds, only where it is needed
    from inspect_ai.model import ModelOutput, ModelUsage, get_model  # noqa: PLC0415

    records = [json.loads(line) for line in task.DATA.read_text().splitlines()]
    usage = ModelUsage(input_tokens=1, output_tokens=1, total_tokens=2)  # else the mock model downloads a vocabulary to count
    outputs = [ModelOutput.from_content("mockllm/model", say(record)) for record in records]
    for output in outputs:
        output.usage = usage
    (log,) = inspect_ai.eval(
        task.trajectory_questions(),
        model=get_model("mockllm/model", custom_outputs=outputs),
        max_samples=1,
        max_connections=1,
        display="none",
        log_dir=str(task.DATA.parent / "logs"),
    )
    assert log.results is not None
    return float(log.results.scores[0].metrics["accuracy"].value)


def test_gold_answers_score_full_marks(task: ModuleType) -> None:
    """A reader that gives the gold after some steps is right everywhere; one that always abstains, on the unanswerable."""
    assert _accuracy(task, lambda record: f"The steps are clear.\n\nAnswer: {record['target']}") == 1
    assert _accuracy(task, lambda _: "Answer: the log does not say") == 0.5


@pytest.mark.parametrize(
    ("completion", "answer"),
    [
        ("I look.\nAnswer: T-7", "T-7"),
        ("Answer: no\nbut wait\nAnswer: T-7\n", "T-7"),
        ("T-7", "T-7"),
        ("It is\n\nT-7\n", "T-7"),
        ("Answer:\nT-7\nthanks", "T-7"),
        ("", ""),
        ("Answer:", ""),
    ],
)
def test_final_answer(task: ModuleType, completion: str, answer: str) -> None:
    """The answer follows the last mark; without a mark it is the last line."""
    assert task.final_answer(completion) == answer


@pytest.mark.parametrize(
    ("given", "gold", "right"),
    [
        ("1,204.50", "1204.5", True),
        ("`Owner-4`.", "owner-4", True),
        ("The log does not say", "The log does not say.", True),
        ('["b", "a"]', '["a","b"]', True),
        ("a, b", '["a","b"]', False),
        ("old -> new", "old  -> new", True),
        ("owner-41", "owner-4", False),
        ("0012", "12", False),
        ("1.0", "1", True),
        ("100", "1", False),
        ("0", "0.0", True),
    ],
)
def test_same_value(task: ModuleType, given: str, gold: str, *, right: bool) -> None:
    """Case, quotes, a final stop, number format and the order of a list do not matter; everything else does."""
    assert task.same(given, gold) is right
