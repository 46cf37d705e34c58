"""Files made from a store: which hold something of a session, by their manifests and by what was noted."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.exports import ExportRequest, export
from trajectory_compiler.exports.derived import MADE_FROM, files_with
from trajectory_compiler.store import Action, Store

ONE, TWO = session("s-1"), session("s-2")
MINE, OTHER = pair(ONE), pair(TWO)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store of two sessions, each exported to a file of its own."""
    with Store.open(tmp_path / "store.db", clock=clock) as opened:
        saved(opened, MINE, trajectory=ONE)
        saved(opened, OTHER, trajectory=TWO)
        for name in ("s-1", "s-2"):
            request = ExportRequest(format="jsonl", created_at=clock(), session=name)
            export(opened, request, tmp_path / f"{name}.jsonl")
        yield opened


def found(store: Store) -> dict[str, str]:
    """Return what holds the first session, by name."""
    return {Path(file.target).name: file.certainty for file in files_with(store, [MINE.id], [ONE.digest])}


def note(store: Store, target: str, made_from: str, kind: str = "train") -> None:
    """Note that something was made."""
    store.record_action(Action(kind=kind, actor="me", target=target, detail={MADE_FROM: made_from}, created_at=clock()))


def test_only_files_whose_manifest_lists_a_pair_are_named(store: Store) -> None:
    """The export of the other session is not among them."""
    assert found(store) == {"s-1.jsonl": "holds it"}


@pytest.mark.parametrize("damage", ["gone", "changed", "no JSON"])
def test_without_its_manifest_a_file_may_hold_anything(store: Store, tmp_path: Path, damage: str) -> None:
    """Where the manifest cannot be trusted the file is named, with the lesser certainty."""
    manifest = tmp_path / "s-2.jsonl.manifest.json"
    if damage == "gone":
        manifest.unlink()
    else:
        manifest.write_text(manifest.read_text().replace('"jsonl"', '"chat"') if damage == "changed" else "{", encoding="utf-8")
    assert found(store) == {"s-1.jsonl": "holds it", "s-2.jsonl": "may hold it"}


def test_what_was_made_of_a_file_is_named_to_the_end_of_the_chain(store: Store, tmp_path: Path) -> None:
    """An adapter of the file, a model merged from the adapter, one named by the manifest's digest; not what came of others."""
    digest = next(a.detail["manifest_sha256"] for a in store.actions() if a.target.endswith("s-1.jsonl"))
    note(store, "merged", "adapter", kind="merge")
    note(store, "adapter", f"{tmp_path / 's-2.jsonl'}\n{tmp_path / 's-1.jsonl'}")
    note(store, "by-digest", digest)
    note(store, "unrelated", str(tmp_path / "s-2.jsonl"))
    assert set(found(store)) == {"s-1.jsonl", "adapter", "merged", "by-digest"}


def test_a_file_that_was_overwritten_is_judged_by_what_it_holds_now(store: Store, tmp_path: Path) -> None:
    """The same name exported again without the session no longer holds it."""
    request = ExportRequest(format="jsonl", created_at=clock(), session="s-2", force=True)
    export(store, request, tmp_path / "s-1.jsonl")
    assert found(store) == {}
