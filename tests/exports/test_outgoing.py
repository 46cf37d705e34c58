"""No export holds what today's rules find, whatever the store holds: the last scan stops the write, and leaves no file."""

from __future__ import annotations

import io
from pathlib import Path

import msgspec
import pytest

from tests.store.samples import KEY, clock, pair, session
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.exports import FORMATS, ExportRequest, export, parse_context
from trajectory_compiler.exports.outgoing import Outgoing
from trajectory_compiler.exports.request import ExportFormat
from trajectory_compiler.model import Trajectory
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.store import SessionResult, Store, StoredPolicy


def _store(path: Path, trajectory: Trajectory) -> Store:
    """Fill a store with one session and one pair of it, past every boundary: as a defect of ours would."""
    store = Store.open(path, clock=clock)
    run = store.begin_run("compile", "log", "{}", "1")
    store.save_session(SessionResult(run_id=run, trajectory=trajectory, compile_key=KEY, pairs=(pair(trajectory),)))
    return store


@pytest.mark.parametrize("format_", FORMATS)
def test_a_leak_in_the_store_does_not_leave_it(tmp_path: Path, format_: ExportFormat) -> None:
    """Every format stops with one sentence that names the pair; neither the file nor its manifest is there."""
    request = ExportRequest(format=format_, created_at=clock(), context=parse_context("full"))
    with _store(tmp_path / "store.db", session(words="write to amy@example.com")) as store:
        with pytest.raises(BoundaryError, match=r"^Cannot write '.*': pair \w+ holds a value of type EMAIL at ") as stopped:
            export(store, request, tmp_path / "pairs.jsonl")
        assert "amy" not in str(stopped.value)
        with pytest.raises(BoundaryError, match=r"^Cannot write the pairs: pair "):
            export(store, request, io.BytesIO())
        with pytest.raises(BoundaryError, match="the page holds a value of type EMAIL"):
            Outgoing(store, "write 'page.html'").check_page("<p>amy@example&#46;com</p>", [session()])
    assert not list(tmp_path.glob("*pairs*"))


def test_each_pair_is_scanned_by_its_own_policy(tmp_path: Path) -> None:
    """What was compiled with the policy `off` passes; its reason is in the store."""
    off = load_policy("off", "synthetic log")
    stored = StoredPolicy(hash=off.hash, name="off", reason=off.reason, content=msgspec.json.encode(off))
    trajectory = msgspec.structs.replace(session(words="write to amy@example.com"), policy_hash=off.hash)
    with _store(tmp_path / "store.db", trajectory) as store:
        store.save_policy(stored)
        request = ExportRequest(format="jsonl", created_at=clock(), context=parse_context("full"))
        assert export(store, request, tmp_path / "pairs.jsonl").records == 1
        Outgoing(store, "write").check_page("<p>amy@example.com</p>", [trajectory])
