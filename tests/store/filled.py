"""A store with something in every table, for the tests of the mirror."""

from __future__ import annotations

import msgspec

from tests.store.samples import KEY, clock, pair, saved, session
from tests.store.test_calls import record
from trajectory_compiler.model import Finding
from trajectory_compiler.redaction.identities import IdentityHash
from trajectory_compiler.store import Action, BlockedSession, Review, SessionResult, StageResult, Store, StoredPolicy

ROWS = (
    "INSERT INTO dataset_versions VALUES ('{n}-ds', '{n}', 1, '{{}}', NULL, 'then')",
    "INSERT INTO dataset_items SELECT '{n}-ds', 0, min(id), 'test', ? FROM pairs WHERE source = '{n}'",
    "INSERT INTO erasures VALUES ('{n}-e', 'session', 'h', 'asked', 'ann', '{{}}', 'then')",
    "INSERT INTO holds VALUES ('{n}-h', 'agent', 'mail', 'case', 'ann', 'then', NULL)",
    "INSERT INTO calibrations SELECT '{n}-c', 'r', 'j', 'k', '{{}}', min(id), 'then' FROM runs",
    "INSERT INTO watermarks SELECT '{n}', '{{}}', min(id), 'then' FROM runs",
    "INSERT INTO waiting SELECT '{n}', 'open', 'open', 1, 'not quiet', NULL, NULL, 3, min(id), 'then' FROM runs",
)


def fill(store: Store, source: str = "log", sessions: int = 3) -> None:
    """Put rows into every table: sessions in every state, superseded pairs, stages, reviews, calls, snapshots, data sets."""
    for number in range(sessions):
        trajectory = session(f"s-{number}", 8 + number, source=source, words=f"ünï\n{number}")
        pairs = (pair(trajectory, 1), pair(trajectory, 2))
        found = (Finding(stage="gates", reason="necessary", count=3), Finding(stage="gates", reason="unique"))
        saved(store, *pairs, trajectory=trajectory, findings=found)
    add_identity(store, source)
    grown = session("s-0", 12, source=source)
    saved(store, pair(grown, 1), trajectory=grown)
    written = msgspec.structs.replace(pair(grown, 7), program=None, state="candidate", origin="model:x:y")
    run = store.begin_run("compile", source, '{"seed":0}', "1")
    store.save_stage(
        StageResult(run_id=run, trajectory=grown, stage="synthesis", origin="model:x:y", key="k", pairs=(written,), findings=())
    )
    store.save_findings(run, source, [Finding(stage="sources", reason="not JSON", count=2, detail="line 7")])
    gone = Finding(stage="redaction", reason="boundary", session_id="s-blocked")
    store.save_sessions(
        [BlockedSession(run_id=run, source=source, session_id="s-blocked", raw_digest="r", compile_key=KEY, findings=(gone,))]
    )
    ledger = store.call_ledger(run)
    ledger.save(record(response=b"answer"))
    place = msgspec.structs.replace(record().place, source=source, session_id="s-0")
    ledger.save(msgspec.structs.replace(record("d2"), place=place))
    review = Review(pair_id=pair(grown, 1).id, reviewer="ann", verdict="reject", reason="odd", created_at=clock())
    store.add_review(review)
    store.save_snapshot(source, f"{source}-1", b"\x00\x01")
    store.save_snapshot(source, f"{source}-2", b"\x00\x02")
    store.save_policy(StoredPolicy(hash="policy-1", name="standard", reason="", content=b"{}"))
    detail = {"pairs": "3", "source": source}
    store.record_action(Action(kind="export", actor="ann", target="out.jsonl", detail=detail, created_at=clock()))
    for statement in ROWS:
        store._database.execute(statement.format(n=source), (b"\x01\x02",) if "?" in statement else ())


def add_identity(store: Store, source: str) -> None:
    """Save a session in which a subject was found."""
    run = store.begin_run("compile", source, "{}", "1")
    result = SessionResult(
        run_id=run,
        trajectory=session("s-known", source=source),
        compile_key=KEY,
        pairs=(),
        identities=(IdentityHash("EMAIL", "h" * 32, "<EMAIL_1>"),),
        key_id="own",
    )
    store.save_session(result)
