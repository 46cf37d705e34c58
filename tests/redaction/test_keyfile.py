"""Keys lie in files of their own that nobody else may read."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest

from trajectory_compiler.errors import InputError
from trajectory_compiler.redaction.identities import hash_identities, hashes_of, key_id
from trajectory_compiler.redaction.keyfile import derive, key_path, keyed_hash, load_key
from trajectory_compiler.redaction.pseudonyms import Pseudonyms


def test_a_key_is_made_once_and_private(tmp_path: Path) -> None:
    """The first call makes a 0600 file beside the store, the second reads the same key."""
    path = key_path(tmp_path / "store.db")
    key = load_key(path, create=True)
    assert path.name == "store.db.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) == 32
    assert load_key(path, create=True) == key
    assert [p.name for p in tmp_path.iterdir()] == ["store.db.key"]


def test_a_key_that_others_may_read_is_refused(tmp_path: Path) -> None:
    """A key file with wider permissions is not used, and the sentence says how to mend it."""
    path = tmp_path / "k.key"
    load_key(path, create=True)
    path.chmod(0o644)
    with pytest.raises(InputError, match=r"mode 0644.*chmod 600"):
        load_key(path, create=True)


@pytest.mark.parametrize("content", [b"", b"short", b"Z" * 64])
def test_a_file_without_a_key_is_refused(tmp_path: Path, content: bytes) -> None:
    """A damaged key file is an error, never a new key: the old hashes would be lost unseen."""
    path = tmp_path / "k.key"
    path.write_bytes(content)
    path.chmod(0o600)
    with pytest.raises(InputError, match="64 hexadecimal digits"):
        load_key(path, create=True)


def test_a_missing_key_is_an_error_where_none_may_be_made(tmp_path: Path) -> None:
    """Reading needs the key that was used for writing."""
    with pytest.raises(InputError, match="there is no such file"):
        load_key(tmp_path / "k.key", create=False)


def test_a_value_is_found_by_its_hash_however_it_is_written() -> None:
    """Whoever names a value finds its pseudonym by any spelling; another key, and no key, finds nothing."""
    names = Pseudonyms(set())
    names.name("PHONE", "+44 (0)7700 900123")
    names.name("EMAIL", "Amy@Example.com")
    names.name("SECRET", "zanzibar-horse-9")
    rows = hash_identities(names.named(), b"k" * 32)
    kinds = {row.kind for row in rows}
    assert kinds == {"PHONE", "EMAIL"}
    for value, name in (("07700 900123", "<PHONE_1>"), ("AMY@example.com", "<EMAIL_1>")):
        wanted = hashes_of(value, ("PHONE", "EMAIL"), b"k" * 32)
        assert {row.name for row in rows if row.hash in wanted} == {name}
        assert not {row.hash for row in rows} & hashes_of(value, ("PHONE", "EMAIL"), b"o" * 32)


def test_purposes_and_parts_do_not_run_together() -> None:
    """Hashes of two purposes, or of differently cut parts, never agree."""
    key = b"k" * 32
    assert derive(key, "a") != derive(key, "b")
    assert keyed_hash(key, "ab", "c") != keyed_hash(key, "a", "bc")
    assert key_id(key) != key_id(b"o" * 32)
