"""How seals grow: step by step, under slow transactions, after changes of the schema, and when something goes wrong."""

from __future__ import annotations

import random
import threading
import time
from pathlib import Path

import psycopg
import pytest

from tests.ledger.sealed import KINDS, NOW, SealedLog, make, named
from trajectory_compiler.errors import SealError, SourceError, StoreLockedError, TrajcError
from trajectory_compiler.ledger import seal as sealing
from trajectory_compiler.ledger.checkpoint import open_checkpoint
from trajectory_compiler.ledger.note import new_signer, read_verifier, write_signer
from trajectory_compiler.ledger.purge import PurgeOrder, purge
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_table
from trajectory_compiler.store.lock import run_lock


@pytest.fixture(params=KINDS)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> SealedLog:
    """Return a log of 20 rows of each kind, not sealed yet."""
    return make(request.param, tmp_path, rows=20)


def test_each_seal_takes_what_is_new(log: SealedLog) -> None:
    """Rows are sealed once; nothing new keeps the checkpoint; every earlier checkpoint still holds."""
    first = log.seal()
    old = log.checkpoint.read_text()
    assert (first.sealed, first.size) == (20, 20)
    assert (log.seal().sealed, log.checkpoint.read_text()) == (0, old)
    log.write(21, 300)
    assert log.verify().new == 300
    second = log.seal()
    assert (second.sealed, second.size, second.origin) == (300, 320, first.origin)
    report = log.verify(old, log.checkpoint.read_text())
    assert (report.is_sound, report.intact, report.new) == (True, 320, 0)
    (note,) = log.verify(old).notes
    assert note == "300 rows were sealed after the checkpoint and rest on the seals' own last one"


def test_negative_ids_are_ids(tmp_path: Path) -> None:
    """Rows below zero are sealed and found like others."""
    log = make("postgres", tmp_path, rows=3)
    log.execute("UPDATE audit SET id = -id")
    assert log.seal().sealed == 3
    assert log.verify().is_sound
    log.update(-6, "tool", "other")
    assert named(log.verify()) == {("edited", -6)}


def _insert_slowly(log: SealedLog, ready: threading.Event, go_on: threading.Event) -> None:
    with psycopg.connect(log.location) as connection:
        connection.execute(_INSERT[log.is_own].format(session="slow"))
        ready.set()
        go_on.wait(20)


_INSERT = {
    True: "INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('{session}', 'a', 't')",
    False: "INSERT INTO audit (id, session_id, created_at) SELECT nextval('numbers'), '{session}', now()",
}


@pytest.fixture(params=["postgres", "postgres-own"])
def busy(request: pytest.FixtureRequest, tmp_path: Path) -> SealedLog:
    """Return a sealed log on a server whose next row comes from a sequence."""
    log = make(request.param, tmp_path, rows=5)
    if log.is_own:
        log.execute("SELECT setval(pg_get_serial_sequence('agent_audit_log', 'id'), 1000)")
    else:
        log.execute("CREATE SEQUENCE numbers START 1000")
    log.seal()
    return log


def test_a_slow_transaction_is_waited_for_or_passed_by(busy: SealedLog) -> None:
    """A transaction that took its id before a sealed row and commits after it: no row is lost and no alarm is raised."""
    ready, go_on = threading.Event(), threading.Event()
    slow = threading.Thread(target=_insert_slowly, args=(busy, ready, go_on))
    slow.start()
    assert ready.wait(20)
    busy.execute(_INSERT[busy.is_own].format(session="quick"))
    threading.Timer(0.3, go_on.set).start()
    report = busy.seal(wait_seconds=20)
    slow.join()
    assert report.is_complete
    assert report.sealed == (0 if busy.is_own else 2)  # ours leaves both to the next seal, others wait for the slow one
    assert busy.verify().is_sound
    assert busy.seal().size == 7
    assert (busy.verify().is_sound, busy.verify().intact) == (True, 7)


def test_a_transaction_that_outlasts_the_wait(tmp_path: Path) -> None:
    """Its row is reported apart as unsealed, with the seal's word that it was not complete; --late takes it in."""
    log = make("postgres", tmp_path, rows=5)
    log.execute("CREATE SEQUENCE numbers START 1000")
    ready, go_on = threading.Event(), threading.Event()
    slow = threading.Thread(target=_insert_slowly, args=(log, ready, go_on))
    slow.start()
    assert ready.wait(20)
    log.execute(_INSERT[False].format(session="quick"))
    assert not log.seal(wait_seconds=0).is_complete
    go_on.set()
    slow.join()
    assert named(log.verify()) == {("back-inserted", 1000)}
    assert log.seal().sealed == 0
    assert log.seal(late=True).sealed == 1
    report = log.verify()
    assert (report.is_sound, report.intact, report.notes) == (True, 7, ("1 rows were sealed late",))


def test_a_late_row_of_our_ledger_is_no_alarm(tmp_path: Path) -> None:
    """A row whose transaction was open at the seal is called late, whatever its id; one that claims so falsely is not."""
    log = make("postgres-own", tmp_path, rows=5)
    log.execute("SELECT setval(pg_get_serial_sequence('agent_audit_log', 'id'), 1000)")
    with psycopg.connect(log.location) as other, psycopg.connect(log.location) as slow:
        slow.execute("SELECT pg_current_xact_id()")  # the oldest open transaction
        other.execute(_INSERT[True].format(session="other"))
        other.commit()
        log.execute(_INSERT[True].format(session="third"))
        log.seal()
        slow.execute(_INSERT[True].format(session="slow"))
        log.execute("UPDATE agent_audit_log SET session_id = session_id WHERE false")
    slow_id = log.rows("SELECT id FROM agent_audit_log WHERE session_id = 'slow'")[0][0]
    report = log.verify()
    assert (report.is_sound, report.new + len(report.unsealed)) == (True, 3)
    log.execute("INSERT INTO agent_audit_log (id, session_id, agent, tool) OVERRIDING SYSTEM VALUE VALUES (7, 'x', 'a', 't')")
    assert named(log.verify()) == {("back-inserted", 7)}
    log.delete(7)
    assert log.seal().sealed == 3
    assert log.verify().is_sound
    assert slow_id > 1000


def test_text_ids_go_by_their_time(tmp_path: Path) -> None:
    """Where ids have no order, a row a little before the last sealed one is new, one far before it is left behind."""
    log = make("sqlite-text", tmp_path, rows=20)
    log.seal()
    last = log.rows("SELECT max(created_at) FROM audit")[0][0]
    log.insert({"id": "a-bit-late", "session_id": "s", "created_at": last.replace("20:", "19:", 1), "tool": "t"})
    log.insert({"id": "far-too-late", "session_id": "s", "created_at": "2026-01-01T00:00:00Z", "tool": "t"})
    report = log.seal(lag_seconds=3600)
    assert (report.sealed, report.left) == (1, 1)
    assert named(log.verify()) == {("back-inserted", "far-too-late")}


def test_a_seal_that_is_stopped_changes_nothing(log: SealedLog, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before it is signed, the seals are as before; stopped before it is published, the next one publishes it."""
    log.seal()
    old = log.checkpoint.read_text()
    log.write(21, 300)

    def stop(*_: object) -> str:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(SealStore, "add_seal", stop)
        with pytest.raises(KeyboardInterrupt):
            log.seal()
    assert (log.verify().is_sound, log.verify().sealed) == (True, 20)
    with monkeypatch.context() as patched:
        patched.setattr(sealing, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            log.seal()
    assert log.checkpoint.read_text() == old
    assert (log.seal().sealed, log.verify().intact) == (0, 320)
    assert log.checkpoint.read_text() != old


def test_two_seals_at_once(log: SealedLog) -> None:
    """The second says that another is running and leaves."""
    log.seal()
    with run_lock(log.seals, "seal", NOW), pytest.raises(StoreLockedError, match=r"another run \(seal"):
        log.seal()


def test_columns_come_and_go(tmp_path: Path) -> None:
    """A new column breaks no seal and is named until rows with it are sealed; one that is gone is a finding."""
    log = make("postgres", tmp_path, rows=5)
    log.seal()
    log.execute("ALTER TABLE audit ADD COLUMN region text DEFAULT 'north'")
    report = log.verify()
    assert (report.is_sound, report.notes) == (True, ("columns that no seal covers yet: region",))
    log.write(6, 5)
    log.seal()
    report = log.verify()
    assert (report.is_sound, report.intact) == (True, 10)
    log.execute("UPDATE audit SET region = 'south'")
    assert {row_id for _, row_id in named(log.verify())} == {18, 21, 24, 27, 30}  # those that were sealed with it
    log.execute("UPDATE audit SET region = 'north'; ALTER TABLE audit DROP COLUMN cost_usd")
    assert log.verify().problems == ("the column 'cost_usd', which seals cover, is gone",)


def test_a_table_that_is_gone(tmp_path: Path) -> None:
    """An emptied table is cut off row by row; a dropped one is told in a sentence."""
    log = make("postgres", tmp_path, rows=5)
    log.seal()
    log.execute("TRUNCATE audit")
    assert log.verify().counts == {"cut-off": 5}
    log.execute("DROP TABLE audit")
    with pytest.raises(SealError, match="no such table"):
        log.verify()


def test_ids_that_are_none(tmp_path: Path) -> None:
    """An id that comes twice, one that is missing, and a log without ids are refused before anything is signed."""
    log = make("sqlite", tmp_path, rows=5)
    log.execute("CREATE TABLE loose (id INTEGER, session_id TEXT, tool TEXT, created_at TEXT)")
    log.execute(
        "INSERT INTO loose VALUES (1, 's', 't', '2026-01-01'), (2, 's', 't', '2026-01-01'), (2, 's', 'u', '2026-01-01')"
    )
    log.table = "loose"
    with pytest.raises(SealError, match="the id 2 stands there 2 times"):
        log.seal()
    log.execute("UPDATE loose SET id = NULL WHERE tool = 'u'")
    with pytest.raises(SealError, match="a row has no id"):
        log.seal()
    assert not log.checkpoint.exists()
    path = tmp_path / "log.jsonl"
    path.write_text('{"session_id": "s", "tool": "t", "arguments": {}, "response": 1}\n' * 3)
    log.location, log.table = str(path), None  # type: ignore[assignment]
    with pytest.raises(SealError, match="its rows have no id"):
        log.seal()


def test_a_file_is_sealed_too(tmp_path: Path) -> None:
    """A JSONL log with ids: an edited, a deleted and an added line are named; the order of keys and spaces does not count."""
    path = tmp_path / "log.jsonl"
    line = (
        '{{"id": "r{0}", "session_id": "s", "tool": "t", "created_at": "2026-01-01T00:0{0}:00Z", "response": {{"n": {0}}}}}\n'
    )
    path.write_text("".join(line.format(number) for number in range(6)))
    log = SealedLog("sqlite", str(tmp_path / "unused.db"), tmp_path)
    log.location, log.table = str(path), None  # type: ignore[assignment]
    assert log.seal().sealed == 6
    path.write_text(path.read_text().replace('"n": 5', '"n":5'))
    assert log.verify().is_sound
    lines = path.read_text().splitlines(keepends=True)
    changed = [lines[0].replace('"n": 0', '"n": 9'), *lines[2:], line.format(1).replace("r1", "r9")]
    path.write_text("".join(changed))
    assert named(log.verify()) == {("edited", "r0"), ("re-inserted", "r1")}


def test_a_key_that_is_another(log: SealedLog) -> None:
    """Without the key that signed the seals nothing is sealed; with another one neither."""
    log.seal()
    log.write(21, 1)
    (log.folder / "key").rename(log.folder / "old")
    with pytest.raises(SealError, match="it is gone"):
        log.seal()
    write_signer(log.folder / "key", new_signer("other"))
    with pytest.raises(TrajcError, match="did not sign it"):
        log.seal()


def test_a_checkpoint_that_these_seals_do_not_continue_is_not_replaced(log: SealedLog) -> None:
    """A published checkpoint of other seals, or of another signer, may be the only evidence: it stays."""
    log.seal()
    evidence = log.checkpoint.read_text()
    log.seals.unlink()  # whoever throws the seals away and seals the changed log anew
    log.update(log.ids()[3], "tool", "changed")
    with pytest.raises(SealError, match="do not continue its 20 rows"):
        log.seal()
    assert log.checkpoint.read_text() == evidence
    log.checkpoint.write_text("something else\n")
    with pytest.raises(SealError, match="was not signed with this key"):
        log.seal()


def test_another_log_is_not_sealed_into_these_seals(log: SealedLog, tmp_path: Path) -> None:
    """A log of the same shape is told from the sealed one; with seals of its own and the same key it gets a name of its own."""
    first = log.seal()
    other = make(log.kind, tmp_path / "other", rows=30, seed=9)
    mine = log.options()
    options = sealing.SealOptions(seals=mine.seals, key=mine.key, places=(), source=mine.source)
    with pytest.raises(SealError, match="none of 3 rows that were looked up stands there"):
        sealing.seal(other.location, options, lambda: NOW, random.Random(2).randbytes)
    assert (log.seal().sealed, log.verify().is_sound) == (0, True)
    options = sealing.SealOptions(seals=other.seals, key=mine.key, places=(), source=mine.source)
    second = sealing.seal(other.location, options, lambda: NOW, random.Random(2).randbytes)
    assert second.public_key == first.public_key
    assert second.origin != first.origin


def test_settings_of_the_address_stay_in_force(tmp_path: Path) -> None:
    """A statement timeout that the address sets ends a seal in a sentence, and nothing is sealed."""
    log = make("postgres", tmp_path, rows=200)
    log.location += ("&" if "?" in log.location else "?") + "options=-c%20statement_timeout%3D1ms"
    log.execute("CREATE VIEW slow AS SELECT audit.* FROM audit, LATERAL (SELECT pg_sleep(0.01 + 0 * audit.id)) AS s")
    log.table = "slow"
    with pytest.raises(SourceError, match="statement timeout"):
        log.seal()


def test_row_level_security_is_told(tmp_path: Path) -> None:
    """Where the server may hide rows from the user who seals, the seal and the verification say so."""
    log = make("postgres", tmp_path, rows=5)
    name = f"narrow_{time.time_ns()}"
    log.execute(f"CREATE ROLE {name} LOGIN; GRANT SELECT ON audit TO {name}; ALTER TABLE audit ENABLE ROW LEVEL SECURITY")
    log.execute(f"CREATE POLICY few ON audit FOR SELECT TO {name} USING (id < 9)")
    log.location = log.location.replace("postgres:@", f"{name}:@")
    report = log.seal()
    assert (report.sealed, report.hides_rows) == (2, True)
    assert "row-level security applies to this user: sealed rows that it hides look deleted" in log.verify().notes
    log.execute(f"DROP OWNED BY {name}; DROP ROLE {name}")


def test_a_reader_seals_and_an_officer_purges(tmp_path: Path) -> None:
    """Sealing and verifying a ledger of ours need the reader's rights alone, a purge those of reader and purger."""
    log = make("postgres-own", tmp_path, rows=5)
    log.execute(f"ALTER TABLE {log.table} ENABLE TRIGGER ALL")
    address, number = log.location, time.time_ns()
    for name, roles in (("reads", "reader"), ("purges", "reader, agent_audit_log_purger")):
        log.execute(f"CREATE ROLE {name}_{number} LOGIN; GRANT agent_audit_log_{roles} TO {name}_{number}")
    log.location = address.replace("postgres:@", f"reads_{number}:@")
    assert (log.seal().sealed, log.verify().is_sound) == (5, True)
    order = PurgeOrder(rows=(6,), reference="r", reason="w", actor="officer")
    with pytest.raises(SourceError, match="permission denied"):
        purge(open_table(log.location, log.options().source), order)
    record = purge(open_table(address.replace("postgres:@", f"purges_{number}:@"), log.options().source), order)
    assert (record.purged_by, record.rows) == (f"purges_{number}", ("6",))
    assert log.verify().counts == {"purged": 1}
    log.execute(f"DROP ROLE reads_{number}, purges_{number}")


def test_the_checkpoint_says_when_and_which_log(log: SealedLog) -> None:
    """Origin, size and time can be read off a checkpoint by anybody with the public key."""
    report = log.seal()
    checkpoint = open_checkpoint(log.checkpoint.read_text(), read_verifier(report.public_key))
    assert (checkpoint.origin, checkpoint.size, checkpoint.root.hex()) == (report.origin, 20, report.root)
    assert checkpoint.said("sealed_at") == NOW
    assert (checkpoint.said("snapshot") is not None) == (log.kind == "postgres-own")
