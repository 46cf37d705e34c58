"""Checkpoints in files, git repositories and buckets."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ledger.bucket import Bucket, serving
from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.publish import publish, published

NAME = "trajc-audit-1.checkpoint"
NOTE = "trajc/audit-1\n42\nAAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=\n\n— trajc/audit-1 AAAAAAAA\n"


@pytest.fixture
def bucket() -> Iterator[Bucket]:
    """Return an object store that listens on this machine."""
    with serving() as held:
        yield held


def git(folder: Path, *arguments: str) -> str:
    """Run git in a folder."""
    return subprocess.run(["git", "-C", str(folder), *arguments], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return an empty git repository with a committer."""
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    folder = tmp_path / "repository"
    folder.mkdir()
    git(folder, "init", "--quiet")
    git(folder, "config", "user.name", "sealer")
    git(folder, "config", "user.email", "sealer@example.com")
    return folder


def test_a_file_is_replaced_in_one_step(tmp_path: Path) -> None:
    """The file holds the last note, in a folder that is made if need be, and nothing else is left behind."""
    place = tmp_path / "new" / "checkpoint"
    assert published(str(place), NAME) is None
    assert publish(str(place), "first\n", NAME) == publish(str(place), NOTE, NAME) == str(place)
    assert published(str(place), NAME) == NOTE
    assert [path.name for path in place.parent.iterdir()] == ["checkpoint"]


def test_a_repository_keeps_every_checkpoint(repository: Path) -> None:
    """Each checkpoint is one commit of one file; the same one twice is no second commit, and other changes stay uncommitted."""
    (repository / "mine.txt").write_text("not to be committed")
    git(repository, "add", "mine.txt")
    assert publish(str(repository), NOTE, NAME) == str(repository / NAME)
    publish(str(repository), NOTE, NAME)
    publish(str(repository), NOTE.replace("\n42\n", "\n43\n"), NAME)
    assert git(repository, "log", "--format=%s").split("\n")[:2] == [
        "Checkpoint of trajc/audit-1: 43 rows",
        "Checkpoint of trajc/audit-1: 42 rows",
    ]
    assert git(repository, "log", "--format=%H").count("\n") == 2
    assert git(repository, "show", f"HEAD~1:{NAME}") == NOTE
    assert git(repository, "status", "--porcelain").strip() == "A  mine.txt"
    assert published(str(repository), NAME) == NOTE.replace("\n42\n", "\n43\n")


def test_a_folder_without_git_is_refused(tmp_path: Path) -> None:
    """A folder that keeps no history is no place by itself."""
    with pytest.raises(SealError, match="is no git repository"):
        publish(str(tmp_path), NOTE, NAME)


def test_a_commit_that_git_refuses_is_reported(repository: Path) -> None:
    """A hook that refuses, or a missing committer, ends in a sentence, and the next try succeeds."""
    hook = repository / ".git" / "hooks" / "pre-commit"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text("#!/bin/sh\nexit 1\n")
    hook.chmod(0o755)
    with pytest.raises(SealError, match="git refuses"):
        publish(str(repository), NOTE, NAME)
    hook.unlink()
    publish(str(repository), NOTE, NAME)
    assert git(repository, "log", "--format=%s").count("\n") == 1


def test_a_web_address_takes_a_put(bucket: Bucket) -> None:
    """PUT and GET over the loopback interface; the query, which may be a signature, is sent and never shown."""
    place = f"{bucket.address}/audit/"
    assert published(place, NAME) is None
    assert publish(place, NOTE, NAME) == f"{bucket.address}/audit/{NAME}"
    assert published(place, NAME) == bucket.objects[f"/audit/{NAME}"].decode() == NOTE
    assert publish(f"{bucket.address}/exact?signature=secret", NOTE, NAME) == f"{bucket.address}/exact"
    assert bucket.objects["/exact"] == NOTE.encode()


def test_a_web_address_that_refuses(bucket: Bucket) -> None:
    """A refusal and a dead server are told in a sentence without the query; an address for writing only is not read."""
    bucket.refuse = 403
    assert published(f"{bucket.address}/x", NAME) is None
    with pytest.raises(SealError, match="the server answers 403") as caught:
        publish(f"{bucket.address}/x?signature=secret", NOTE, NAME)
    assert "secret" not in str(caught.value)
    bucket.refuse = 500
    with pytest.raises(SealError, match="the server answers 500"):
        published(f"{bucket.address}/x", NAME)
    with pytest.raises(SealError, match="cannot be reached"):
        publish("http://127.0.0.1:1/x", NOTE, NAME)


def test_s3_through_fsspec(bucket: Bucket, monkeypatch: pytest.MonkeyPatch) -> None:
    """An s3:// address is written and read through s3fs, against a server on the loopback interface."""
    pytest.importorskip("s3fs", reason="s3fs is not installed")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-2")
    monkeypatch.setenv("AWS_ENDPOINT_URL", bucket.address)
    assert publish("s3://seals/audit/", NOTE, NAME) == f"s3://seals/audit/{NAME}"
    assert bucket.objects[f"/seals/audit/{NAME}"] == NOTE.encode()
    assert published("s3://seals/audit/", NAME) == NOTE


def test_a_scheme_without_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without fsspec, or for a scheme that it does not know, the sentence says what to install."""
    with pytest.raises(SealError, match=r"nothing here speaks 'nowhere://'.*fsspec"):
        publish("nowhere://bucket/x", NOTE, NAME)
    monkeypatch.setitem(sys.modules, "fsspec", None)
    with pytest.raises(SealError, match=r"nothing here speaks 's3://'.*pre-signed"):
        publish("s3://bucket/x", NOTE, NAME)
