"""Receipts: one row proved to somebody who has no database; and payloads removed by order."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest
from msgspec import structs

from tests.ledger.sealed import KINDS, SealedLog, make, named
from trajectory_compiler.errors import RefusedError, SealError
from trajectory_compiler.ledger.note import Verifier, read_signer, read_verifier
from trajectory_compiler.ledger.purge import PurgeOrder, keep_signed, purge
from trajectory_compiler.ledger.receipt import Receipt, check_receipt, make_receipt, parse_receipt
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_table

ORDER = PurgeOrder(rows=(6, 9), reference="request 2026-17", reason="erasure", actor="officer")


@pytest.fixture(params=KINDS)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> SealedLog:
    """Return a sealed log of 20 rows of each kind."""
    made = make(request.param, tmp_path, rows=20)
    made.seal()
    return made


@pytest.fixture(params=["postgres-own", "sqlite-own"])
def own(request: pytest.FixtureRequest, tmp_path: Path) -> SealedLog:
    """Return a sealed ledger of ours in each database."""
    made = make(request.param, tmp_path, rows=5)
    made.seal()
    return made


def key_of(log: SealedLog) -> Verifier:
    """Return the public key of a log's sealer."""
    return read_verifier(str(log.folder / "key.pub"))


def receipt_of(log: SealedLog, row: object, note: str | None = None, *, bare: bool = False) -> Receipt:
    """Return the receipt of a row."""
    with SealStore.open(log.seals) as store:
        return make_receipt(store, str(row), note, key_of(log), None if bare else log.opened(store))


def purge_rows(log: SealedLog, *, signed: bool = True, order: PurgeOrder = ORDER) -> None:
    """Purge rows of a ledger, and sign the record."""
    record = purge(open_table(log.location, log.options().source), order)
    if signed:
        with SealStore.create(log.seals) as store:
            keep_signed(store, record, read_signer(log.folder / "key"), order.rows)


def test_a_receipt_proves_a_row_with_the_public_key_alone(log: SealedLog) -> None:
    """Every row's receipt holds after a round through JSON, shows the columns, and says under which checkpoint."""
    for row_id in log.ids():
        receipt = parse_receipt(msgspec.json.encode(receipt_of(log, row_id)))
        checked = check_receipt(receipt, key_of(log), log.checkpoint.read_text())
        assert (checked.receipt.row, checked.checkpoint.size) == (row_id, 20)
        assert checked.receipt.columns is not None or b"\xff" in _raw(log, row_id)


def _raw(log: SealedLog, row_id: object) -> bytes:
    """Return a response that is a blob."""
    value = log.rows(f"SELECT response FROM {log.table} WHERE id = {log.mark}", [row_id])[0][0]
    return value if isinstance(value, bytes) else b""


def test_a_receipt_without_columns(log: SealedLog) -> None:
    """Made without the log, a receipt proves the digest; columns put into it afterwards must be the sealed ones."""
    row_id = log.ids()[4]
    bare, whole = receipt_of(log, row_id, bare=True), receipt_of(log, row_id)
    assert bare.columns is None
    assert check_receipt(structs.replace(bare, columns=whole.columns), key_of(log)).receipt.columns == whole.columns
    forged = structs.replace(bare, columns={**(whole.columns or {}), "agent": "tsomebody"})
    with pytest.raises(RefusedError, match="not those that were sealed"):
        check_receipt(forged, key_of(log))


def test_a_receipt_under_a_checkpoint_that_somebody_holds(log: SealedLog) -> None:
    """A receipt can be made under an earlier checkpoint; under another than the named one it is refused."""
    old = log.checkpoint.read_text()
    row_id = log.ids()[4]
    log.write(21, 30)
    log.seal()
    assert check_receipt(receipt_of(log, row_id, old), key_of(log), old).checkpoint.size == 20
    with pytest.raises(RefusedError, match="a checkpoint of 50 rows, which is not the one"):
        check_receipt(receipt_of(log, row_id), key_of(log), old)
    with pytest.raises(SealError, match="sealed after that checkpoint of 20 rows"):
        receipt_of(log, log.ids()[30], old)


def test_no_receipt_for_what_was_not_sealed(log: SealedLog) -> None:
    """A row that is not sealed, was changed since, or is gone has no receipt."""
    ids = log.ids()
    with pytest.raises(SealError, match="no row with this id is sealed"):
        receipt_of(log, "absent")
    log.update(ids[2], "tool", "changed")
    with pytest.raises(SealError, match="it was changed since"):
        receipt_of(log, ids[2])
    log.delete(ids[3])
    with pytest.raises(SealError, match="not in the log any more"):
        receipt_of(log, ids[3])


def test_what_is_no_receipt_is_refused() -> None:
    """Text, other JSON and a receipt of another version are refused in a sentence."""
    for data in (b"", b"{}", b"[1]", b"\xff", b'{"version": "x"}', b"[" * 100_000):
        with pytest.raises(RefusedError, match="it is no receipt, or was cut"):
            parse_receipt(data)


def test_a_purge_leaves_the_seal_whole(own: SealedLog) -> None:
    """Purged rows are reported as purged with the signed record, in checkpoints from before and after; nothing is tampered."""
    before = own.checkpoint.read_text()
    purge_rows(own)
    own.write(6, 3)
    own.seal()
    report = own.verify(before, own.checkpoint.read_text())
    assert (report.is_sound, report.counts, report.intact) == (True, {"purged": 2}, 6)
    assert [(row.id, row.record, row.is_signed) for row in report.purged] == [(6, "1", True), (9, "1", True)]
    payload = own.rows(f"SELECT arguments, response, error, extra FROM {own.table} WHERE id IN (6, 9)")
    assert payload == [(None, None, None, None)] * 2


def test_a_receipt_of_a_purged_row(own: SealedLog) -> None:
    """It still proves the rest of the row, and cannot be made to show a payload that was not there."""
    whole = receipt_of(own, 6)
    purge_rows(own)
    receipt = receipt_of(own, 6)
    checked = check_receipt(receipt, key_of(own)).receipt
    assert checked.payload_hash is not None
    assert checked.columns is not None
    assert checked.columns["arguments"] == "\\N"
    forged = structs.replace(receipt, columns={**checked.columns, "arguments": (whole.columns or {})["arguments"] + " "})
    with pytest.raises(RefusedError, match="not those that were sealed"):
        check_receipt(forged, key_of(own))


def test_a_payload_that_is_gone_without_a_record_is_an_edit(own: SealedLog) -> None:
    """Emptied by hand, under a record that does not exist or that names other rows: edited, not purged."""
    purge_rows(own)
    hashed = f"purged_payload_hash = (SELECT purged_payload_hash FROM {own.table} WHERE id = 6)"
    empty = "arguments = NULL, response = NULL, error = NULL, extra = NULL"
    own.execute(f"UPDATE {own.table} SET {empty}, purge_id = 77, {hashed} WHERE id = 3")
    own.execute(f"UPDATE {own.table} SET {empty} WHERE id = 12")
    own.execute(f"UPDATE {own.table} SET purge_id = 77 WHERE id = 6")
    assert named(own.verify()) == {("edited", 3), ("edited", 6), ("edited", 12)}


def test_a_purge_record_that_was_changed_is_not_signed(own: SealedLog) -> None:
    """A record rewritten in the database loses its signature; one that is deleted stands by its signed copy."""
    purge_rows(own)
    if own.is_postgres:
        own.execute(f"ALTER TABLE {own.table}_purges DISABLE TRIGGER ALL")
    own.execute(f"UPDATE {own.table}_purges SET reason = 'none' WHERE id = 1")
    assert [row.is_signed for row in own.verify().purged] == [False, False]
    own.execute(f"DELETE FROM {own.table}_purges")
    assert [row.is_signed for row in own.verify().purged] == [True, True]


def test_an_unsigned_purge_is_told_apart(own: SealedLog) -> None:
    """A purge run in the database alone is reported with its record, which no key vouches for."""
    purge_rows(own, signed=False)
    report = own.verify()
    assert report.is_sound
    assert [row.is_signed for row in report.purged] == [False, False]


def test_a_purged_row_that_is_edited_is_edited(own: SealedLog) -> None:
    """A purge excuses the payload and nothing else."""
    purge_rows(own)
    own.update(6, "agent", "somebody")
    own.update(9, "arguments", '{"forged": 1}')
    assert named(own.verify()) == {("edited", 6), ("edited", 9)}


def test_a_purge_is_all_or_nothing(own: SealedLog) -> None:
    """A row that does not exist, or is purged already, stops the purge; a table of somebody else's has none."""
    for rows in ((6, 7777), (6, 6666, 9)):
        with pytest.raises(SealError, match="do not exist or are purged already"):
            purge_rows(own, order=structs.replace(ORDER, rows=rows))
    assert own.verify().intact == 5
    purge_rows(own)
    with pytest.raises(SealError, match="purged already"):
        purge_rows(own)


def test_a_table_of_somebody_else_is_not_purged(tmp_path: Path) -> None:
    """Only a ledger that keeps payload and hash apart can lose one and keep the other."""
    log = make("sqlite", tmp_path, rows=5)
    with pytest.raises(SealError, match="only a table that `trajc ledger init` made"):
        purge_rows(log)
