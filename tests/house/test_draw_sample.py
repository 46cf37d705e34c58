"""The sample that people judge."""

from __future__ import annotations

import re
from itertools import islice
from pathlib import Path

import pytest

from tools import draw_sample


@pytest.fixture(scope="module")
def logs(recorded: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the first sessions of a recorded log under each of the names that the tool reads."""
    folder = tmp_path_factory.mktemp("logs")
    with (recorded / "tau_airline.jsonl").open() as file:
        rows = list(islice(file, 200))
    for name in draw_sample.LOGS:
        (folder / name).write_text("".join(rows))
    return folder


def draw(logs: Path, folder: Path) -> tuple[str, str]:
    """Draw four pairs a log and return both pages."""
    assert draw_sample.main([str(folder), "--logs", str(logs), "--per-log", "4", "--seed", "3"]) == 0
    return (folder / "blind.md").read_text(), (folder / "key.md").read_text()


def test_the_reader_sees_questions_and_sessions_and_no_answer(logs: Path, tmp_path: Path) -> None:
    """Each question has a session file of its own, and nothing on the blind page tells the gold or what was withheld."""
    blind, key = draw(logs, tmp_path / "sample")
    asked = re.findall(r"^## \d\d\n\n(.*)$", blind, re.MULTILINE)
    files = re.findall(r"^Session: `(.*)`$", blind, re.MULTILINE)
    assert len(asked) == len(files) == 12
    assert asked == re.findall(r"^## \d\d\n\n(.*)$", key, re.MULTILINE)
    assert all((tmp_path / "sample" / file).stat().st_size for file in files)
    assert not re.search(r"^Answer:|supporting|withheld", blind, re.MULTILINE)


def test_the_same_seed_draws_the_same_sample(logs: Path, tmp_path: Path) -> None:
    """Two draws with one seed are equal to the byte."""
    assert draw(logs, tmp_path / "one") == draw(logs, tmp_path / "two")


def test_a_folder_that_exists_is_not_written_into(logs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """An earlier sample is never mixed with a new one."""
    assert draw_sample.main([str(tmp_path), "--logs", str(logs)]) == 2
    assert "exists already" in capsys.readouterr().err
