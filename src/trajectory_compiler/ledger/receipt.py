"""Receipts: the proof that one row is under a checkpoint, for somebody who has neither the database nor the seals.

A receipt holds the row's columns, the hashes from its leaf to the root, and the checkpoint. Whoever has the public key
recomputes the leaf from the columns, the root from the leaf, and holds it against the signed one. Made without the log, a
receipt holds the digest of the content only. A receipt is not redacted: it shows the row that it proves, and hashes of its
neighbours.
"""

from __future__ import annotations

import base64
from typing import NamedTuple

import msgspec

from trajectory_compiler.errors import RefusedError, SealError
from trajectory_compiler.ledger.checkpoint import Checkpoint, open_checkpoint
from trajectory_compiler.ledger.merkle import includes, inclusion_proof, leaf_hash, root_at
from trajectory_compiler.ledger.note import Verifier
from trajectory_compiler.ledger.rows import RowId, Shape, Table, content_of, leaf_data
from trajectory_compiler.ledger.seal_store import Entry, SealStore

VERSION = "trajc-receipt-1"
MAX_BYTES = 64 << 20


class Receipt(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The proof for one row. Hashes are base64; `columns` are text forms (see `rows`), None where only their digest is given.

    `payload_hash` stands for the payload of a ledger's row where that was purged.
    """

    version: str
    row: RowId
    stamp: str
    shape: Shape
    marks: str
    content: str
    columns: dict[str, str] | None
    payload_hash: str | None
    index: int
    path: tuple[str, ...]
    checkpoint: str


class Checked(NamedTuple):
    """What a receipt proves: the receipt, and the checkpoint that it is under."""

    receipt: Receipt
    checkpoint: Checkpoint


def make_receipt(store: SealStore, row: str, note: str | None, verifier: Verifier, table: Table | None) -> Receipt:
    """Return the receipt of a row under a checkpoint (the last one, if None); with its columns, if the table is given.

    Raises: SealError: the row is not sealed there, was changed since, or the seals do not make the checkpoint's root.
    """
    entry = _entry(store, row)
    last = store.last
    given = note if note is not None or last is None else last.note
    goal = f"give a receipt for row {row}"
    checkpoint = open_checkpoint(given or "", verifier)
    if entry.position >= checkpoint.size:
        raise SealError(goal, f"it was sealed after that checkpoint of {checkpoint.size:,} rows", "Name a later checkpoint.")
    if checkpoint.size > store.size or root_at(checkpoint.size, store) != checkpoint.root:
        action = "Run `trajc ledger verify` to see what was changed."
        raise SealError(goal, "the seals do not make the checkpoint's root", action)
    columns, purged = _columns(table, entry, store.shapes[entry.shape], goal) if table is not None else (None, None)
    receipt = Receipt(
        version=VERSION,
        row=entry.id,
        stamp=entry.stamp.decode("utf-8", "surrogateescape"),
        shape=store.shapes[entry.shape],
        marks=_text(entry.marks),
        content=_text(entry.content),
        columns=columns,
        payload_hash=purged,
        index=entry.position,
        path=tuple(map(_text, inclusion_proof(entry.position, checkpoint.size, store))),
        checkpoint=given or "",
    )
    check_receipt(receipt, verifier)
    return receipt


def check_receipt(receipt: Receipt, verifier: Verifier, held: str | None = None) -> Checked:
    """Return what a receipt proves. `held` is a checkpoint of the caller's that it must be under.

    Raises: RefusedError: the checkpoint was not signed with this key or is not the held one, the columns do not make the
    digest, or the path does not lead to the root.
    """
    goal = "accept the receipt"
    if receipt.version != VERSION:
        raise RefusedError(goal, f"it has version '{receipt.version[:40]}'", "Upgrade trajectory-compiler.")
    checkpoint = open_checkpoint(receipt.checkpoint, verifier)
    if held is not None and open_checkpoint(held, verifier) != checkpoint:
        seen = f"it is under a checkpoint of {checkpoint.size:,} rows, which is not the one that was named"
        raise RefusedError(goal, seen, "Ask for a receipt under that one: trajc ledger receipt ROW --checkpoint FILE")
    content, marks, path = _bytes(receipt.content), _bytes(receipt.marks), [_bytes(step) for step in receipt.path]
    if receipt.columns is not None and content_of(receipt.shape, receipt.columns, receipt.payload_hash) != content:
        raise RefusedError(goal, "the columns that it shows are not those that were sealed", "Ask for the receipt again.")
    stamp = receipt.stamp.encode("utf-8", "surrogateescape")
    leaf = leaf_hash(leaf_data(receipt.shape.digest, receipt.row, stamp, marks, content))
    if not includes(leaf, receipt.index, checkpoint.size, path, checkpoint.root):
        raise RefusedError(goal, "its path does not lead to the root that was signed", "Ask for the receipt again.")
    return Checked(receipt, checkpoint)


def parse_receipt(data: bytes) -> Receipt:
    """Read a receipt. Raises RefusedError."""
    try:
        return msgspec.json.decode(data, type=Receipt)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        seen = "it is no receipt, or was cut"
        raise RefusedError("accept the receipt", seen, "Name a file that `trajc ledger receipt` wrote.") from None


def _entry(store: SealStore, row: str) -> Entry:
    wanted: list[RowId] = [row]
    if row.lstrip("-").isdigit() and len(row) < 20:
        wanted.append(int(row))
    found = store.find(wanted)
    if len(found) != 1:
        seen = "no row with this id is sealed" if not found else "a number and a text of this form are both sealed"
        raise SealError(f"give a receipt for row {row}", seen, "Seal the log first, and name a row by its id.")
    return next(iter(found.values()))


def _columns(table: Table, entry: Entry, shape: Shape, goal: str) -> tuple[dict[str, str] | None, str | None]:
    """Return the row's columns as they stand, if they are those that were sealed, and the hash of a purged payload."""
    whole = table.row(entry.id, shape)
    if whole is None or (whole.row.contents[0], whole.row.stamp) != (entry.content, entry.stamp):
        seen = "it is not in the log any more" if whole is None else "it was changed since it was sealed"
        raise SealError(goal, seen, "Run `trajc ledger verify` to see what was done.")
    purged = whole.purged_hash if whole.row.purge_id is not None else None
    if content_of(shape, whole.columns, purged) != entry.content:
        return None, None  # a text that is not UTF-8 cannot be shown in JSON: its digest stands for it
    return whole.columns, purged


def _text(data: bytes) -> str:
    return base64.b64encode(data).decode()


def _bytes(text: str) -> bytes:
    try:
        data = base64.b64decode(text, validate=True)
    except ValueError:
        data = b"?"
    if _text(data) != text:
        raise RefusedError("accept the receipt", "a hash in it is malformed", "Ask for the receipt again.")
    return data
