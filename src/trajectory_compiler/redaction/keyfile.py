"""A key in a file of its own that only its owner may read: beside the store, never in it.

    .trajc/store.db         redacted text, keyed hashes
    .trajc/store.db.key     64 hexadecimal digits, mode 0600

Whoever has the store without the key can neither test guesses against its hashes nor link log-stable pseudonyms to values.
Losing the key costs no pair: the next compile makes another one and hashes every session anew.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
import stat
from collections.abc import Callable
from pathlib import Path

from trajectory_compiler.errors import InputError

KEY_BYTES = 32
_HEX = re.compile(rb"[0-9a-f]{64}\s*")


def key_path(beside: Path) -> Path:
    """Return where the key of a store or a vault lies."""
    return beside.with_name(f"{beside.name}.key")


def load_key(path: Path, *, create: bool, random_bytes: Callable[[int], bytes] = secrets.token_bytes) -> bytes:
    """Return the key in a file, made first where there is none and `create` allows it.

    Raises: InputError: the file cannot be read or made, other users may read it, or it holds no key.
    """
    goal = f"use the key file '{path}'"
    try:
        if create and not path.exists():
            _create(path, random_bytes)
        mode = stat.S_IMODE(path.stat().st_mode)
        content = path.read_bytes()
    except FileNotFoundError as error:
        raise InputError(goal, "there is no such file", "Put the key back where it was.") from error
    except OSError as error:
        raise InputError(goal, error.strerror or type(error).__name__, "Name a place that may be read and written.") from error
    if mode & 0o077:
        raise InputError(goal, f"other users may read it (mode {mode:04o})", f"Run: chmod 600 '{path}'")
    if not _HEX.fullmatch(content):
        raise InputError(goal, "it does not hold 64 hexadecimal digits", "Put the key back, or move the file away.")
    return bytes.fromhex(content.decode().strip())


def derive(key: bytes, purpose: str) -> bytes:
    """Return a key for one purpose, so that no hash made for one can be compared with one made for another."""
    return hmac.new(key, f"trajc/{purpose}".encode(), hashlib.sha256).digest()


def keyed_hash(key: bytes, *parts: str) -> str:
    """Return 128 bits of HMAC-SHA-256 over the parts, as hex; parts are separated so that they cannot run together."""
    mac = hmac.new(key, digestmod=hashlib.sha256)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        mac.update(len(data).to_bytes(8, "big"))
        mac.update(data)
    return mac.hexdigest()[:32]


def _create(path: Path, random_bytes: Callable[[int], bytes]) -> None:
    """Write a new key beside its place and link it there: a reader never sees half a key, and the first writer wins."""
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(random_bytes(KEY_BYTES).hex().encode() + b"\n")
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(part, path)
        except FileExistsError:
            return
    finally:
        part.unlink(missing_ok=True)
