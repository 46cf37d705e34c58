"""The commands that a stranger is told to type."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

PROMISED = ("demo", "test", "check", "test-long", "bench", "docs", "clean")


def make(root: Path, *arguments: str) -> str:
    """Run make in the checkout and return what it printed."""
    done = subprocess.run(["make", "--no-print-directory", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout


def test_make_alone_explains_every_command(root: Path) -> None:
    """`make` without a word lists each target with what it does."""
    listed = dict(re.findall(r"^  make (\S+)\s+(\S.*)$", make(root), re.MULTILINE))
    assert set(PROMISED) <= set(listed)


def test_every_target_that_help_lists_can_be_made(root: Path) -> None:
    """No line of the help names a target that make does not know."""
    for target in re.findall(r"^  make (\S+)", make(root), re.MULTILINE):
        assert make(root, "--dry-run", target), target


def test_a_second_run_installs_nothing(root: Path, tmp_path: Path) -> None:
    """Once the stamps are there, the demo goes straight to work; a newer pyproject.toml installs again."""
    (tmp_path / "Makefile").write_text((root / "Makefile").read_text())
    project = tmp_path / "pyproject.toml"
    project.touch()
    stamps = tmp_path / ".venv" / "stamps"
    stamps.mkdir(parents=True)
    (tmp_path / ".venv" / "pyvenv.cfg").touch()
    (stamps / "package").touch()
    assert "pip" not in make(tmp_path, "--dry-run", "demo")
    later = (stamps / "package").stat().st_mtime + 10
    subprocess.run(["touch", "-d", f"@{later}", str(project)], check=True)
    assert "pip" in make(tmp_path, "--dry-run", "demo")


def test_a_python_that_is_too_old_is_refused_in_one_sentence(root: Path, tmp_path: Path) -> None:
    """Where `python3` cannot serve, the message says what to type instead."""
    (tmp_path / "Makefile").write_text((root / "Makefile").read_text())
    (tmp_path / "pyproject.toml").touch()
    command = ["make", "--no-print-directory", "demo", "PYTHON=false"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0
    assert "PYTHON=python3.12" in done.stdout
    assert not (tmp_path / ".venv").exists()


@pytest.mark.parametrize("page", ["README.md", "AGENTS.md", "docs/quality.md"])
def test_every_make_command_of_the_documents_exists(root: Path, page: str) -> None:
    """A document names no target that the Makefile lacks."""
    text = (root / page).read_text()
    targets = set(re.findall(r"^([a-z-]+):", (root / "Makefile").read_text(), re.MULTILINE))
    assert set(re.findall(r"`make ([a-z-]+)", text)) | set(re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)) <= targets


def test_the_ci_run_is_executable_and_parses(root: Path) -> None:
    """`.ci/run` can be started, and bash finds no fault in it."""
    script = root / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    subprocess.run(["bash", "-n", str(script)], check=True)
