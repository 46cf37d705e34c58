"""An erased session that is still open in the log is not noted again by an incremental run."""

from __future__ import annotations

from pathlib import Path

from tests.cli.logs import row, write_rows
from tests.erasing import found_in
from trajectory_compiler.config import CompileOptions, SyncOptions
from trajectory_compiler.pipeline.forget import Order, carry_out, plan_erasure
from trajectory_compiler.pipeline.sync import sync_into
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Store

NOW = "2026-03-01T09:00:30Z"


def test_an_open_session_that_was_erased_does_not_wait(tmp_path: Path) -> None:
    """Neither compiled nor waiting: no id and no value of it comes back, however often the log is looked at."""
    rows = [row(n, session) for session in ("wombat-session", "other-session") for n in range(8)]
    log = write_rows(tmp_path / "log.jsonl", rows)
    options = CompileOptions(workers=1)
    with Store.open(tmp_path / "store.db") as store:
        first = sync_into(store, str(log), options, SyncOptions(), NOW)
        assert first.open == 2
        key = load_key(key_path(store.path), create=False)
        order = Order(kind="session", sessions=("wombat-session",))
        carry_out(store, key, plan_erasure(store, key, order))
        assert sync_into(store, str(log), options, SyncOptions(), NOW).open == 1
        last = sync_into(store, str(log), options, SyncOptions(), "2026-03-02T09:00:00Z")
        assert (last.run.sessions, last.open) == (1, 0)
    assert found_in(tmp_path, ["wombat-session"], apart=frozenset({"log.jsonl"})) == {}
