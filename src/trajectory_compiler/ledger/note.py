"""Signed notes: a text, and one or more Ed25519 signatures below it, as one small file that people can read.

    trajc.example/agent_audit_log          the text: here, a checkpoint
    3
    7kRnKRnTKHGz1sqbZ4pr0G6FtiRw3G7LBVplnGLYXa4=
                                           an empty line
    — trajc.example/agent_audit_log Uw2QOkn8srV1yJ...   key name, base64(key id || signature of the text)

A *verifier key* is what anybody needs to check: `name+key id+base64(1 || public key)`. A *signing key* is kept in a file of
mode 0600: `PRIVATE+KEY+name+key id+base64(1 || seed)`. The key id, SHA-256(name || newline || 1 || public key)[:4], only says
which key to try. Ed25519 comes from the package `cryptography` (the extra `ledger`), imported when a note is signed or opened.

Source: the signed note format, c2sp.org/signed-note; the key files are those of Go's golang.org/x/mod/sumdb/note.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
import re
import secrets
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

from trajectory_compiler.errors import MissingExtraError, RefusedError, SealError

_ED25519 = b"\x01"
_NAME = re.compile(r"[^\s+]{1,200}")
_SIGNATURE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/=]+)")
_MAX_BYTES = 1 << 20
_MAX_SIGNATURES = 100
T = TypeVar("T")


class Verifier(NamedTuple):
    """A public key and the name it goes by."""

    name: str
    public: bytes

    @property
    def key_id(self) -> bytes:
        """Four bytes that say which key made a signature."""
        return hashlib.sha256(self.name.encode() + b"\n" + _ED25519 + self.public).digest()[:4]

    def __str__(self) -> str:
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(_ED25519 + self.public).decode()}"


class Signer(NamedTuple):
    """A private key and the name it goes by. Its text is the secret itself: it is written to a key file and nowhere else."""

    name: str
    seed: bytes

    @property
    def verifier(self) -> Verifier:
        """The public half."""
        raw = _ed25519().Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return Verifier(self.name, raw)

    def sign(self, text: str) -> str:
        """Return the signed note of a text that ends in a newline."""
        assert text.endswith("\n")
        signature = _ed25519().Ed25519PrivateKey.from_private_bytes(self.seed).sign(text.encode())
        return f"{text}\n— {self.name} {base64.b64encode(self.verifier.key_id + signature).decode()}\n"

    def __repr__(self) -> str:
        return f"Signer(name={self.name!r})"  # a traceback must not show the seed


def new_signer(name: str, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> Signer:
    """Make a key. Raises SealError where the name has spaces or a plus sign."""
    if not _NAME.fullmatch(name):
        raise SealError(f"name a key '{name}'", "a key's name has no spaces and no '+'", "Name it like a host and a path.")
    return Signer(name, random_bytes(32))


def open_note(note: str, verifier: Verifier) -> str:
    """Return the text of a note that this key signed.

    Raises: RefusedError: it is no signed note, this key did not sign it, or its signature does not hold.
    """
    text, signatures = _parts(note)
    for name, data in signatures:
        if name == verifier.name and data[:4] == verifier.key_id:
            _check(text, data[4:], verifier)
            return text
    raise RefusedError(
        "accept a signed note",
        f"the key '{verifier.name}' ({verifier.key_id.hex()}) did not sign it",
        "Name the public key of its signer with --public-key, and get that from the signer, not from beside the note.",
    )


def _parts(note: str) -> tuple[str, list[tuple[str, bytes]]]:
    """Split a note into its text and its signatures. Raises RefusedError."""
    text, empty, below = note.rpartition("\n\n")
    if not empty or not below.endswith("\n") or len(note.encode("utf-8", "surrogatepass")) > _MAX_BYTES:
        raise _malformed("it has no signature lines below an empty line")
    if any(ord(character) < 0x20 and character != "\n" for character in note):
        raise _malformed("it holds control characters")
    lines = below[:-1].split("\n")
    if len(lines) > _MAX_SIGNATURES:
        raise _malformed(f"it has more than {_MAX_SIGNATURES} signatures")
    signatures = []
    for line in lines:
        found = _SIGNATURE.fullmatch(line)
        data = _base64(found[2]) if found else None
        if found is None or data is None or len(data) < 5:
            raise _malformed("a signature line is malformed")
        signatures.append((found[1], data))
    return text + "\n", signatures


def _check(text: str, signature: bytes, verifier: Verifier) -> None:
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415  # an optional part, there if `_ed25519` returned

    try:
        _ed25519().Ed25519PublicKey.from_public_bytes(verifier.public).verify(signature, text.encode())
    except (InvalidSignature, ValueError, UnicodeEncodeError):
        raise RefusedError(
            "accept a signed note",
            f"the signature of '{verifier.name}' does not hold: the text or the signature was changed",
            "Get the note again from where it was published.",
        ) from None


def parse_verifier(text: str) -> Verifier:
    """Read a verifier key. Raises SealError."""
    name, _, rest = text.strip().partition("+")
    key_id, _, encoded = rest.partition("+")
    data = _base64(encoded)
    if not _NAME.fullmatch(name) or data is None or len(data) != 33 or data[:1] != _ED25519:
        raise SealError(
            "read a public key", "it is not of the form name+keyid+base64", "Name the file that trajc wrote beside the key."
        )
    verifier = Verifier(name, data[1:])
    if verifier.key_id.hex() != key_id:
        raise SealError("read a public key", "its key id is not that of its name and key", "Copy the whole line again.")
    return verifier


def parse_signer(text: str) -> Signer:
    """Read a signing key. Raises SealError."""
    parts = text.strip().removeprefix("PRIVATE+KEY+").split("+", 2)
    data = _base64(parts[2]) if len(parts) == 3 and text.startswith("PRIVATE+KEY+") else None
    if data is None or len(data) != 33 or data[:1] != _ED25519 or not _NAME.fullmatch(parts[0]):
        raise SealError(
            "read a signing key", "it is not of the form PRIVATE+KEY+name+keyid+base64", "Name another file with --key."
        )
    return Signer(parts[0], data[1:])


def read_signer(path: Path) -> Signer:
    """Read a key file. Raises SealError where it cannot be read, or where others may read it."""
    text = _read(path, "signing key")
    if path.stat().st_mode & 0o077:
        raise SealError(f"use the signing key '{path}'", "others than its owner may read it", f"Run: chmod 600 '{path}'")
    return parse_signer(text)


def write_signer(path: Path, signer: Signer) -> Path:
    """Write a new key file (mode 0600) and the public key beside it (`NAME.pub`), whose path is returned. Raises SealError."""
    public = path.with_name(path.name + ".pub")
    encoded = base64.b64encode(_ED25519 + signer.seed).decode()
    text = f"PRIVATE+KEY+{signer.name}+{signer.verifier.key_id.hex()}+{encoded}\n"
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            file.write(text)
        public.write_text(f"{signer.verifier}\n", encoding="utf-8")
    except OSError as error:
        raise SealError(f"write the key '{path}'", error.strerror or "it failed", "Name another file with --key.") from error
    return public


def read_verifier(given: str) -> Verifier:
    """Read a public key from a file, or from the text itself. Raises SealError."""
    is_text = given.count("+") >= 2 and not Path(given).is_file()
    return parse_verifier(given if is_text else _read(Path(given), "public key"))


def _read(path: Path, what: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        seen = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise SealError(f"read the {what} '{path}'", seen, "Name another file.") from error


def _malformed(seen: str) -> RefusedError:
    return RefusedError("accept a signed note", seen, "Get the note again from where it was published.")


def _base64(text: str) -> bytes | None:
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return None
    return data if base64.b64encode(data).decode() == text else None  # one text for one value


def _ed25519() -> Any:
    try:
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415  # an optional part
    except ImportError:
        raise MissingExtraError("sign or check a seal", "ledger") from None
    return ed25519
