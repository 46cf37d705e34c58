"""Redacted copies of the recorded logs: the same rows, and a compile of the copy gives the very pairs of the log."""

from __future__ import annotations

import json
from itertools import islice
from pathlib import Path

import pytest

from trajectory_compiler import compile_log
from trajectory_compiler.config import CompileOptions, SourceOptions
from trajectory_compiler.model import Row
from trajectory_compiler.pipeline.redact_log import CopyJob, redact_log
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.changes import changes
from trajectory_compiler.redaction.scan import LABEL
from trajectory_compiler.sources import open_source

# Log -> how many of its rows are taken where nobody asked for a long run.
LOGS = {"tau_airline.jsonl": 500, "uk_agent_log_pii.jsonl": 500, "coding_agent.jsonl": 160, "cloudtrail.jsonl": 1000}
WHOLE = 10**9


def _log(recorded: Path, name: str, folder: Path, rows: int) -> Path:
    """Write the first rows of a recorded log; the labelled one holds each row as text beside its labels."""
    path = folder / name
    with (recorded / name).open(encoding="utf-8") as lines, path.open("w", encoding="utf-8") as copy:
        for line in islice(lines, rows):
            copy.write(line if name != "uk_agent_log_pii.jsonl" else json.loads(line)["text"] + "\n")
    return path


def _copied(log: Path, folder: Path) -> Path:
    folder.mkdir()
    copy = folder / log.name
    with copy.open("wb") as file:
        report = redact_log(
            open_source(str(log), SourceOptions()), CopyJob(policy=load_policy("standard"), goal="write"), file.write
        )
    assert report.rows_written == report.rows > 0
    assert report.blocked == ()
    return copy


def _assert_same_pairs_before_and_after(log: Path, folder: Path) -> None:
    copy = _copied(log, folder)
    before, after = ([(p.id, p.question, p.answer) for p in compile_log(str(path), CompileOptions())] for path in (log, copy))
    assert before == after
    assert len(before) > 10


@pytest.mark.parametrize("name", LOGS)
def test_a_copy_compiles_into_the_pairs_of_its_log(recorded: Path, name: str, tmp_path: Path) -> None:
    """Redacting first and compiling then gives the same pairs, question by question, as compiling the log, which redacts it."""
    _assert_same_pairs_before_and_after(_log(recorded, name, tmp_path, LOGS[name]), tmp_path / "copy")


@pytest.mark.long
@pytest.mark.parametrize("name", LOGS)
def test_a_copy_compiles_into_the_pairs_of_its_whole_log(recorded: Path, name: str, tmp_path: Path) -> None:
    """The same over every row of the recorded logs."""
    _assert_same_pairs_before_and_after(_log(recorded, name, tmp_path, WHOLE), tmp_path / "copy")


@pytest.mark.parametrize("name", LOGS)
def test_a_copy_differs_from_its_log_in_pseudonyms_only(recorded: Path, name: str, tmp_path: Path) -> None:
    """Row by row and field by field: whatever is not as it was holds a pseudonym."""
    log = _log(recorded, name, tmp_path, 200)
    copy = _copied(log, tmp_path / "copy")
    rows, copied = (list(open_source(str(path), SourceOptions()).rows()) for path in (log, copy))
    assert len(rows) == len(copied)
    for before, after in zip(rows, copied, strict=True):
        for field in Row.__struct_fields__:
            for change in changes(getattr(before, field), getattr(after, field)):
                assert LABEL.search(change.after), (field, change.path)
