"""Forged and mutated checkpoints, receipts and proofs: each differs from a true one, none may be accepted."""

from __future__ import annotations

import base64
import random

import msgspec

from trajectory_compiler.ledger.checkpoint import Checkpoint
from trajectory_compiler.ledger.note import new_signer
from trajectory_compiler.ledger.receipt import Receipt

Json = dict[str, object]


def flipped(data: bytes, chance: random.Random) -> bytes:
    """Return bytes with one bit changed."""
    place = chance.randrange(len(data))
    return data[:place] + bytes([data[place] ^ 1 << chance.randrange(8)]) + data[place + 1 :]


def forged_note(note: str, chance: random.Random) -> str:
    """Return a checkpoint that its signer never made."""
    text, _, lines = note.rpartition("\n\n")
    origin, size, root, *rest = text.split("\n")
    choice = chance.randrange(8)
    if choice == 0:
        return flipped(note.encode(), chance).decode("utf-8", "surrogateescape")
    if choice == 1:  # another size under the old signature
        return note.replace(f"\n{size}\n", f"\n{int(size) + chance.choice((-1, 1, 10))}\n")
    if choice == 2:  # another root
        return note.replace(root, base64.b64encode(chance.randbytes(32)).decode())
    if choice == 3:  # the forger's own key, under the sealer's name
        forger = new_signer(lines.split(" ")[1], chance.randbytes)
        return Checkpoint(origin, int(size), chance.randbytes(32), tuple(rest)).signed(forger)
    if choice == 4:  # the sealer's key id before a made-up signature
        made_up = base64.b64decode(lines.split(" ")[2])[:4] + chance.randbytes(64)
        return f"{text}\n\n— {lines.split(' ')[1]} {base64.b64encode(made_up).decode()}\n"
    if choice == 5:  # a line more, or one less
        return note.replace("\n\n", chance.choice(("\nsnapshot 1:1:\n\n", "\n\n\n")), 1)
    if choice == 6:  # cut
        return note[: chance.randrange(1, len(note) - 1)]
    return note.replace(origin, origin + "x", 1)


def forged_receipt(receipt: Receipt, other: Receipt, chance: random.Random) -> bytes:
    """Return a receipt for what was not sealed, or a proof that leads nowhere. `other` is a true one of another row."""
    held: Json = msgspec.to_builtins(receipt)
    path = list(receipt.path)
    columns = dict(receipt.columns or {})
    choice = chance.randrange(13)
    if choice == 0:
        name = chance.choice(sorted(columns))
        held["columns"] = columns | {name: columns[name] + chance.choice((" ", "x", "0"))}
    elif choice == 1:  # two columns exchanged, or the border between two moved
        one, two = chance.sample([name for name in columns if columns[name] != columns["session_id"]], 2)
        if columns[one] == columns[two]:
            columns[one] += "!"
        held["columns"] = columns | {one: columns[two], two: columns[one]}
    elif choice == 2:
        held["columns"] = {name: form for name, form in columns.items() if name != chance.choice(sorted(columns))} | {
            "more": "1"
        }
    elif choice == 3:
        held["row"] = chance.choice((other.row, f"{receipt.row}0", -5))
    elif choice == 4:
        held["stamp"] = other.stamp
    elif choice == 5:
        held["index"] = chance.choice((receipt.index + 1, -1, receipt.index + 2**40, other.index))
    elif choice == 6:
        place = chance.randrange(len(path))
        path[place] = base64.b64encode(flipped(base64.b64decode(path[place]), chance)).decode()
        held["path"] = path
    elif choice == 7:
        held["path"] = chance.choice((path[:-1], [*path, path[0]], path[::-1], list(other.path), []))
    elif choice == 8:
        held["checkpoint"] = forged_note(receipt.checkpoint, chance).encode("utf-8", "replace").decode()
    elif choice == 9:
        held["content"] = chance.choice((other.content, "", "AAAA", receipt.content[:-4]))
    elif choice == 10:  # a digest alone, of other content
        held |= {"columns": None, "content": base64.b64encode(chance.randbytes(32)).decode()}
    elif choice == 11:
        shape = msgspec.to_builtins(receipt.shape)
        shape["content"] = shape["content"][::-1]
        held["shape"] = shape
    else:
        held["marks"] = base64.b64encode(chance.randbytes(16)).decode()
    return _changed(held, receipt, chance)


def _changed(held: Json, receipt: Receipt, chance: random.Random) -> bytes:
    data = msgspec.json.encode(held)
    whole = msgspec.json.encode(receipt)
    return data if data != whole else data[: chance.randrange(2, len(data) - 2)]
