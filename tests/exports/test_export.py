"""An export holds what its manifest says, appears whole or not at all, and overwrites nothing by accident."""

from __future__ import annotations

import hashlib
import io
import json
import os
import resource
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.errors import InputError, OptionError
from trajectory_compiler.exports import FORMATS, ExportRequest, Manifest, export, parse_context
from trajectory_compiler.exports.request import ExportFormat
from trajectory_compiler.model import Family, State
from trajectory_compiler.store import Store

FULL = parse_context("full")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store of two sessions: pairs of three states and two splits, one of them unanswerable."""
    with Store.open(tmp_path / "store.db", clock=clock) as opened:
        one, two = session("s-1"), session("s-2", 30)
        saved(
            opened, pair(one, 1), pair(one, 2, split="test", state="reviewed"), pair(one, 3, state="rejected"), trajectory=one
        )
        withheld = pair(two, 4, (3, 21), qa_type="unanswerable", withheld_turns=(21,), answer="The log does not say.")
        saved(opened, withheld, pair(two, 5, (2, 9), qa_type="next_argument", context_end=10), trajectory=two)
        yield opened


def _request(form: ExportFormat = "jsonl", **changes: Any) -> ExportRequest:
    return ExportRequest(**{"format": form, "created_at": clock(), "actor": "ann", **changes})


def _lines(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_manifest_says_what_is_there(store: Store, tmp_path: Path) -> None:
    """The manifest beside the file gives digest, counts, ids in the order of lines, policy, context, versions and time."""
    out = tmp_path / "out.jsonl"
    manifest = export(store, _request(context=FULL), out)
    stored = json.loads((tmp_path / "out.jsonl.manifest.json").read_text())
    assert stored == json.loads(json.dumps(_plain(manifest)))
    (file,) = stored["files"]
    assert file == {"name": "out.jsonl", "sha256": hashlib.sha256(out.read_bytes()).hexdigest(), "bytes": out.stat().st_size}
    assert stored["pairs"] == [line["id"] for line in _lines(out)]
    assert stored["counts"] == {
        "qa_type": {"composition": 2, "next_argument": 1, "unanswerable": 1},
        "state": {"proved": 3, "reviewed": 1},
        "split": {"test": 1, "train": 3},
        "origin": {"dataflow": 4},
    }
    assert (stored["records"], stored["sessions"], stored["left_out"]) == (4, 2, {})
    assert (stored["policies"], stored["context"], stored["created_at"]) == (["policy-1"], "full", clock())


def _plain(manifest: Manifest) -> dict[str, Any]:
    import msgspec  # noqa: PLC0415  # the one place that compares the returned with the written manifest

    return dict(msgspec.to_builtins(manifest))


@pytest.mark.parametrize("form", FORMATS)
@pytest.mark.parametrize("context", ["none", "evidence", "full", "2k"])
def test_what_is_withheld_is_in_no_byte(store: Store, tmp_path: Path, form: ExportFormat, context: str) -> None:
    """In no format and no context does a withheld turn's content appear, nor what comes after the end of the context."""
    hidden: dict[Family, range] = {"unanswerable": range(21, 22), "next_argument": range(10, 30)}
    for family, turns in hidden.items():
        out = tmp_path / f"{family}.jsonl"
        export(store, _request(form, context=parse_context(context), qa_types=(family,)), out)
        (line,) = _lines(out)
        line.pop("evidence", None)  # of a real pair it quotes no withheld turn; that of these samples does
        assert not any(f"owner-{turn}" in json.dumps(line) for turn in turns)


def test_only_what_may_be_shown(store: Store, tmp_path: Path) -> None:
    """Rejected pairs are never exported, and asking for them is refused."""
    export(store, _request(), tmp_path / "out.jsonl")
    assert {line["state"] for line in _lines(tmp_path / "out.jsonl")} == {"proved", "reviewed"}
    hidden: list[tuple[State, ...]] = [("rejected",), ("proved", "candidate"), ("superseded",), ()]
    for states in hidden:
        with pytest.raises(OptionError, match="never exported"):
            export(store, _request(states=states), tmp_path / "other.jsonl")
    assert not (tmp_path / "other.jsonl").exists()


def test_filters(store: Store, tmp_path: Path) -> None:
    """Split, type, state and session narrow the export, and the manifest says so."""
    cases: list[tuple[dict[str, Any], int]] = [
        ({"splits": ("test",)}, 1),
        ({"qa_types": ("composition",)}, 2),
        ({"states": ("reviewed",)}, 1),
        ({"session": "s-2"}, 2),
        ({"limit": 3, "seed": 1}, 3),
    ]
    for number, (narrow, count) in enumerate(cases):
        assert export(store, _request(**narrow), tmp_path / f"{number}.jsonl").records == count
    assert export(store, _request(limit=3, seed=1), io.BytesIO()).filters["seed"] == ["1"]


def test_sample_is_in_the_order_of_sessions(store: Store) -> None:
    """A drawn sample depends on the seed alone and is written session by session."""
    drawn = {export(store, _request(limit=2, seed=seed), io.BytesIO()).pairs for seed in range(12)}
    everything = export(store, _request(), io.BytesIO()).pairs
    assert len(drawn) > 2
    assert all(list(pairs) == [each for each in everything if each in pairs] for pairs in drawn)


def test_pairs_too_long_for_the_budget_are_counted(store: Store, tmp_path: Path) -> None:
    """A pair whose supporting turns pass the budget is left out, counted with its reason; with none left nothing is written."""
    manifest = export(store, _request(context=parse_context("50")), tmp_path / "out.jsonl")
    assert (manifest.records, manifest.left_out) == (1, {"the supporting turns alone exceed the context budget": 3})
    with pytest.raises(InputError, match="3 pairs match, and the supporting turns alone exceed the context budget"):
        export(store, _request(context=parse_context("50"), qa_types=_others()), tmp_path / "none.jsonl")
    assert sorted(path.name for path in tmp_path.glob("*none*")) == []


def _others() -> tuple[Family, ...]:
    return ("composition", "next_argument")


def test_no_pair_is_no_export(store: Store, tmp_path: Path) -> None:
    """An export of nothing is refused and leaves no file."""
    with pytest.raises(InputError, match="no pair matches"):
        export(store, _request(splits=("nowhere",)), tmp_path / "out.jsonl")
    assert not list(tmp_path.glob("*out*"))


@pytest.mark.parametrize("form", FORMATS)
def test_same_bytes_every_time(store: Store, tmp_path: Path, form: ExportFormat) -> None:
    """The same store and request give the same bytes, manifest and task file included."""
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        export(store, _request(form, context=FULL), tmp_path / folder / "out.jsonl")
    one, two = ({path.name: path.read_bytes() for path in (tmp_path / folder).iterdir()} for folder in ("a", "b"))
    assert one == two


@pytest.mark.parametrize("name", ["out.jsonl", "out_task.py", "out.jsonl.manifest.json"])
def test_existing_file_is_kept(store: Store, tmp_path: Path, name: str) -> None:
    """No file of an export overwrites one that exists, and then none is written; with force all are."""
    (tmp_path / name).write_text("precious")
    with pytest.raises(InputError, match="the file exists already"):
        export(store, _request("inspect"), tmp_path / "out.jsonl")
    assert {path.name for path in tmp_path.iterdir() if "out" in path.name} == {name}
    assert (tmp_path / name).read_text() == "precious"
    export(store, _request("inspect", force=True), tmp_path / "out.jsonl")
    assert (tmp_path / name).read_text() != "precious"


def test_failed_export_keeps_the_old_file(store: Store, tmp_path: Path) -> None:
    """When the disk refuses bytes half way, the old file stays as it was and no part of the new one is left."""
    out = tmp_path / "out.jsonl"
    out.write_text("old")
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, 2_000))
        try:
            export(store, _request(context=FULL, force=True), out)
        except InputError as error:
            os.write(writer, str(error).encode())
        finally:
            os._exit(0)
    os.close(writer)
    os.waitpid(child, 0)
    with os.fdopen(reader, "rb") as stream:
        assert b"Name a place that may be written and has room." in stream.read()
    assert out.read_text() == "old"
    assert [path.name for path in tmp_path.iterdir() if "part" in path.name] == []


def test_missing_folder_is_named(store: Store, tmp_path: Path) -> None:
    """A folder that does not exist gives a sentence."""
    with pytest.raises(InputError, match="No such file or directory"):
        export(store, _request(), tmp_path / "none" / "out.jsonl")
    with pytest.raises(InputError, match="it is a folder"):
        export(store, _request(), tmp_path)


def test_stream_gets_the_records_alone(store: Store, tmp_path: Path) -> None:
    """To a stream go the same lines as to a file, and the manifest is returned."""
    stream = io.BytesIO()
    manifest = export(store, _request(), stream)
    export(store, _request(), tmp_path / "out.jsonl")
    assert stream.getvalue() == (tmp_path / "out.jsonl").read_bytes()
    assert manifest.files[0].sha256 == hashlib.sha256(stream.getvalue()).hexdigest()


def test_export_is_noted(store: Store, tmp_path: Path) -> None:
    """The store remembers who exported what to where; a store opened for reading can be exported all the same."""
    export(store, _request(), tmp_path / "out.jsonl")
    (action,) = store.actions()
    assert (action.kind, action.actor, action.target, action.created_at) == (
        "export",
        "ann",
        str(tmp_path / "out.jsonl"),
        clock(),
    )
    written = (tmp_path / "out.jsonl.manifest.json").read_bytes()
    assert action.detail["manifest_sha256"] == hashlib.sha256(written).hexdigest()
    with Store.open(store.path, read_only=True, clock=clock) as reading:
        assert export(reading, _request(), tmp_path / "again.jsonl").records == 4


def test_modes_follow_the_umask(store: Store, tmp_path: Path) -> None:
    """An export is meant to be handed on: its mode is the user's default, not the store's."""
    before = os.umask(0o027)
    try:
        export(store, _request(), tmp_path / "out.jsonl")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "out.jsonl").stat().st_mode) == 0o640
