"""The seal store is no authority: whoever changes it, alone or together with the log, is found by the checkpoint."""

from __future__ import annotations

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from tests.ledger.sealed import SealedLog, make, named
from trajectory_compiler.errors import RefusedError, SealError
from trajectory_compiler.ledger.note import new_signer, read_verifier
from trajectory_compiler.ledger.receipt import make_receipt
from trajectory_compiler.ledger.rows import Scope
from trajectory_compiler.ledger.seal_store import SealStore


@pytest.fixture
def log(tmp_path: Path) -> SealedLog:
    """Return a sealed log of 300 rows in SQLite."""
    made = make("sqlite", tmp_path, rows=300)
    made.seal()
    return made


def change(log: SealedLog, *statements: str) -> None:
    """Change the seal store behind our back."""
    with closing(sqlite3.connect(log.seals)) as connection, connection:
        for statement in statements:
            connection.execute(statement)


def test_the_file_is_private_and_holds_no_content(log: SealedLog) -> None:
    """Mode 0600, and no text of a row but its id and stamp."""
    assert stat.S_IMODE(log.seals.stat().st_mode) == 0o600
    data = log.seals.read_bytes()
    assert b"respond" not in data
    assert b"clerk" not in data


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE entries SET content = zeroblob(32) WHERE position = 7",
        "UPDATE entries SET content = 'text' WHERE position = 7",
        "UPDATE entries SET id = 22222 WHERE position = 7",
        "UPDATE entries SET stamp = CAST('t2020-01-01' AS BLOB) WHERE position = 7",
        "UPDATE entries SET stamp = 5 WHERE position = 7",
        "UPDATE entries SET marks = x'00' WHERE position = 7",
        "UPDATE entries SET shape = 9 WHERE position = 7",
        "UPDATE entries SET position = 1000000000000 WHERE position = 299",
        "UPDATE entries SET position = -1 WHERE position = 0",
        "DELETE FROM entries WHERE position = 7",
        "DELETE FROM entries WHERE position >= 290",
        "DELETE FROM entries",
        "INSERT INTO entries SELECT 300, 5555, stamp, content, marks, shape FROM entries WHERE position = 0",
        "UPDATE shapes SET document = replace(document, 'cost_usd', 'price')",
        "UPDATE seals SET note = replace(note, '300', '299')",
        "DELETE FROM seals",
    ],
)
def test_a_changed_store_is_found(log: SealedLog, statement: str) -> None:
    """Whatever is changed in the seals, verification says so; only old checkpoints beside the held one are not needed."""
    note = log.checkpoint.read_text()
    change(log, statement)
    report = log.verify(note)
    assert bool(report.problems) == (statement != "DELETE FROM seals")
    assert report.is_sound == (statement == "DELETE FROM seals")


def test_log_and_store_changed_together_are_found(log: SealedLog) -> None:
    """An owner who edits a row and puts its new digest into the seals is found by the checkpoint that the caller holds."""
    note = log.checkpoint.read_text()
    log.update(30, "tool", "forged")
    with SealStore.open(log.seals) as store, log.opened(store).read(store.shapes, Scope()) as reading:
        row = next(row for batch in reading.batches for row in batch if row.id == 30)
    with closing(sqlite3.connect(log.seals)) as connection, connection:
        connection.execute("UPDATE entries SET content = ? WHERE id = 30", [row.contents[0]])
    report = log.verify(note)
    assert named(report) == set()
    assert report.problems == ("the seals of the first 300 rows do not make the checkpoint's root: seals were changed",)


def test_going_on_sealing_into_changed_seals_is_refused(log: SealedLog) -> None:
    """A changed right edge stops the next seal, and a receipt from changed seals is not given."""
    change(log, "UPDATE entries SET content = zeroblob(32) WHERE position = 290")
    with pytest.raises(SealError, match="they were changed"):
        log.seal()
    with SealStore.open(log.seals) as store, pytest.raises(SealError, match="do not make the checkpoint's root"):
        make_receipt(store, "3", None, read_verifier(str(log.folder / "key.pub")), None)


def test_a_checkpoint_of_another_key_or_log_is_refused(log: SealedLog, tmp_path: Path) -> None:
    """A checkpoint that the caller's key did not sign proves nothing, nor does one of another log."""
    other = make("sqlite", tmp_path / "other", rows=5)
    other.seal(origin="trajc/other")
    with pytest.raises(RefusedError, match="did not sign it"):
        log.verify(other.checkpoint.read_text())
    forger = new_signer(log.checkpoint.read_text().split("\n")[0])
    with pytest.raises(RefusedError, match="did not sign it"):
        log.verify(forger.sign(log.checkpoint.read_text().rpartition("\n\n")[0] + "\n"))


def test_files_that_are_no_seals(tmp_path: Path) -> None:
    """A missing file, another program's database and a file of a later version are told in a sentence."""
    with pytest.raises(SealError, match="there is no such file"):
        SealStore.open(tmp_path / "absent.db")
    (tmp_path / "text.db").write_text("no database, and long enough to be one " * 40)
    with pytest.raises(SealError, match="it is not a SQLite database"):
        SealStore.open(tmp_path / "text.db")
    with closing(sqlite3.connect(tmp_path / "foreign.db")) as connection, connection:
        connection.execute("CREATE TABLE entries (x)")
    with pytest.raises(SealError, match="another program's database"):
        SealStore.open(tmp_path / "foreign.db")
    with SealStore.create(tmp_path / "later.db") as store:
        store.set("format", "2")
    with pytest.raises(SealError, match="have format 2"):
        SealStore.open(tmp_path / "later.db")


def test_two_histories_of_one_sealer_are_found(log: SealedLog, tmp_path: Path) -> None:
    """A sealer who signs another history of the same log is found by whoever holds checkpoints of both."""
    first = log.checkpoint.read_text()
    other = make("sqlite", tmp_path / "other", rows=310, seed=5)
    other.seals.parent.joinpath("key").write_bytes((log.folder / "key").read_bytes())
    (other.folder / "key").chmod(0o600)
    other.seal(origin=first.split("\n")[0])
    log.write(301, 10)
    log.seal()
    assert log.verify(first, log.checkpoint.read_text()).is_sound
    report = log.verify(first, other.checkpoint.read_text())
    assert report.problems == ("the seals of the first 310 rows do not make the checkpoint's root: seals were changed",)
