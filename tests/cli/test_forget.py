"""`find`, `forget` and `hold` on a real log: what was planted is nowhere afterwards, compressed or not."""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Result, Trajc
from tests.erasing import found_in
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.server import GOOD_KEY, Server, serving
from tests.pipeline.orders import pair_in, write_orders_log
from trajectory_compiler.pipeline.snapshot import load_snapshot
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Action, Store

SESSIONS = 5
GONE = "order-session-0003"
PLANTED = [GONE, "ORD-0003", "buyer-122", "carrier-544", "wombat3walks", "row-wombat-3", "hr-agent-3"]
MAIL = "rowan.wombat@example.com"
OUTSIDE = frozenset({"orders.jsonl", "trajc.toml", "pairs.jsonl", "pairs.jsonl.manifest.json", "page.html"})
OFF = ("--policy", "off", "--policy-reason", "synthetic log")


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a model that writes one good pair for a window."""
    with serving(ChatCompletions(), answer=pair_in) as running:
        yield running


@pytest.fixture
def log(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log whose fourth session holds what occurs nowhere else, in a folder whose config names the server."""
    monkeypatch.setenv("QWEN_KEY", GOOD_KEY)
    prices = "input_usd_per_million = 1\noutput_usd_per_million = 2\n"
    config = f'[models.providers.mine]\nbase_url = "{server.base_url}"\nkey_env = "QWEN_KEY"\n{prices}'
    (tmp_path / "trajc.toml").write_text(config, encoding="utf-8")
    path = write_orders_log(tmp_path / "orders.jsonl", SESSIONS)
    rows = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]
    for row in (row for row in rows if row["session_id"] == GONE):
        place = row["id"].split("-")[1]
        row["id"] = f"row-wombat-3-{place}"
        row["agent"] = "hr-agent-3" if place == "4" else row["agent"]
        row["arguments"]["note"] = f"wombat3walks {MAIL if place == '2' else ''}"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def compiled(trajc: Trajc, log: Path, *options: object) -> None:
    """Compile the log and ask the model about every session, so that answers are cached."""
    result = trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", *options)
    assert result.code == 0, result.err


def answer(result: Result, code: int = 0) -> Any:
    """Return what a command printed as JSON."""
    assert result.code == code, result.err
    return json.loads(result.out)


@pytest.mark.parametrize("options", [(), OFF], ids=["standard", "off"])
def test_no_byte_of_an_erased_session_is_left(trajc: Trajc, log: Path, tmp_path: Path, options: tuple[str, ...]) -> None:
    """Store, log, caches, vault and lock hold what was planted before, and none of it after; what was spent stays known."""
    compiled(trajc, log, *options)
    assert trajc("redact", "run", log, "--output", "copy.jsonl", "--vault", "copy.vault").code == 0
    Path("copy.jsonl").unlink()
    planted = [*PLANTED, MAIL] if options else PLANTED
    assert set(found_in(tmp_path, planted, apart=OUTSIDE)["store.db"]) == set(planted)
    spent = answer(trajc("costs", "--json"))
    done = answer(trajc("forget", "--session", GONE, "--reason", "request 17", "--yes", "--json"))
    assert (done["counts"]["sessions"], done["counts"]["cached_answers"]) == (1, 1)
    assert [vault["pages"] for vault in done["vaults"]] == [1]
    assert found_in(tmp_path, [*planted, MAIL], apart=OUTSIDE) == {}
    assert answer(trajc("costs", "--json"))["by"]["model"] == spent["by"]["model"]
    assert trajc("verify").code == 0


def test_an_erased_session_stays_out(trajc: Trajc, log: Path, tmp_path: Path, server: Server) -> None:
    """The log still has it: neither the next run, nor new rows, nor a new snapshot, nor another policy bring it back."""
    compiled(trajc, log)
    trajc("forget", "--session", GONE, "--yes")
    asked = len(server.questions)
    add_row(log)
    for options in ((), ("--new-snapshot",), OFF, ("--min-turns", "30")):
        found = answer(trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--json", *options))
        assert found["sessions"] == (SESSIONS - 1 if "30" not in options else 0)
        assert found["erased"] == (1 if "30" not in options else 0)
        assert found_in(tmp_path, [*PLANTED, MAIL], apart=OUTSIDE) == {}
    assert all("wombat" not in question.prompt for question in server.questions[asked:])


def add_row(log: Path) -> None:
    """Append a row to the session that is to be forgotten, so that its rows are no longer those that were erased."""
    last = [line for line in log.read_text(encoding="utf-8").splitlines() if GONE in line][-1]
    more = json.loads(last) | {"id": "row-wombat-3-9", "created_at": "2026-11-30T10:00:00Z"}
    log.write_text(log.read_text(encoding="utf-8") + json.dumps(more) + "\n", encoding="utf-8")


def test_new_statistics_leave_none_that_count_the_session(trajc: Trajc, log: Path, store: Path) -> None:
    """Taken anew after an erasure, the old statistics are gone: in the new ones what was planted has no count."""
    compiled(trajc, log)
    key = load_key(key_path(store), create=False)
    with Store.open(store) as opened:
        before = load_snapshot(opened, "orders", key)
    assert before is not None
    assert before.document_frequency("buyer-122") == 1
    trajc("forget", "--session", GONE, "--yes")
    add_row(log)
    assert trajc("compile", log, "--new-snapshot").code == 0
    with Store.open(store) as opened:
        after = load_snapshot(opened, "orders", key)
        kept = list(opened._database.rows("SELECT digest FROM snapshots WHERE source = 'orders'"))
    assert after is not None
    assert after.document_frequency("buyer-122") == 0
    assert kept == [(after.digest(),)]


def test_an_id_that_is_personal_stays_out_too(trajc: Trajc, tmp_path: Path) -> None:
    """A session whose id is an address is stored under a pseudonym; it is known again by that, by its rows, by the address."""
    rows = [
        {
            "id": f"{session}-{n}",
            "session_id": session,
            "created_at": f"2026-11-01T10:00:{n:02d}Z",
            "agent": "clerk",
            "tool": "read",
            "arguments": {"n": n},
            "response": {"owner": f"o-{n}"},
        }
        for session in (MAIL, "plain-session-id")
        for n in range(8)
    ]
    log = tmp_path / "ids.jsonl"
    log.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    assert trajc("compile", log).code == 0
    assert answer(trajc("forget", "--subject", MAIL, "--yes", "--json"))["counts"]["sessions"] == 1
    assert answer(trajc("compile", log, "--json"))["erased"] == 1
    assert answer(trajc("compile", log, "--json", *OFF))["erased"] == 1
    assert found_in(tmp_path, [MAIL], apart=frozenset({"ids.jsonl"})) == {}


def test_a_lost_key_brings_no_erased_session_back(trajc: Trajc, log: Path, store: Path) -> None:
    """Without the key an erased session would not be known again: the run refuses in one sentence."""
    compiled(trajc, log)
    trajc("forget", "--session", GONE, "--yes")
    (store.parent / "store.db.key").unlink()
    result = trajc("compile", log)
    assert result.code == 2
    assert "were erased, and are known again only by the key" in result.err


def test_find_names_sessions_and_never_the_value(trajc: Trajc, log: Path) -> None:
    """By keyed hash, from standard input or the command line; pairs and files are named, the address is not."""
    compiled(trajc, log)
    pairs = trajc("sample", "--candidates", "--limit", 9, "--session", GONE, "--json")
    found = trajc("find", "--subject", "-", "--json", stdin=f"{MAIL.upper()}\n")
    assert MAIL not in found.out.lower()
    record = answer(found)
    assert [(one["session_id"], one["ways"]) for one in record["sessions"]] == [(GONE, ["hash"])]
    assert {pair["id"] for pair in json.loads(pairs.out)} <= set(record["sessions"][0]["pairs"])
    text = trajc("find", "--subject", MAIL)
    assert GONE in text.out
    assert MAIL not in text.out + text.err
    assert answer(trajc("find", "--subject", "nobody@example.com", "--json"))["sessions"] == []
    assert trajc("find").code == 2


def test_an_erased_subject_is_found_nowhere_and_the_tombstone_says_so(trajc: Trajc, log: Path) -> None:
    """After the erasure the same question finds nobody, and whoever knows the value learns when it was erased."""
    compiled(trajc, log)
    assert answer(trajc("forget", "--subject", "-", "--yes", "--json", stdin=f"{MAIL}\n"))["counts"]["sessions"] == 1
    record = answer(trajc("find", "--subject", MAIL, "--json"))
    assert record["sessions"] == []
    assert [one["kind"] for one in record["erasures"]] == ["subject"]
    again = trajc("forget", "--subject", MAIL, "--yes")
    assert again.code == 0
    assert "Erased before: 1 session" in again.out


def test_exports_and_what_was_made_of_them_are_listed(trajc: Trajc, log: Path, tmp_path: Path, store: Path) -> None:
    """By manifest: the file that holds the session, one whose manifest is gone, and the adapter made from the file."""
    compiled(trajc, log)
    for name in ("pairs", "other", "lost"):
        narrowed = ("--origin", "model:mine:qwen")
        assert trajc("sample", "--candidates").code == 0
        with Store.open(store) as opened:
            wanted = "order-session-0001" if name == "other" else GONE
            _mark_reviewed(opened, wanted)
        source = ("--source", "orders") if name != "other" else ()
        assert trajc("export", "--output", f"{name}.jsonl", *narrowed, *source).code == 0, name
    (tmp_path / "lost.jsonl.manifest.json").unlink()
    with Store.open(store) as opened:
        detail = {"made_from": str(tmp_path / "pairs.jsonl")}
        opened.record_action(
            Action(kind="train", actor="me", target="adapter-1", detail=detail, created_at="2026-11-24T10:00:00Z")
        )
    listed = answer(trajc("forget", "--session", GONE, "--dry-run", "--json"))["by_hand"]
    found = {Path(one["target"]).name: (one["kind"], one["certainty"]) for one in listed}
    assert found["pairs.jsonl"] == ("export", "holds it")
    assert found["lost.jsonl"] == ("export", "may hold it")
    assert found["adapter-1"] == ("train", "holds it")
    untouched = answer(trajc("forget", "--session", "order-session-0000", "--dry-run", "--json"))["by_hand"]
    assert {Path(one["target"]).name for one in untouched} == {"lost.jsonl"}


def _mark_reviewed(store: Store, session: str) -> None:
    """Make a session's candidates exportable, as if a reader model had passed them."""
    with store._database.transaction():
        store._database.execute("UPDATE pairs SET state = 'tested' WHERE session_id = ?", (session,))


def test_a_dry_run_and_a_missing_word_erase_nothing(trajc: Trajc, log: Path, store: Path) -> None:
    """Nothing is written by --dry-run, and none is erased before somebody agreed; one selector is needed."""
    compiled(trajc, log)
    before = store.read_bytes()
    assert "Nothing was erased" in trajc("forget", "--session", GONE, "--dry-run").out
    refused = trajc("forget", "--session", GONE)
    assert refused.code == 2
    assert "nobody agreed" in refused.err
    assert trajc("forget", "--yes").code == 2
    assert trajc("forget", "--session", GONE, "--agent", "clerk", "--yes").code == 2
    assert store.read_bytes() == before


def test_a_hold_is_added_listed_and_released(trajc: Trajc, log: Path, store: Path) -> None:
    """While it is in force `forget` exits with 2, or erases the rest with 1 when asked to; afterwards it erases."""
    compiled(trajc, log)
    hold = answer(trajc("hold", "add", "--session", GONE, "--reason", "claim 7", "--json"))
    assert [one["id"] for one in answer(trajc("hold", "list", "--json"))] == [hold["id"]]
    refused = trajc("forget", "--session", GONE, "--yes")
    assert refused.code == 2
    assert "under legal hold" in refused.err
    both = ("--session", GONE, "--session", "order-session-0001")
    assert answer(trajc("forget", *both, "--except-held", "--yes", "--json"), 1)["counts"]["sessions"] == 1
    assert trajc("hold", "release", hold["id"][:6]).code == 0
    assert answer(trajc("hold", "list", "--json")) == []
    assert answer(trajc("forget", *both, "--yes", "--json"))["counts"]["sessions"] == 1
    assert trajc("hold", "release", hold["id"]).code == 2


def test_the_retention_period_comes_from_the_config(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """What is older than retention_days goes, what is held stays without an error; without a period there is a sentence."""
    compiled(trajc, log)
    assert "has no retention_days" in trajc("forget", "--retention", "--yes").err
    config = (tmp_path / "trajc.toml").read_text(encoding="utf-8")
    (tmp_path / "trajc.toml").write_text(config + "\n[retention]\nretention_days = 1\n", encoding="utf-8")
    trajc("hold", "add", "--session", GONE, "--reason", "claim 7")
    done = answer(trajc("forget", "--retention", "--yes", "--json"))
    left = {one["session_id"] for one in done["held"]}
    assert left == {GONE}
    assert done["tombstone"]["kind"] == "retention"
    (tmp_path / "trajc.toml").write_text("[retention]\nretention_days = 0\n", encoding="utf-8")
    assert "retention_days is 1 or more" in trajc("forget", "--retention", "--yes").err


def test_a_cut_erasure_is_finished_by_hand(trajc: Trajc, log: Path, store: Path) -> None:
    """`--finish` cleans what a killed run left, and says when there is nothing to do."""
    compiled(trajc, log)
    assert answer(trajc("forget", "--finish", "--json")) == {"cleaned": False}
    database = sqlite3.connect(store)
    database.execute("INSERT INTO meta VALUES ('erasure_pending', '[\"store.db.v1.backup\"]')")
    database.commit()
    database.close()
    shutil.copy(store, store.with_name("store.db.v1.backup"))
    assert answer(trajc("forget", "--finish", "--json")) == {"cleaned": True}
    assert not store.with_name("store.db.v1.backup").exists()
