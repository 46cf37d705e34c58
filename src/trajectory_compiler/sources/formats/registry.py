"""Which formats there are, which one a file or a folder holds, and the source that reads it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import NamedTuple

from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.model import Json
from trajectory_compiler.sources.bytestream import BrokenStreamError
from trajectory_compiler.sources.claude_code import signs_in as claude_code_signs
from trajectory_compiler.sources.findings import Drops
from trajectory_compiler.sources.formats import atif, codex, inspect_logs, langfuse, openai_messages, otlp, swe_agent
from trajectory_compiler.sources.formats.turns import MAPPING, Format, LogFile, Placed
from trajectory_compiler.sources.mapped import MappedSource
from trajectory_compiler.sources.recognition import Told

CLAUDE_CODE = "Claude Code sessions"
FORMATS: tuple[Format, ...] = (
    codex.FORMAT,
    atif.FORMAT,
    inspect_logs.FORMAT,
    swe_agent.FORMAT,
    otlp.FORMAT,
    langfuse.FORMAT,
    openai_messages.FORMAT,
)
_LOOKED_AT = 50
_RANK = {"certain": 2, "likely": 1, "a guess": 0}
_SUFFIXES = (".gz", ".zst", ".zstd", ".jsonl", ".ndjson", ".json", ".eval", ".traj")


class Found(NamedTuple):
    """Files of one format. `others` are files of the folder that are of another, or of none that is known."""

    told: Told
    files: tuple[LogFile, ...]
    others: tuple[LogFile, ...] = ()


def tell_file(path: Path) -> Told | None:
    """Return the agent format of a file, or None. Raises SourceError: it cannot be read."""
    try:
        if inspect_logs.is_archive(path):
            signs = inspect_logs.signs_in_archive(path)
            return Told(inspect_logs.FORMAT.name, signs[0], (signs[1],)) if signs else None
        sample = [record for _, record in islice(LogFile(path, "").values(Drops("sources")), _LOOKED_AT)]
    except (OSError, BrokenStreamError):
        return None
    found = claude_code_signs(sample)
    if found:
        return Told(CLAUDE_CODE, found[0], (found[1],))
    for form in FORMATS:
        signs = form.signs_in(sample)
        if signs:
            return Told(form.name, signs[0], (signs[1],))
    return None


def tell_files(folder: Path) -> Found | None:
    """Return the agent format that most files of a folder have, or None where no file has one.

    Hidden files and folders below the named one are left alone. Cost: the beginning of every file is read.
    """
    told: list[tuple[LogFile, Told | None]] = []
    for path in sorted(folder.rglob("*")):
        below = path.relative_to(folder)
        if path.is_file() and not any(part.startswith(".") for part in below.parts):
            told.append((LogFile(path, _session_name(below)), _tell_quietly(path)))
    counts = Counter(each.format for _, each in told if each is not None)
    if not counts:
        return None
    form, count = min(counts.items(), key=lambda item: (-item[1], item[0]))
    files = tuple(file for file, each in told if each is not None and each.format == form)
    surest = max((each for _, each in told if each is not None and each.format == form), key=lambda each: _RANK[each.sure])
    signs = (*surest.signs, f"{count:,} of {len(told):,} files are of this format")
    return Found(Told(form, surest.sure, signs), files, tuple(file for file, _ in told if file not in set(files)))


def open_format(found: Found, options: SourceOptions, name: str | None = None) -> MappedSource:
    """Open files of one format. `name` replaces the format's own source name where a single file gives its name."""
    form = next(form for form in FORMATS if form.name == found.told.format)
    reader = FormatReader(form, found.files, found.others)
    source = options.name or name or form.source
    return MappedSource(source, form.name, reader, MAPPING, ordered=form.sorted, told=found.told)


class FormatReader:
    """Reads files of one agent format; a file that has gone since is counted."""

    def __init__(self, form: Format, files: Sequence[LogFile], others: Sequence[LogFile] = ()) -> None:
        self.unit = form.unit
        self._form, self._files, self._others = form, files, others

    def records(self, drops: Drops) -> Iterator[Placed]:
        """Yield the calls, results and messages of all files."""
        for file in self._others:
            drops.add("other_format", file.path.name)
        there = []
        for file in self._files:
            try:
                with file.path.open("rb"):
                    there.append(file)
            except OSError:
                drops.add("unreadable_file", file.path.name)
        yield from self._form.read(there, drops)

    def column_values(self, column: str) -> Iterator[Json]:
        """Yield one field of every record."""
        for _, record in self.records(Drops("sources")):
            yield record.get(column)


def _tell_quietly(path: Path) -> Told | None:
    try:
        return tell_file(path)
    except SourceError:
        return None


def _session_name(below: Path) -> str:
    name = below.as_posix()
    while name.lower().endswith(_SUFFIXES) and Path(name).stem:
        name = str(Path(name).with_suffix(""))
    return name


def single(path: Path, told: Told) -> Found:
    """Return one file as what was found."""
    return Found(told, (LogFile(path, _session_name(Path(path.name))),))
