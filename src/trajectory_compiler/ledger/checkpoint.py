"""Checkpoints: the size and the root of a log's tree at one moment, signed. Whoever keeps one can tell later what was changed.

    trajc/agent_audit_log-5f0c1a2b         which log: the origin, unique to it
    20852163                               how many rows are sealed
    CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=    the root of the Merkle tree over them
    sealed_at 2026-03-01T09:00:00Z         what else the sealer says: when,
    snapshot 739:741:739                   and, where rows know their transaction, which of them were still open

Source: c2sp.org/tlog-checkpoint. The lines below the root are what it calls extension lines.
"""

from __future__ import annotations

import base64
import re
from typing import NamedTuple

from trajectory_compiler.errors import RefusedError
from trajectory_compiler.ledger.merkle import HASH_BYTES
from trajectory_compiler.ledger.note import Signer, Verifier, open_note

_SIZE = re.compile(r"0|[1-9]\d{0,18}")


class Checkpoint(NamedTuple):
    """What a checkpoint says."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """The text that is signed."""
        lines = (self.origin, str(self.size), base64.b64encode(self.root).decode(), *self.extensions)
        return "".join(f"{line}\n" for line in lines)

    def said(self, word: str) -> str | None:
        """Return what an extension line says after its first word."""
        found = (line.partition(" ") for line in self.extensions)
        return next((rest for first, _, rest in found if first == word), None)

    def signed(self, signer: Signer) -> str:
        """Return the checkpoint as a signed note."""
        assert all(line and "\n" not in line for line in (self.origin, *self.extensions))
        return signer.sign(self.text)


def parse_checkpoint(text: str) -> Checkpoint:
    """Read the text of a note as a checkpoint. Raises RefusedError."""
    lines = text.split("\n")
    if len(lines) < 4 or lines[-1] or not all(lines[:-1]) or not _SIZE.fullmatch(lines[1]):
        raise _malformed("it is not an origin, a size and a root, line by line")
    try:
        root = base64.b64decode(lines[2], validate=True)
    except ValueError:
        root = b""
    if len(root) != HASH_BYTES or base64.b64encode(root).decode() != lines[2]:
        raise _malformed("its root is no hash")
    return Checkpoint(lines[0], int(lines[1]), root, tuple(lines[3:-1]))


def open_checkpoint(note: str, verifier: Verifier) -> Checkpoint:
    """Return the checkpoint of a note that this key signed. Raises RefusedError."""
    return parse_checkpoint(open_note(note, verifier))


def _malformed(seen: str) -> RefusedError:
    return RefusedError("accept a checkpoint", seen, "Name a checkpoint that `trajc ledger seal` wrote.")
