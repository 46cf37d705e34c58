"""`trajc compile` and `trajc demo`: the line that a run ends in, its JSON, its page."""

from __future__ import annotations

import json
import re
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Trajc
from tests.cli.logs import row, write_rows
from trajectory_compiler.cli import demo as demo_command
from trajectory_compiler.cli.compiling import summary_line
from trajectory_compiler.demo import DemoSummary
from trajectory_compiler.pipeline import RunSummary
from trajectory_compiler.store import Store

LINE = re.compile(
    r"(\d+) sessions, (\d+) proved, [\d,]+ dropped \(why: trajc stats\), \$0, nothing left this machine, next: trajc audit\n"
)


class CompileDocument(RunSummary, frozen=True, kw_only=True):
    """The document of `compile --json`."""

    store: str
    cost_usd: float
    html: str = ""


def test_a_run_ends_in_one_line(trajc: Trajc, small_log: Path) -> None:
    """Sessions, proved pairs, drops, cost and what to do next stand in one line; the store is where the next command looks."""
    result = trajc("compile", small_log, "--workers", 1, "--families", "aggregation,state_change")
    assert result.code == 0
    found = LINE.fullmatch(result.out)
    assert found, result.out
    assert trajc("stats", "--json").out.count('"state_change"') > 0
    assert int(found.group(2)) > 0


def test_what_is_up_to_date_is_not_compiled_again(trajc: Trajc, small_log: Path, store: Path) -> None:
    """The second run says how many sessions were unchanged and proves nothing anew."""
    result = trajc("compile", small_log)
    assert re.match(r"(\d+) sessions \(\1 unchanged\), 0 newly proved, ", result.out)
    assert store.exists()


def test_json_holds_the_run(trajc: Trajc, small_log: Path, store: Path) -> None:
    """The document has every count of the run, the store and the cost."""
    document = msgspec.json.decode(trajc("compile", small_log, "--json", "--store", store).out, type=CompileDocument)
    assert document.sessions == document.skipped > 0
    assert (document.store, document.cost_usd) == (str(store), 0)


def test_the_page_shows_pairs_and_drops(trajc: Trajc, small_log: Path, store: Path, tmp_path: Path) -> None:
    """`--html` writes a page of stored pairs beside the run, and says where."""
    result = trajc("compile", small_log, "--html", "pairs.html")
    page = (tmp_path / "pairs.html").read_text(encoding="utf-8")
    with Store.open(store, read_only=True) as opened:
        ids = {pair.id[:12] for pair in opened.pairs()}
    shown = set(re.findall(r'<article class="pair \w+" id="(\w+)">', page))
    assert shown <= ids
    assert len(shown) == min(30, len(ids))
    assert "What was dropped, and why" in page
    assert result.out.endswith("The page: pairs.html\n")


def _with_a_binary_session(small_log: Path, folder: Path) -> Path:
    """Write the small log and one more session, in which one response is no text."""
    odd = [row(number, "odd", response="\x01\x02\x03\x04" if number == 3 else {"n": number}) for number in range(8)]
    more = "".join(json.dumps(line) + "\n" for line in odd)
    path = folder / "log.jsonl"
    path.write_text(small_log.read_text(encoding="utf-8") + more, encoding="utf-8")
    return path


def test_a_blocked_session_makes_the_exit_code_1(trajc: Trajc, small_log: Path, tmp_path: Path) -> None:
    """One session that cannot be redacted does not end the run; the line counts it, and the exit code says so."""
    (tmp_path / "careful.toml").write_text("[redaction]\nunscanned = 'block'\n", encoding="utf-8")
    log = _with_a_binary_session(small_log, tmp_path)
    result = trajc("compile", log, "--workers", 1, "--families", "aggregation", "--policy", "careful.toml")
    assert result.code == 1
    assert ", 1 blocked, " in result.out
    assert "1 blocked session" in trajc("stats").out


def test_the_folders_config_file_is_the_default_policy(trajc: Trajc, small_log: Path, tmp_path: Path) -> None:
    """`trajc.toml` with a table [redaction] decides where no policy is named; one without the table changes nothing."""
    log = _with_a_binary_session(small_log, tmp_path)
    config = tmp_path / "trajc.toml"
    config.write_text("[redaction]\nunscanned = 'block'\n", encoding="utf-8")
    assert trajc("compile", log, "--families", "aggregation", "--workers", 1).code == 1
    assert trajc("compile", log, "--families", "aggregation", "--workers", 1, "--policy", "standard").code == 0
    config.write_text("[other]\n", encoding="utf-8")
    assert trajc("compile", log, "--families", "aggregation", "--workers", 1).code == 0


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, "1 session, 0 proved, 0 dropped (why: trajc stats), $0, nothing left this machine, next: trajc inspect LOG"),
        (
            {"sessions": 41, "proved": 163, "dropped": 2310},
            "41 sessions, 163 proved, 2,310 dropped (why: trajc stats), $0, nothing left this machine, next: trajc audit",
        ),
        (
            {"sessions": 5, "skipped": 3, "proved": 2, "blocked": 1},
            "5 sessions (3 unchanged), 2 newly proved, 1 blocked, 0 dropped (why: trajc stats), $0, nothing left this machine, next: trajc audit",  # noqa: E501  # one line, as it is printed
        ),
    ],
)
def test_the_line_in_all_its_forms(changes: dict[str, int], expected: str) -> None:
    """Nothing found, the plain case, and a second run with a blocked session."""
    summary = RunSummary(run_id="r", source="log", sessions=1, compiled=1, skipped=0, blocked=0, rows=9, proved=0, dropped=0)
    assert summary_line(msgspec.structs.replace(summary, **changes)) == expected


def test_the_line_names_a_store_that_is_not_the_usual_one() -> None:
    """Whoever compiles into another store is told commands that look there."""
    summary = RunSummary(run_id="r", source="log", sessions=2, compiled=2, skipped=0, blocked=0, rows=9, proved=3, dropped=0)
    line = summary_line(summary, "other.db")
    assert "why: trajc stats --store other.db" in line
    assert line.endswith("next: trajc audit --store other.db")


def test_an_empty_log_and_a_missing_column_are_sentences(trajc: Trajc, tmp_path: Path) -> None:
    """Neither makes a traceback; the second names the option that helps."""
    (tmp_path / "empty.jsonl").write_text("")
    empty = trajc("compile", "empty.jsonl")
    assert (empty.code, empty.out) == (2, "")
    assert "empty" in empty.err
    log = write_rows(tmp_path / "odd.jsonl", [{"alpha": n, "beta": "x"} for n in range(9)])
    odd = trajc("compile", log)
    assert odd.code == 2
    assert "--column session_id=NAME" in odd.err


def test_columns_can_be_named(trajc: Trajc, tmp_path: Path) -> None:
    """A log with names of its own compiles once its columns are named."""
    rows = [
        {"who": r["session_id"], "what": r["tool"], "given": r["arguments"], "got": r["response"]} for r in map(row, range(9))
    ]
    log = write_rows(tmp_path / "named.jsonl", rows)
    columns = [f"--column={pair}" for pair in ("session_id=who", "tool=what", "arguments=given", "response=got")]
    assert trajc("compile", log, *columns).out.startswith("1 session, ")


def test_the_demo_writes_a_log_compiles_it_and_shows_five_pairs(
    trajc: Trajc, small_log: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """The log lies beside the store, five questions with their turns follow the line, then how to use one's own log."""

    def write(path: Path, seed: int, scale: int) -> DemoSummary:
        path.write_bytes(small_log.read_bytes())
        return DemoSummary(rows=seed, sessions=scale, longest=3, median=2, agents=1)

    monkeypatch.setattr(demo_command, "write_demo_log", write)
    result = trajc("demo")
    assert result.code == 0
    assert (tmp_path / ".trajc" / "demo" / "agent_log.jsonl").exists()
    assert result.out.startswith("Wrote .trajc/demo/agent_log.jsonl: 7 rows in 1 session of 1 agents")
    assert len(re.findall(r"^Q  .+\?", result.out, re.MULTILINE)) == 5
    assert len(re.findall(r"^   #\d{3}  ", result.out, re.MULTILINE)) >= 10
    assert [line.split(":")[0] for line in result.out.splitlines()[-2:]] == ["Your own log", "Your own Claude Code sessions"]


def test_the_demo_as_json_holds_its_pairs(trajc: Trajc, small_log: Path, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    """One document: the run, the log's place and five export records."""

    def write(path: Path, _: int, __: int) -> DemoSummary:
        path.write_bytes(small_log.read_bytes())
        return DemoSummary(rows=1, sessions=1, longest=1, median=1, agents=1)

    monkeypatch.setattr(demo_command, "write_demo_log", write)
    document = msgspec.json.decode(trajc("demo", "--json", "--store", store).out)
    assert document["log"].endswith("demo/agent_log.jsonl")
    assert len(document["pairs"]) == 5
    assert all(pair["evidence"] for pair in document["pairs"])
