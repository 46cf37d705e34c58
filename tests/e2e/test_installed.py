"""The installed command from end to end, as a stranger would use it."""

from __future__ import annotations

import json
import os
import resource
import signal
import stat
import subprocess
from pathlib import Path

import pytest

from tests.cli.logs import row, write_rows, write_small_log
from tests.e2e.conftest import CHEAP, COMMAND, Trajc


def test_from_a_log_to_a_data_set(trajc: Trajc, tmp_path: Path) -> None:
    """Inspect, compile, verify, audit, export: each step works on what the one before left, in a folder that was empty."""
    write_small_log(tmp_path / "log.jsonl", sessions=5)
    assert "Next: trajc compile log.jsonl" in trajc("inspect", "log.jsonl").stdout
    compiled = trajc("compile", "log.jsonl", "--html", "pairs.html")
    assert compiled.returncode == 0, compiled.stderr
    assert "nothing left this machine, next: trajc audit" in compiled.stdout
    assert trajc("verify").returncode == 0
    assert "0 of 1 pair rejected" in trajc("audit", "-n", 1, stdin="\na\n").stdout
    exported = trajc("export", "--context", "evidence", "--output", "pairs.jsonl")
    assert exported.returncode == 0, exported.stderr
    first = json.loads((tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()[0])
    assert first["question"] in trajc("show", first["id"][:12]).stdout
    assert (tmp_path / "pairs.html").stat().st_size > 10_000


def test_the_store_is_private_and_out_of_version_control(trajc: Trajc, tmp_path: Path) -> None:
    """The store's file is for its owner alone, and its folder tells git to look away."""
    write_rows(tmp_path / "log.jsonl", map(row, range(8)))
    assert trajc("compile", "log.jsonl").returncode == 0
    folder = tmp_path / ".trajc"
    assert stat.S_IMODE((folder / "store.db").stat().st_mode) == 0o600
    assert (folder / ".gitignore").read_text() == "*\n"


def test_a_reader_that_leaves_early_is_no_error(trajc: Trajc, tmp_path: Path) -> None:
    """`trajc export | head -1` prints one line and nothing on stderr."""
    write_small_log(tmp_path / "log.jsonl", sessions=5)
    trajc("compile", "log.jsonl", "--families", "aggregation")
    command = f"'{COMMAND}' export --context full | head -c 20"
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (len(done.stdout), done.stderr) == (20, "")


@pytest.mark.parametrize("limit", [20_000, 200_000])
def test_a_full_disk_is_a_sentence_and_leaves_a_sound_store(trajc: Trajc, tmp_path: Path, long_log: Path, limit: int) -> None:
    """A file size limit stands for the full disk: exit 2, one sentence, and with room again the same command completes."""

    def small_files() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    done = subprocess.run(
        [str(COMMAND), "compile", str(long_log), *CHEAP],
        cwd=tmp_path,
        preexec_fn=small_files,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert done.stderr.startswith("Cannot ")
    assert len(done.stderr.strip().splitlines()) == 1
    again = trajc("compile", long_log, *CHEAP)
    assert again.returncode == 0, again.stderr


def test_a_read_only_folder_is_a_sentence(trajc: Trajc, tmp_path: Path) -> None:
    """Where the store cannot be made the sentence names --store."""
    log = write_rows(tmp_path / "log.jsonl", map(row, range(8)))
    if os.geteuid() == 0:  # root may write anywhere but where the kernel itself lets nobody
        done = trajc("compile", log, "--store", "/proc/trajc/store.db")
    else:
        tmp_path.chmod(0o500)
        done = trajc("compile", log)
        tmp_path.chmod(0o700)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert "--store" in done.stderr


@pytest.mark.long
def test_the_demo_ends_with_five_pairs(trajc: Trajc, tmp_path: Path) -> None:
    """`trajc demo` in an empty folder: the log, the line, five questions, two lines about one's own log."""
    done = trajc("demo")
    assert done.returncode == 0, done.stderr
    assert done.stdout.count("\nQ  ") == 5
    assert (tmp_path / ".trajc" / "demo" / "agent_log.jsonl").stat().st_size > 1_000_000
    assert done.stdout.rstrip().endswith("trajc compile ~/.claude/projects")
