"""`trajc sync` and `trajc status`: one shot, its exit codes, its config, and what a monitor is told."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.cli.conftest import Trajc
from tests.cli.logs import row, write_rows
from trajectory_compiler.store import Store
from trajectory_compiler.store.daily import Waiting

STORE = Path(".trajc") / "store.db"


def test_a_first_run_and_a_second(trajc: Trajc, small_log: Path) -> None:
    """The first run compiles what there is; the second touches nothing, and the same pairs are there."""
    first = trajc("sync", small_log, "--json")
    assert first.code == 0
    done = json.loads(first.out)
    assert (done["compiled"], done["touched"], done["moved"]) == (14, None, True)
    assert done["proved"] > 20
    again = trajc("sync", small_log)
    assert again.code == 0
    assert (
        again.out
        == "small: 0 sessions touched; 0 compiled, 0 unchanged, 0 proved, $0, nothing left this machine. More: trajc status\n"
    )


def test_a_dry_run_writes_nothing(trajc: Trajc, small_log: Path, tmp_path: Path) -> None:
    """Without a store and with one, --dry-run counts what would be done; no file appears."""
    found = trajc("sync", small_log, "--dry-run")
    assert found.code == 0
    assert "14 would be compiled, 0 are unchanged, 0 are open; the statistics would be taken first. Nothing was" in found.out
    assert not list(tmp_path.iterdir())
    trajc("sync", small_log)
    assert json.loads(trajc("sync", small_log, "--dry-run", "--json").out)["compiled"] == 0


def test_the_log_and_the_options_may_stand_in_the_config(trajc: Trajc, tmp_path: Path) -> None:
    """[sync] of trajc.toml names the log and any option; the command line and the variable come before it."""
    write_rows(tmp_path / "log.jsonl", [row(number) for number in range(8)])
    config = tmp_path / "trajc.toml"
    config.write_text(
        '[sync]\nlog = "log.jsonl"\nmin-turns = 9\nstore = "own.db"\ncolumn = ["agent=agent"]\n', encoding="utf-8"
    )
    assert json.loads(trajc("sync", "--json").out)["compiled"] == 0
    assert (tmp_path / "own.db").exists()
    assert json.loads(trajc("sync", "--json", "--min-turns", "6").out)["compiled"] == 1


def test_the_variable_names_the_log(trajc: Trajc, small_log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """TRAJC_LOG is where an address with a password stands: it needs no place on a command line that others can read."""
    monkeypatch.setenv("TRAJC_LOG", str(small_log))
    assert json.loads(trajc("sync", "--json").out)["compiled"] == 14


@pytest.mark.parametrize(
    ("config", "said"),
    [
        ('[sync]\nquite = "2h"\n', "[sync] holds 'quite', which is no option"),
        ('[sync]\nlog = "a\n', "it cannot be read as TOML"),
        ("sync = 3\n", "'sync' is no table"),
        ('[sync]\nlog = "x"\nquiet = "soon"\n', "'soon' is no duration"),
        ("", "Name a LOG, set TRAJC_LOG"),
    ],
)
def test_a_wrong_config_is_one_sentence(trajc: Trajc, tmp_path: Path, config: str, said: str) -> None:
    """What cannot be used is named with its place, and nothing is run."""
    (tmp_path / "trajc.toml").write_text(config, encoding="utf-8")
    found = trajc("sync")
    assert found.code == 2
    assert said in found.err
    assert "Traceback" not in found.err
    assert trajc("sync", "--help").code == 0


def test_a_held_store_is_exit_code_4(trajc: Trajc, small_log: Path) -> None:
    """While another run holds the store, a run leaves at once with the code that schedulers can tell apart."""
    with Store.open(STORE) as store, store.lock("compile other"):
        found = trajc("sync", small_log)
    assert found.code == 4
    assert "another run (compile other" in found.err


def test_reconcile_says_what_it_compared(trajc: Trajc, tmp_path: Path) -> None:
    """--reconcile ends in how many sessions agree; a database log can be counted, a file is read as a whole."""
    from tests.pipeline.month import SqliteLog  # noqa: PLC0415  # the only test here that needs it

    SqliteLog(tmp_path / "log.db").insert([row(number) for number in range(8)])
    trajc("sync", "log.db")
    assert (
        "1 session compared, 0 differed, 0 stored sessions no longer in the log." in trajc("sync", "log.db", "--reconcile").out
    )


def test_status_says_what_ran_and_what_waits(trajc: Trajc, small_log: Path) -> None:
    """Runs with their counts and cost, waiting sessions with their reasons; a newly given-up session makes it exit code 1."""
    trajc("sync", small_log)
    found = trajc("status")
    assert found.code == 0
    assert "small: 14 sessions, read up to 20" in found.out
    assert "waiting: nothing" in found.out
    assert "Models: $0 today, $0 in 30 days." in found.out
    with Store.open(STORE) as store:
        lost = Waiting(session_id="s-9", state="given_up", attempts=3, why="failed: KeyError in x.py, line 3")
        store.daily().settle("small", store.runs()[-1].id, None, [lost])
    ill = trajc("status")
    assert ill.code == 1
    assert "s-9: failed: KeyError in x.py, line 3 (given up, 3 tries)" in ill.out
    assert json.loads(trajc("status", "--json").out)["is_well"] is False
    with Store.open(STORE, clock=lambda: "2100-01-01T00:00:00Z") as store:
        store.finish_run(store.begin_run("sync", "small", "{}", "1"), "done", {})
    told = trajc("status", "--json")
    assert told.code == 0  # it was told once
    assert json.loads(told.out)["sources"][0]["given_up"] == 1


def test_status_notices_a_run_that_did_not_come(trajc: Trajc, small_log: Path) -> None:
    """--max-age makes a missed night a failure, so that a monitor needs nothing but the exit code."""
    with Store.open(STORE, clock=lambda: "2026-01-01T00:00:00Z") as store:
        store.finish_run(store.begin_run("sync", "small", "{}", "1"), "done", {})
    assert trajc("status").code == 0
    late = trajc("status", "--max-age", "26h")
    assert late.code == 1
    assert "late: the last run that ended well began 2026-01-01T00:00:00Z" in late.out


def test_status_of_a_store_without_runs(trajc: Trajc) -> None:
    """A new store, and none at all, say how to begin."""
    assert trajc("status").code == 2
    Store.open(STORE).close()
    assert "Begin with: trajc sync LOG" in trajc("status").out
