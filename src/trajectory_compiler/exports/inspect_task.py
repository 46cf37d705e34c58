"""The task file that lies beside an `inspect` export, so that `inspect eval NAME_task.py --model M` runs it as it is.

It stands alone: it imports Inspect AI and nothing of this program, so that it runs wherever it is copied to.
"""

from __future__ import annotations

TASK = '''"""Questions over an agent's log, compiled by trajectory-compiler. Run: inspect eval {task_file} --model MODEL"""

import json
import re
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import json_dataset
from inspect_ai.scorer import CORRECT, INCORRECT, Score, Scorer, Target, accuracy, grouped, scorer, stderr
from inspect_ai.solver import TaskState, generate

DATA = Path(__file__).with_name({data_file})
MARK = {mark}


def final_answer(completion: str) -> str:
    """Return what follows the last answer mark, or the last line where there is none."""
    marked = completion.rpartition(MARK)[2] if MARK in completion else completion
    lines = [line.strip() for line in marked.strip().splitlines() if line.strip()]
    return (lines[0] if MARK in completion else lines[-1]) if lines else ""


def plain(answer: str) -> str:
    """Return an answer without what does not change its meaning: case, quotes, emphasis, a final stop, number format."""
    text = re.sub(r"\\s+", " ", answer.strip().rstrip(".").strip("*_`'\\"").rstrip(".").strip().casefold())
    if re.fullmatch(r"[-+]?[0-9][0-9,]*(\\.[0-9]+)?", text):
        number = text.replace(",", "").lstrip("+")
        return (number.rstrip("0").rstrip(".") if "." in number else number) or "0"
    return text


def same(given: str, gold: str) -> bool:
    """Return whether two answers mean the same; the order of a list does not matter."""
    if gold.startswith("["):
        try:
            one, two = json.loads(given), json.loads(gold)
        except ValueError:
            return plain(given) == plain(gold)
        if isinstance(one, list) and isinstance(two, list):
            return sorted(plain(str(item)) for item in one) == sorted(plain(str(item)) for item in two)
    return plain(given) == plain(gold)


@scorer(metrics=[accuracy(), stderr(cluster="session_id"), grouped(accuracy(), "qa_type")])
def same_value() -> Scorer:
    """Score by the value of the final answer. Questions of one session are not independent, so the error is clustered."""

    async def score(state: TaskState, target: Target) -> Score:
        given = final_answer(state.output.completion)
        return Score(value=CORRECT if same(given, target.text) else INCORRECT, answer=given)

    return score


@task
def trajectory_questions() -> Task:
    """Return the task: read the log, answer the question."""
    return Task(dataset=json_dataset(str(DATA)), solver=generate(), scorer=same_value())
'''


def task_source(data_file: str, task_file: str, mark: str) -> str:
    """Return the source of the task file for a data file that lies beside it."""
    source = TASK.replace("{task_file}", task_file.replace("\\", "").replace('"', ""))
    return source.replace("{data_file}", repr(data_file)).replace("{mark}", repr(mark))
