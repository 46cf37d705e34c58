"""Kill -9 while calls are under way: what was paid for is never paid for again."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.server import serving

QUESTIONS = 60
CONCURRENCY = 3


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.long)])
def test_a_killed_run_pays_again_for_nothing_but_what_was_under_way(tmp_path: Path, root: Path, kills: int) -> None:
    """Killed at random instants and run again until done, each question is paid once, but for those in the air at a kill."""
    drawn = random.Random(kills)
    with serving(ChatCompletions()) as server:
        command = [sys.executable, "-m", "tests.models.killed", str(tmp_path), server.base_url, str(QUESTIONS)]
        for _ in range(kills):
            goal = len(server.questions) + drawn.randint(1, max(1, QUESTIONS // kills))
            child = subprocess.Popen(command, cwd=root, stdout=subprocess.DEVNULL)
            while len(server.questions) < goal and child.poll() is None:
                time.sleep(0.001)
            child.kill()
            child.wait()
        done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    asked = Counter(question.prompt for question in server.questions)
    assert done.stdout.strip() == str(QUESTIONS)
    assert len(asked) == QUESTIONS
    assert len(server.questions) - QUESTIONS <= kills * CONCURRENCY
