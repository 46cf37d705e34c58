"""A vault that must forget: the pages of erased sessions go, the others stay readable."""

from __future__ import annotations

from pathlib import Path

import pytest

from trajectory_compiler.errors import InputError
from trajectory_compiler.redaction.vault import Page, Vault

KEY = b"v" * 32


@pytest.fixture
def vault(tmp_path: Path) -> Path:
    """Return a vault of three sessions."""
    pytest.importorskip("cryptography")
    made = Vault(KEY)
    pages = [Page(f"s-{n}", {"<EMAIL_1>": f"who{n}@example.com"}, ()) for n in range(3)]
    path = tmp_path / "copy.vault"
    path.write_bytes(made.head() + b"".join(made.line(page) for page in pages))
    path.chmod(0o600)
    return path


def test_pages_of_erased_sessions_go_and_the_others_stay(vault: Path) -> None:
    """No byte of a forgotten page is left in the file, which is still its owner's alone; doing it again changes nothing."""
    lines = vault.read_bytes().splitlines()
    assert Vault(KEY).forget(vault, ["s-1", "s-9"]) == 1
    left = vault.read_bytes()
    assert lines[2].split(b" ")[1] not in left
    pages = Vault(KEY).pages(vault)
    assert [pages.page(f"s-{n}") is not None for n in range(3)] == [True, False, True]
    assert vault.stat().st_mode & 0o777 == 0o600
    assert Vault(KEY).forget(vault, ["s-1"]) == 0
    assert vault.read_bytes() == left
    assert [path.name for path in vault.parent.iterdir()] == ["copy.vault"]


def test_another_file_is_refused(tmp_path: Path) -> None:
    """What is no vault is not rewritten."""
    pytest.importorskip("cryptography")
    other = tmp_path / "other"
    other.write_bytes(b"plain\n")
    with pytest.raises(InputError, match="no vault"):
        Vault(KEY).forget(other, ["s-1"])
    assert other.read_bytes() == b"plain\n"
