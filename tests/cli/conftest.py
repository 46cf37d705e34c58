"""The command line as tests call it, and a small log with the store that it compiles into."""

from __future__ import annotations

import io
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.cli.logs import write_small_log
from trajectory_compiler.cli import run
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.redaction.keyfile import key_path
from trajectory_compiler.store import Store


class Result(NamedTuple):
    """What a command left: exit code, standard output, standard error."""

    code: int
    out: str
    err: str


Trajc = Callable[..., Result]


@pytest.fixture
def trajc(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Trajc:
    """Return a function that runs a command in an empty folder, with lines on stdin where given."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("TRAJC_DEBUG", raising=False)

    def call(*arguments: object, stdin: str = "") -> Result:
        monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        capsys.readouterr()
        code = run([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Result(code, captured.out, captured.err)

    return call


@pytest.fixture(scope="session")
def small_log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a log of a few sessions that give pairs of several kinds."""
    return write_small_log(tmp_path_factory.mktemp("log") / "small.jsonl")


@pytest.fixture(scope="session")
def compiled(small_log: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a store that the small log was compiled into; copy it before changing it."""
    path = tmp_path_factory.mktemp("store") / "store.db"
    with Store.open(path) as store:
        summary = compile_into(store, str(small_log), CompileOptions(workers=1))
    assert summary.proved >= 8
    return path


@pytest.fixture
def store(compiled: Path, tmp_path: Path) -> Path:
    """Return a copy of the compiled store at the default place of the test's folder."""
    place = tmp_path / ".trajc" / "store.db"
    place.parent.mkdir()
    for path in (compiled, key_path(compiled)):
        shutil.copy(path, place.parent / path.name)
    return place
