"""Stored pairs into a file that others read, with a manifest beside it that says what it holds.

    export(store, ExportRequest(format="jsonl", created_at=now, context=parse_context("16k")), Path("pairs.jsonl"))

writes `pairs.jsonl` and `pairs.jsonl.manifest.json`; the `inspect` format also writes `pairs_task.py`. The same store and
the same request give the same bytes. Data goes first and the manifest last: a manifest is a promise that the rest is there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import BinaryIO

import msgspec

from trajectory_compiler.config import COMPILER_VERSION
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.context import COUNTING_RULE, ESTIMATE_RULE, SessionText, tokens
from trajectory_compiler.exports.files import Digest, Write, new_file, refuse_existing
from trajectory_compiler.exports.formats import RECORDS, Item
from trajectory_compiler.exports.inspect_task import task_source
from trajectory_compiler.exports.outgoing import Outgoing
from trajectory_compiler.exports.pieces import PieceContexts, Pieced
from trajectory_compiler.exports.prompt import ANSWER_MARK
from trajectory_compiler.exports.purpose import Door, purposes_of
from trajectory_compiler.exports.request import MANIFEST_VERSION, ExportedFile, ExportRequest, Manifest, Writers, query_of
from trajectory_compiler.exports.terms import model_in, model_of_origin, restrictions
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.models.tokens import estimate_tokens
from trajectory_compiler.store import Action, Store
from trajectory_compiler.synthesis.acc import ORIGIN
from trajectory_compiler.synthesis.options import TokenCount

TOO_LONG = "the supporting turns alone exceed the context budget"
COUNTED = ("qa_type", "state", "split", "origin")


def export(store: Store, request: ExportRequest, output: Path | BinaryIO) -> Manifest:
    """Write the pairs that a request asks for to a file or a stream and return the manifest.

    To a stream only the records go. Files are written whole or not at all. The export is noted among the store's actions,
    unless the store was opened for reading only.
    Raises: InputError: no pair matches, a file exists already, or the place cannot be written. OptionError: states that are
    never exported. StoreError: the store cannot be read. BoundaryError: a line holds what may not leave; no file is written.
    Cost: each session is read and rendered once; memory is one session and the ids of the pairs.
    """
    written = _Written(store, request, f"write '{output}'" if isinstance(output, Path) else "write the pairs")
    if not isinstance(output, Path):
        digest = Digest()
        written.write(digest.through(lambda data: _discard(output.write(data))))
        return written.manifest((digest.file("-"),))
    manifest_path = output.with_name(output.name + ".manifest.json")
    task_path = output.with_name(f"{output.stem}_task.py") if request.format == "inspect" else None
    refuse_existing([path for path in (output, task_path, manifest_path) if path is not None], force=request.force)
    digest = Digest()
    with new_file(output) as write:
        written.write(digest.through(write))
    files = [digest.file(output.name)]
    if task_path is not None:
        files.append(_write_whole(task_path, task_source(output.name, task_path.name, ANSWER_MARK).encode()))
    manifest = written.manifest(tuple(files))
    text = msgspec.json.format(msgspec.json.encode(manifest), indent=2) + b"\n"
    digest_of_manifest = _write_whole(manifest_path, text).sha256
    if not store.read_only:
        detail = {"format": request.format, "pairs": str(manifest.records), "manifest_sha256": digest_of_manifest}
        target = str(output.absolute())
        store.record_action(
            Action(kind="export", actor=request.actor, target=target, detail=detail, created_at=request.created_at)
        )
    return manifest


class _Written:
    """The pass over the pairs: what was written, what was left out and why."""

    def __init__(self, store: Store, request: ExportRequest, goal: str) -> None:
        self._store = store
        self._outgoing = Outgoing(store, goal)
        self._request = request
        # A context of pieces is made for a model's window, so its tokens are estimated as the models' are.
        self._count_tokens: TokenCount = estimate_tokens if request.origins == (ORIGIN,) else tokens
        self._door = Door(store, request.purpose, observations_only=request.observations_only)
        self._contexts = PieceContexts(store, self._outgoing.kept, self._count_tokens, request.seed or 0, self._door.lends)
        self._purposes = purposes_of(store)
        self._models: dict[str, set[str]] = {"context": set(), "pairs": set(), "unnamed": set()}
        self._lenders: dict[str, None] = {}
        self._seen: set[str] = set()
        self._pairs: list[str] = []
        self._sessions: set[tuple[str, str]] = set()
        self._policies: set[str] = set()
        self._left_out: Counter[str] = Counter()
        self._counts: dict[str, Counter[str]] = {name: Counter() for name in COUNTED}

    def write(self, write: Write) -> None:
        """Write one line for each pair. Raises InputError where not a single one is left."""
        request = self._request
        record = RECORDS[request.format]
        encoder = msgspec.json.Encoder()
        with self._store.view():
            self._door.refuse_use(request.format, frozenset(self._purposes if request.source is None else (request.source,)))
            for pair, text in self._with_sessions():
                refused = self._door.reason_against(pair, text.trajectory)
                shown = None if refused else self._shown(pair, text)
                if shown is None:
                    self._left_out[refused or TOO_LONG] += 1
                    continue
                item = Item(pair=pair, context=shown.text, setting=request.context, bare=request.bare, count=self._count_tokens)
                line = encoder.encode(record(item)) + b"\n"
                self._outgoing.check(line, pair, text.trajectory, shown.kept)
                self._lenders.update(dict.fromkeys(shown.lenders))
                write(line)
                self._count(pair)
                self._note_models(pair, text.trajectory)
        if not self._pairs:
            most = max(self._left_out, key=lambda reason: self._left_out[reason], default="")
            why = f"{sum(self._left_out.values())} pairs match, and {most}" if self._left_out else "no pair matches"
            raise InputError("export pairs", why, "See what there is with: trajc stats")

    def _shown(self, pair: Pair, text: SessionText) -> Pieced | None:
        """Return the context of a pair: pieces for the paper's own pairs, turns in time order for all others."""
        context = self._request.context
        if pair.origin == ORIGIN:
            return self._contexts.context(pair, text.trajectory, context)
        turns = text.context(pair, context)
        return None if turns is None else Pieced(turns, (), ())

    def manifest(self, files: tuple[ExportedFile, ...]) -> Manifest:
        """Return the manifest of what was written. Raises BoundaryError where a name in it may not leave."""
        request = self._request
        manifest = Manifest(
            manifest_version=MANIFEST_VERSION,
            format=request.format,
            created_at=request.created_at,
            program_version=version("trajectory-compiler"),
            compiler_version=COMPILER_VERSION,
            context=request.context.label,
            token_rule=ESTIMATE_RULE if self._count_tokens is estimate_tokens else COUNTING_RULE,
            answers="bare" if request.bare else "reasoned",
            filters=_filters(request),
            files=files,
            records=len(self._pairs),
            sessions=len(self._sessions),
            counts={name: dict(sorted(counter.items())) for name, counter in self._counts.items()},
            left_out=dict(sorted(self._left_out.items())),
            policies=tuple(sorted(self._policies)),
            pairs=tuple(self._pairs),
            lenders=tuple(self._lenders),
            purpose=request.purpose,
            purposes={source: self._purposes[source] for source in sorted(self._sources) if source in self._purposes},
            observations_only=request.observations_only,
            models=Writers(
                context=tuple(sorted(self._models["context"])),
                pairs=tuple(sorted(self._models["pairs"])),
                unnamed_agents=tuple(sorted(self._models["unnamed"])),
            ),
            terms=(*restrictions(self._models["context"], "context"), *restrictions(self._models["pairs"], "pairs")),
        )
        names = msgspec.structs.replace(manifest, pairs=(), files=(), policies=(), lenders=())  # the rest of it are hashes
        self._outgoing.check_rest(msgspec.json.encode(names), "the manifest")
        return manifest

    def _with_sessions(self) -> Iterator[tuple[Pair, SessionText]]:
        """Yield the pairs in the order of sessions, each with the text of its own."""
        query = query_of(self._request)
        pairs: Iterator[Pair] = self._store.pairs(query)
        if query.seed is not None:
            pairs = iter(sorted(pairs, key=lambda pair: (pair.source, pair.session_id, pair.id)))
        key, text = None, None
        for pair in pairs:
            current = (pair.source, pair.session_id, pair.trajectory_digest)
            if text is None or key != current:
                trajectory = self._store.trajectory_of(pair)
                self._policies.add(trajectory.policy_hash)
                key, text = current, SessionText(trajectory, self._door.veil(trajectory))
            yield pair, text

    @property
    def _sources(self) -> frozenset[str]:
        return frozenset(source for source, _ in self._sessions)

    def _note_models(self, pair: Pair, trajectory: Trajectory) -> None:
        """Note whose words an item holds: agents act in every turn of a context, so all that are not hidden count."""
        written = model_of_origin(pair.origin)
        self._models["pairs"] |= {written} if written else set()
        if self._request.context.kind == "none" or trajectory.digest in self._seen:
            return
        self._seen.add(trajectory.digest)
        hidden = self._door.veil(trajectory).hidden
        for agent in {turn.agent for turn in trajectory.turns if turn.index not in hidden}:
            model = model_in(agent)
            self._models["context" if model else "unnamed"].add(model or agent)

    def _count(self, pair: Pair) -> None:
        self._pairs.append(pair.id)
        self._sessions.add((pair.source, pair.session_id))
        for name, counter in self._counts.items():
            counter[str(getattr(pair, name))] += 1


def _filters(request: ExportRequest) -> dict[str, list[str]]:
    """Return what the request narrows, by name; what it leaves open is not there."""
    seed = request.seed or 0 if request.origins == (ORIGIN,) else request.seed if request.limit is not None else None
    named: dict[str, list[str]] = {
        "state": list(request.states),
        "split": list(request.splits),
        "qa_type": list(request.qa_types),
        "origin": list(request.origins),
        "source": [] if request.source is None else [request.source],
        "session": [] if request.session is None else [request.session],
        "limit": [] if request.limit is None else [str(request.limit)],
        "seed": [] if seed is None else [str(seed)],
    }
    return {name: values for name, values in named.items() if values}


def _write_whole(path: Path, data: bytes) -> ExportedFile:
    digest = Digest()
    with new_file(path) as write:
        digest.through(write)(data)
    return digest.file(path.name)


def _discard(_: int) -> None:
    """Forget how many bytes a stream took: a binary stream takes them all."""
