"""`trajc schedule print`: text that the schedulers can read, that runs, and that holds no secret."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Trajc
from trajectory_compiler.cli.schedule_files import SCHEDULERS, Nightly, cron, systemd

SECRET = "s3cr%40t-word"
ADDRESS = f"postgresql://reader:{SECRET}@db.internal:5432/ops?sslmode=require"


@pytest.mark.parametrize("scheduler", sorted(SCHEDULERS))
def test_no_schedule_holds_a_password(trajc: Trajc, scheduler: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """From the command line or the variable, the password of a log's address is never printed; its variable is named."""
    for arguments in ((ADDRESS,), ()):
        monkeypatch.setenv("TRAJC_LOG", ADDRESS)
        found = trajc("schedule", "print", scheduler, *arguments, "--table", "audit_log", "--model", "cheap")
        assert found.code == 0, found.err
        assert SECRET not in found.out
        assert "s3cr" not in found.out
        assert "TRAJC_LOG" in found.out
        assert "GOOGLE_API_KEY" in found.out
        assert "audit_log" in found.out
        assert "-----" not in json.loads(trajc("schedule", "print", scheduler, *arguments, "--json").out)["text"]


def test_what_cron_and_systemd_would_run_works(trajc: Trajc, small_log: Path, tmp_path: Path) -> None:
    """The printed commands are run as the schedulers run them, from another folder: both fill the store of this one."""
    folder = tmp_path / "a folder of 100% logs"
    folder.mkdir()
    log = folder / "small.jsonl"
    log.write_bytes(small_log.read_bytes())
    line = trajc("schedule", "print", "cron", log, "--store", folder / "cron.db", "--at", "2:05").out.splitlines()[-1]
    when, command = re.fullmatch(r"(\S+ \S+ \S+ \S+ \S+) (.*)", line).groups()  # type: ignore[union-attr]
    assert when == "5 2 * * *"
    done = subprocess.run(["/bin/sh", "-c", command.replace("\\%", "%")], cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "14 compiled" in done.stdout
    text = trajc("schedule", "print", "systemd", log, "--store", folder / "systemd.db").out
    (started,) = re.findall(r"^ExecStart=(.*)$", text, re.MULTILINE)
    done = subprocess.run(shlex.split(started.replace("%%", "%")), cwd="/", capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert (folder / "systemd.db").exists()
    assert "OnCalendar=*-*-* 03:10:00 UTC" in text


@pytest.mark.parametrize("scheduler", ["kubernetes", "github"])
def test_the_yaml_is_yaml(trajc: Trajc, scheduler: str, tmp_path: Path) -> None:
    """Every document parses, and the arguments come out of it as they went in, quotes and colons included."""
    yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")
    (tmp_path / "trajc.toml").write_text("[sync]\nquiet = '2h'\n", encoding="utf-8")
    query = "SELECT * FROM audit WHERE kind = 'call: yes' -- \"all\""
    text = trajc("schedule", "print", scheduler, ADDRESS, "--query", query).out
    documents = list(yaml.safe_load_all(text))
    if scheduler == "kubernetes":
        job = documents[1]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
        assert job["containers"][0]["args"] == ["sync", "--query", query, "--store", "/data/store.db"]
        assert documents[1]["spec"]["concurrencyPolicy"] == "Forbid"
        assert "config" in {volume["name"] for volume in job["volumes"]}
    else:
        step = documents[0]["jobs"]["sync"]["steps"][0]
        assert shlex.split(step["run"])[:4] == ["trajc", "sync", "--query", query]
        assert step["env"] == {"TRAJC_LOG": "${{ secrets.TRAJC_LOG }}"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("cron", "log.db", "--tabel", "x"), "--tabel"),
        (("cron", "log.db", "--at", "25:00"), "'25:00' is no time"),
        (("cron",), "Name a LOG"),
        (("cron", "log.db", "--dry-run"), "--dry-run would compile nothing"),
        (("anacron", "log.db"), "anacron"),
    ],
)
def test_what_cannot_run_is_not_printed(trajc: Trajc, arguments: tuple[str, ...], said: str) -> None:
    """Options are checked as `trajc sync` checks them, before anybody installs a schedule that fails every night."""
    found = trajc("schedule", "print", *arguments)
    assert found.code == 2
    assert said in found.err
    assert found.out == ""


def test_percent_and_dollar_keep_their_meaning() -> None:
    """Cron ends a command at a percent sign and systemd expands both: each is escaped where it stands."""
    run = Nightly(
        program="/opt/trajc",
        options=("--table", "50% $x"),
        folder="/srv/a b",
        user="ops",
        log="/srv/log.db",
        is_secret_log=False,
        store="/srv/store.db",
        hour=3,
        minute=10,
    )
    assert "--table '50\\% $x'" in cron(run)
    assert '--table "50%% $$x"' in systemd(run)
