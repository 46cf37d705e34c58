"""The vault: what pseudonyms stand for, encrypted, in a file of its own with a key of its own.

    agent_log.redacted.jsonl.vault        one line for each session: a name, and a Fernet token
    agent_log.redacted.jsonl.vault.key    64 hexadecimal digits, mode 0600

It holds what the policy allows to be restored and nothing else: never a secret, never a text that could not be scanned. A line
is found by a keyed hash of its session, so the file says neither which sessions it holds nor what is in them. Encryption is
`cryptography`'s Fernet (AES-128-CBC with an HMAC); without the package there is no vault.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from trajectory_compiler.errors import InputError, MissingExtraError
from trajectory_compiler.model import canonical
from trajectory_compiler.redaction.alignment import align
from trajectory_compiler.redaction.changes import Change
from trajectory_compiler.redaction.keyfile import derive, keyed_hash
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.pseudonyms import Named
from trajectory_compiler.redaction.scan import LABEL

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

VAULT_FORMAT = 1
_HEAD = b'{"trajc_vault":%d}' % VAULT_FORMAT


class Original(msgspec.Struct, frozen=True, array_like=True):
    """The original of one changed leaf or key: row and field of the copy, pointer, and the text behind each pseudonym.

    `segments` maps the place of a pseudonym in the text to what it stands for; places that may not be restored are missing.
    `whole` is the whole text instead, where how it was put together is not known and all of it may be restored. `is_number`
    says that the leaf was a number and is one again once its only pseudonym is restored.
    """

    row: int
    field: str
    path: str
    is_key: bool
    segments: dict[int, str] = {}
    whole: str | None = None
    is_number: bool = False


class Page(msgspec.Struct, frozen=True):
    """What the vault holds of one session: every name with one spelling (None: not kept), and the originals of its leaves."""

    session_id: str
    names: dict[str, str | None]
    originals: tuple[Original, ...]


def page_of(session_id: str, named: tuple[Named, ...], changed: Iterator[tuple[int, str, Change]], policy: Policy) -> Page:
    """Return what may be restored of a session. `changed` gives row, field and change; `session_id` is the redacted one."""
    known = {item.name: item for item in named}
    originals = [o for row, field, change in changed if (o := _original(row, field, change, known, policy)) is not None]
    kept = {item.name: item.surfaces[0] for item in named if item.surfaces and policy.may_restore(item.identity.kind)}
    names = {item.name: kept.get(item.name) for item in named}
    return Page(session_id, names, tuple(originals))


def _original(row: int, field: str, change: Change, known: Mapping[str, Named], policy: Policy) -> Original | None:
    before = canonical(change.before)
    if before is None:  # a part that could not be scanned
        return None
    inside = [known[name].identity.kind for name in LABEL.findall(change.after) if name in known]
    if isinstance(change.before, int | float):  # as JSON writes it: 5.0 stays 5.0
        text = msgspec.json.encode(change.before).decode()
        is_kept = bool(inside) and all(map(policy.may_restore, inside))
        return Original(row, field, change.path, change.is_key, {}, text, is_number=True) if is_kept else None
    aligned = align(before, change.after, {name: item.surfaces for name, item in known.items()})
    if aligned is not None:
        segments = {n: text for n, (name, text) in enumerate(aligned) if policy.may_restore(known[name].identity.kind)}
        return Original(row, field, change.path, change.is_key, segments) if segments else None
    if inside and all(map(policy.may_restore, inside)):
        return Original(row, field, change.path, change.is_key, {}, before)
    return None


class Vault:
    """Encrypts and finds pages. Raises MissingExtraError where `cryptography` is not installed."""

    def __init__(self, key: bytes) -> None:
        try:
            from cryptography.fernet import Fernet  # noqa: PLC0415  # an optional part
        except ImportError as error:
            raise MissingExtraError("use a vault", "vault") from error
        self._fernet: Fernet = Fernet(base64.urlsafe_b64encode(derive(key, "vault")))
        self._names = derive(key, "vault-names")

    def head(self) -> bytes:
        """Return the first line of a vault."""
        return _HEAD + b"\n"

    def line(self, page: Page) -> bytes:
        """Return the line of one session."""
        name = keyed_hash(self._names, page.session_id)
        return name.encode() + b" " + self._fernet.encrypt(msgspec.json.encode(page)) + b"\n"

    def forget(self, path: Path, session_ids: Iterable[str]) -> int:
        """Take the pages of some sessions (by their redacted ids) out of a vault and return how many there were.

        The file is replaced in one step, and what it held before is overwritten.
        Raises: InputError: as `pages`, or it cannot be written.
        """
        gone = {keyed_hash(self._names, session_id).encode() for session_id in session_ids}
        pages = self.pages(path)
        kept = [name + b" " + token + b"\n" for name, token in pages.tokens.items() if name not in gone]
        count = len(pages) - len(kept)
        if count:
            _replace(path, self.head() + b"".join(kept))
        return count

    def pages(self, path: Path) -> Pages:
        """Open a vault for reading: its sessions by name, each decrypted when it is asked for.

        Raises: InputError: the file cannot be read, is no vault, or was made with another key.
        """
        goal = f"open the vault '{path}'"
        try:
            lines = path.read_bytes().splitlines()
        except OSError as error:
            raise InputError(goal, error.strerror or type(error).__name__, "Name the vault beside the copy.") from None
        if not lines or lines[0] != _HEAD:
            action = "Name the file that `trajc redact run --vault` wrote."
            raise InputError(goal, f"it is no vault of format {VAULT_FORMAT}", action)
        tokens = dict(line.split(b" ", 1) for line in lines[1:] if b" " in line)
        return Pages(self._fernet, self._names, tokens, goal)


def _replace(path: Path, data: bytes) -> None:
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with os.fdopen(os.open(part, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        with path.open("r+b") as old:
            part.replace(path)  # the old file lives on until it is closed
            size = old.seek(0, os.SEEK_END)
            old.seek(0)
            old.write(b"\0" * size)
            old.flush()
            os.fsync(old.fileno())
    except OSError as error:
        part.unlink(missing_ok=True)
        raise InputError(
            f"write the vault '{path}'", error.strerror or type(error).__name__, "Make room, then run again."
        ) from None


class Pages:
    """The sessions of an open vault; `tokens` are their encrypted pages by keyed name."""

    def __init__(self, fernet: Fernet, names: bytes, tokens: dict[bytes, bytes], goal: str) -> None:
        self._fernet = fernet
        self._names = names
        self.tokens = tokens
        self._goal = goal
        self._opened: tuple[str, Page | None] = ("", None)

    def __len__(self) -> int:
        return len(self.tokens)

    def page(self, session_id: str) -> Page | None:
        """Return what the vault holds of a session of the copy, or None. Raises InputError for a wrong key or damaged bytes."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  # an optional part

        if self._opened[0] == session_id and self._opened[1] is not None:
            return self._opened[1]
        token = self.tokens.get(keyed_hash(self._names, session_id).encode())
        if token is None:
            return None
        try:
            page = msgspec.json.decode(self._fernet.decrypt(token), type=Page)
        except (InvalidToken, msgspec.DecodeError):
            raise InputError(self._goal, "it is damaged", "Restore it from a backup.") from None
        self._opened = (session_id, page)
        return page
