"""Files that appear whole or not at all, and are never overwritten by accident.

An export is meant to be handed on, so its files get the modes that the user's umask gives, unlike the store's.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.request import ExportedFile

Write = Callable[[bytes], None]


class Digest:
    """The digest and size of bytes that pass through."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._bytes = 0

    def through(self, write: Write) -> Write:
        """Return a writer that passes everything on and counts it."""

        def counted(data: bytes) -> None:
            self._hash.update(data)
            self._bytes += len(data)
            write(data)

        return counted

    def file(self, name: str) -> ExportedFile:
        """Return what was written so far as a line of the manifest."""
        return ExportedFile(name=name, sha256=self._hash.hexdigest(), bytes=self._bytes)


def refuse_existing(paths: Iterable[Path], *, force: bool) -> None:
    """Raise InputError where one of the files exists already and `force` was not given."""
    for path in paths:
        if path.is_dir():
            raise InputError(f"write '{path}'", "it is a folder", "Name a file.")
        if path.exists() and not force:
            raise InputError(f"write '{path}'", "the file exists already", "Name another file, or add --force.")


@contextmanager
def new_file(path: Path, *, private: bool = False) -> Iterator[Write]:
    """Give a writer whose bytes become the file at the end of the block: all of them, or none if anything fails.

    A `private` file is its owner's alone from its first byte on: what is in it is not redacted.
    """
    part = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        with _opened(part, private=private) as stream:
            yield _writer(stream)
            stream.flush()
            os.fsync(stream.fileno())
        part.replace(path)
    except OSError as error:
        _remove(part)
        raise InputError(
            f"write '{path}'", error.strerror or type(error).__name__, "Name a place that may be written and has room."
        ) from error
    except BaseException:
        _remove(part)
        raise


def _opened(part: Path, *, private: bool) -> BinaryIO:
    if not private:
        return part.open("wb")
    _remove(part)
    return os.fdopen(os.open(part, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "wb")


def _writer(stream: BinaryIO) -> Write:
    def write(data: bytes) -> None:
        stream.write(data)

    return write


def _remove(part: Path) -> None:
    with suppress(OSError):
        part.unlink(missing_ok=True)
