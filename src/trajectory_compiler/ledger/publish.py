"""Where checkpoints go: a file, a folder that is a git repository, or a bucket.

A checkpoint is worth what its distance from the log is worth: whoever can change the log should not be able to change the
checkpoint. A git repository elsewhere keeps every one with its time; a bucket with object lock keeps what was put.

    FILE               replaced in one step
    FOLDER             a git repository: written and committed there (needs git)
    http(s)://...      PUT; also what a pre-signed address of any bucket takes (needs nothing)
    s3://, gs://, ...  through fsspec (needs `pip install fsspec` and the package of the bucket: s3fs, gcsfs, adlfs)
"""

from __future__ import annotations

import os
import re
import subprocess
import urllib.error
import urllib.request
from pathlib import Path

from trajectory_compiler.errors import SealError

_URL = re.compile(r"([a-z][a-z0-9+.-]+)://.+", re.IGNORECASE)
_TIMEOUT_SECONDS = 30
_ABSENT = (403, 404, 405, 410)  # 403 and 405: an address that may be written only
_MAX_BYTES = 1 << 20


def publish(place: str, note: str, name: str) -> str:
    """Write a checkpoint to a place and return where it lies now. `name` is the file's name in a folder. Raises SealError."""
    if _URL.fullmatch(place):
        address = _address(place, name)
        if _is_web(place):
            _request(address, "PUT", note.encode())
        else:
            _remote(address, note.encode())
        return shown(address)
    path = Path(place).expanduser()
    if not path.is_dir():
        _write(path, note)
        return str(path)
    if _git(path, "rev-parse", "--is-inside-work-tree") is None:
        action = f"Name a file in it, or run: git init '{path}'"
        raise SealError(f"write a checkpoint into '{path}'", "the folder is no git repository", action)
    _write(path / name, note)
    _commit(path, name, note)
    return str(path / name)


def published(place: str, name: str) -> str | None:
    """Return the checkpoint that lies at a place, or None where none does. Raises SealError."""
    if _URL.fullmatch(place):
        address = _address(place, name)
        found = _request(address, "GET", None) if _is_web(place) else _remote(address, None)
        return None if found is None else found.decode("utf-8", "replace")
    path = Path(place).expanduser()
    path = path / name if path.is_dir() else path
    try:
        return path.read_text(encoding="utf-8") if path.exists() else None
    except (OSError, UnicodeDecodeError) as error:
        seen = (error.strerror if isinstance(error, OSError) else None) or "it is no text"
        raise SealError(f"read the checkpoint '{path}'", seen, "Name another file.") from error


def _address(place: str, name: str) -> str:
    return place + name if place.endswith("/") else place


def _is_web(place: str) -> bool:
    return place.lower().startswith(("http://", "https://"))


def shown(address: str) -> str:
    """Return an address without its query and password, which may be what gives access."""
    return re.sub(r"//[^/@]*@", "//", address.partition("?")[0])


def _write(path: Path, note: str) -> None:
    waiting = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with waiting.open("w", encoding="utf-8") as file:
            file.write(note)
            file.flush()
            os.fsync(file.fileno())
        waiting.replace(path)
    except OSError as error:
        waiting.unlink(missing_ok=True)
        seen = error.strerror or "it failed"
        raise SealError(f"write the checkpoint '{path}'", seen, "Name another place with --checkpoint.") from error


def _commit(folder: Path, name: str, note: str) -> None:
    origin, size = note.split("\n")[:2]
    done = _git(folder, "add", "--", name)
    if done is not None and _git(folder, "diff", "--cached", "--quiet", "--", name) is not None:
        return  # it lies there already, committed
    if done is None or _git(folder, "commit", "--quiet", "-m", f"Checkpoint of {origin}: {size} rows", "--", name) is None:
        action = "Run `git commit` there once to see what it wants (often user.name and user.email)."
        raise SealError(f"commit the checkpoint in '{folder}'", "git refuses", action)


def _git(folder: Path, *arguments: str) -> str | None:
    """Return what git says, or None where it refuses. Raises SealError where there is no git."""
    try:
        done = subprocess.run(["git", "-C", str(folder), *arguments], capture_output=True, text=True, check=False)  # noqa: S603, S607
    except OSError as error:
        raise SealError(f"use the git repository '{folder}'", "git is not installed", "Install git, or name a file.") from error
    return None if done.returncode else done.stdout


def _request(address: str, method: str, data: bytes | None) -> bytes | None:
    request = urllib.request.Request(address, data=data, method=method)  # noqa: S310  # the scheme is http or https
    if data is not None:
        request.add_header("Content-Type", "text/plain; charset=utf-8")
    try:
        with urllib.request.urlopen(request, timeout=_TIMEOUT_SECONDS) as answer:  # noqa: S310
            return bytes(answer.read(_MAX_BYTES))
    except urllib.error.HTTPError as error:
        if method == "GET" and error.code in _ABSENT:
            return None
        raise _unreachable(address, f"the server answers {error.code}") from None
    except (OSError, ValueError) as error:
        raise _unreachable(address, f"the server cannot be reached ({type(error).__name__})") from None


def _remote(address: str, data: bytes | None) -> bytes | None:
    """Write or read an object through fsspec."""
    scheme = address.partition(":")[0]
    try:
        import fsspec  # noqa: PLC0415  # optional, and slow to import

        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError):
        action = "Install fsspec and the package for it (s3fs, gcsfs, adlfs), or name a pre-signed https address."
        raise SealError(f"use {shown(address)}", f"nothing here speaks '{scheme}://'", action) from None
    try:
        if data is not None:
            system.pipe_file(path, data)
            return None
        return bytes(system.cat_file(path)) if system.exists(path) else None
    except Exception as error:  # noqa: BLE001  # each bucket's package has its own errors
        raise _unreachable(address, f"the bucket refuses ({type(error).__name__})") from None


def _unreachable(address: str, seen: str) -> SealError:
    return SealError(f"reach {shown(address)}", seen, "Check the address and the rights, then run again: the seal is kept.")
