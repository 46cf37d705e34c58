"""`trajc inspect`: what a log holds, and one suggestion for each problem."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Trajc
from tests.cli.logs import row, write_rows
from trajectory_compiler.cli.survey import InspectReport
from trajectory_compiler.cli.truncation import Truncation
from trajectory_compiler.model import Row


def inspect(trajc: Trajc, log: Path, *options: str) -> InspectReport:
    """Return the report of `inspect --json`."""
    result = trajc("inspect", log, "--json", *options)
    assert result.code == 0, result.err
    return msgspec.json.decode(result.out, type=InspectReport)


def test_a_good_log_is_summed_up(trajc: Trajc, small_log: Path) -> None:
    """Format, columns with how sure they are, sessions, tools and what they do; nothing to complain about."""
    report = inspect(trajc, small_log)
    assert report.format == "JSONL"
    assert {column.role: column.confidence for column in report.columns}["session_id"] == 1
    assert report.qualified == report.sessions > 5
    assert report.turns == report.rows
    assert report.median_turns <= report.longest_turns
    assert any(tool.effect for tool in report.tools)
    text = trajc("inspect", small_log).out
    assert "certain" in text
    assert "changes something (effect)" in text
    assert f"Next: trajc compile {small_log}" in text


def test_the_format_is_named_with_how_sure_it_is(trajc: Trajc, small_log: Path, tmp_path: Path) -> None:
    """The signs by which a format was told are shown, and stand in the JSON."""
    report = inspect(trajc, small_log)
    assert (report.told.format, report.told.sure) == ("JSONL", "likely")
    rollout = tmp_path / "notes.txt"  # told by content, not by name
    message = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "hi"}]}
    meta = {"timestamp": "2026-03-01T09:00:00Z", "type": "session_meta", "payload": {"id": "c0de"}}
    lines = (meta, {"timestamp": "2026-03-01T09:00:01Z", "type": "response_item", "payload": message})
    rollout.write_bytes(b"".join(msgspec.json.encode(line) + b"\n" for line in lines))
    report = inspect(trajc, rollout)
    assert (report.told.format, report.told.sure) == ("Codex rollouts", "certain")
    assert "The format is certain: a session_meta line names the session." in trajc("inspect", rollout).out


def test_nothing_is_stored_and_no_content_is_shown(trajc: Trajc, tmp_path: Path) -> None:
    """Inspecting leaves no file, and the values of a log are not printed: they may not be redacted yet."""
    log = write_rows(tmp_path / "log.jsonl", [row(n, response={"owner": "VALUE-OF-THE-LOG"}) for n in range(8)])
    assert "VALUE-OF-THE-LOG" not in trajc("inspect", log).out
    assert sorted(path.name for path in tmp_path.iterdir()) == ["log.jsonl"]


def test_rows_that_cannot_be_read_are_counted_with_their_places(trajc: Trajc, tmp_path: Path) -> None:
    """A broken line, a row without session and a repeated id each show with a reason in words and where."""
    rows = [row(n) for n in range(8)]
    log = write_rows(tmp_path / "log.jsonl", [*rows, "{broken", {"tool": "x", "id": "y"}, rows[0]])
    left_out = {item.reason: item for item in inspect(trajc, log).left_out}
    assert left_out["unreadable_json"].where == "line 9"
    assert left_out["no_session_id"].dropped
    text = trajc("inspect", log).out
    assert "the line is not JSON" in text
    assert "line 9" in text


def test_short_sessions_are_counted_and_the_option_is_named(trajc: Trajc, tmp_path: Path) -> None:
    """Where no session is long enough, the first suggestion says which option to lower."""
    log = write_rows(tmp_path / "log.jsonl", [row(n, session=f"s-{n % 3}") for n in range(9)])
    report = inspect(trajc, log)
    assert (report.sessions, report.qualified) == (3, 0)
    assert report.suggestions[0] == "No session qualifies: lower --min-turns (now 6)."
    assert inspect(trajc, log, "--min-turns", "3").qualified == 3
    narrowed = inspect(trajc, log, "--agent", "nobody", "--min-turns", "1")
    assert narrowed.suggestions[0] == "No session qualifies: leave out --agent."


def test_a_row_per_session_means_the_wrong_column(trajc: Trajc, tmp_path: Path) -> None:
    """If every row is a session of its own, the session column is what to name."""
    log = write_rows(tmp_path / "log.jsonl", [row(n, session=f"s-{n}") for n in range(9)])
    assert "--column session_id=NAME" in inspect(trajc, log).suggestions[0]


def test_what_is_missing_is_suggested_once(trajc: Trajc, tmp_path: Path) -> None:
    """No stamps, no effects, no outcomes, an unsure column: one sentence each, with the option that helps."""
    rows = [{"thread": "s-1", "tool": "get_ticket", "arguments": {"n": n}, "response": None} for n in range(9)]
    suggestions = inspect(trajc, write_rows(tmp_path / "log.jsonl", rows)).suggestions
    for option in ("session_id=NAME", "created_at=NAME", "--effect TOOL=yes", "success=NAME"):
        assert len([said for said in suggestions if option in said]) == 1, (option, suggestions)
    assert not any(
        "--effect" in said for said in inspect(trajc, tmp_path / "log.jsonl", "--effect", "get_ticket=yes").suggestions
    )


def test_a_writer_that_cuts_is_caught(trajc: Trajc, tmp_path: Path) -> None:
    """Responses that end at exactly 500 characters are named with their field and their length."""
    rows = [row(n, response={"text": (f"word{n} " * 200)[: 500 if n % 2 else 80 + n]}) for n in range(20)]
    report = inspect(trajc, write_rows(tmp_path / "log.jsonl", rows))
    assert [(wall.field, wall.characters, wall.cut) for wall in report.truncation] == [("response text", 500, 10)]
    assert any("exactly 500 characters" in said for said in report.suggestions)


def texts(*given: str) -> Truncation:
    """Return a watcher that has seen these texts as the responses of rows."""
    watcher = Truncation()
    for number, text in enumerate(given):
        watcher.see(Row(id=str(number), session_id="s", created_at=None, agent="a", tool="t", arguments={}, response=text))
    return watcher


@pytest.mark.parametrize(
    ("given", "walls"),
    [
        ([f"{n} some words " * (40 + n) for n in range(9)], 0),
        ([(f"{n} some words " * 40)[:200] for n in range(3)], 1),
        ([(f"{n} some words " * 40)[:200] + "..." for n in range(3)], 1),
        ([(f"{n} some words " * 40)[:512] for n in range(3)], 1),
        ([("the same words " * 40)[:200]] * 9, 0),
        ([(f"{n} some words " * 40)[:237] for n in range(4)], 0),
        ([(f"{n} some words " * 40)[:237] for n in range(12)], 1),
        ([f"{n:064x}" * 3 for n in range(12)], 0),
        ([(f"{n} some words " * 40)[:200] for n in range(3)] + [f"{n} even longer words " * 40 for n in range(2)], 0),
        ([(f"{n} some words " * 40)[:200] for n in range(3)] + [(f"{n} other words " * 40)[: 190 + n] for n in range(6)], 0),
    ],
)
def test_a_wall_is_many_different_texts_of_one_greatest_length(given: list[str], walls: int) -> None:
    """Repeated texts, digests, odd lengths that a few share and lengths that vary are no wall."""
    assert len(texts(*given).walls()) == walls
