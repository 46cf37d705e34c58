"""`trajc redact`: the copy and its report, the vault, the search for leaks, the rules' own tests."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Trajc
from tests.cli.logs import row, write_rows
from trajectory_compiler.store import Store

KEY = "ghp_16C7e42F292c6912E7710c838347Ae178B4a"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write two interleaved sessions in an odd order, with a repeated row, a binary leaf and a column of their own."""
    rows = [
        row(1, "s-2", response={"to": "amy@example.com", "n": 1}, ticket_owner="amy@example.com"),
        row(0, "s-1", response="mail bob@example.com or call +44 7700 900123"),
        row(0, "s-2", arguments={"amy@example.com": [1.5, None, True]}, response="\x01\x02\x03"),
        row(1, "s-2", response={"to": "amy@example.com", "n": 1}, ticket_owner="amy@example.com"),
        row(1, "s-1", arguments={"api_key": KEY, "card": 4111111111111111}, response={"ok": True}, cost_usd=0.25),
    ]
    return write_rows(tmp_path / "agent.jsonl", rows)


def _rows(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines()]


def test_the_copy_has_the_same_rows_in_the_same_order(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """Ids, order, repeated rows, further columns and everything clean are as they were; values are pseudonyms."""
    result = trajc("redact", "run", log, "--output", "copy.jsonl")
    assert result.code == 0, result.err
    assert "5 of 5 rows of 2 sessions, policy standard: copy.jsonl" in result.out
    before, after = _rows(log), _rows(tmp_path / "copy.jsonl")
    assert [(r["session_id"], r["id"]) for r in after] == [(r["session_id"], r["id"]) for r in before]
    assert after[0]["response"] == {"to": "<EMAIL_1>", "n": 1}
    assert after[0]["ticket_owner"] == "<EMAIL_1>"
    assert after[1]["response"] == "mail <EMAIL_1> or call <PHONE_1>"
    assert after[2]["arguments"] == {"<EMAIL_1>": [1.5, None, True]}
    assert after[2]["response"] == "<UNSCANNED_1>"
    assert after[3] == after[0]
    assert after[4]["arguments"] == {"api_key": "<SECRET_1>", "card": "<CARD_1>"}
    assert (after[4]["response"], after[4]["cost_usd"]) == ({"ok": True}, 0.25)


def test_the_report_counts_types_and_places_and_no_values(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """As text, as JSON and as a page: how often each type was replaced and where, and what was not scanned."""
    result = trajc("redact", "run", log, "--output", "copy.jsonl", "--html", "report.html", "--json")
    report = json.loads(result.out)
    types = {item["type"]: (item["values"], item["replaced"], item["sessions"]) for item in report["types"]}
    assert types["EMAIL"] == (2, 6, 2)
    assert types["SECRET"] == (1, 1, 1)
    assert {(p["tool"], p["path"]) for item in report["types"] for p in item["places"]} >= {
        ("get_ticket", "response/to"),
        ("get_ticket", "arguments/<EMAIL_1> (key)"),
        ("get_ticket", "extra/ticket_owner"),
    }
    assert [(item["reason"], item["count"]) for item in report["unscanned"]] == [("binary", 1)]
    assert (report["rows"], report["rows_written"], report["blocked"], report["policy"]) == (5, 5, [], "standard")
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    text = trajc("redact", "run", log, "--output", "copy.jsonl", "--force").out
    for shown in (page, text, result.out):
        assert "EMAIL" in shown
        for value in ("amy@", "bob@", KEY, "7700"):
            assert value not in shown
    assert "<script" not in page
    assert "default-src 'none'" in page


def test_a_session_that_cannot_be_redacted_is_left_out(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """Its rows are not in the copy, the report says which session and why, and the exit code is 1."""
    (tmp_path / "careful.toml").write_text("[redaction]\nunscanned = 'block'\n", encoding="utf-8")
    result = trajc("redact", "run", log, "--output", "copy.jsonl", "--policy", "careful.toml")
    assert result.code == 1
    assert "Left out: session 's-2' (3 rows): 1 fields could not be scanned" in result.out
    assert {r["session_id"] for r in _rows(tmp_path / "copy.jsonl")} == {"s-1"}


def test_restoring_gives_the_original_back(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """Every parsed value but the secret and the unscanned leaf is the original; each use is in the store, nothing is public."""
    assert trajc("redact", "run", log, "--output", "copy.jsonl", "--vault", "copy.vault").code == 0
    result = trajc("redact", "restore", "copy.jsonl", "--vault", "copy.vault", "--output", "back.jsonl")
    assert result.code == 0, result.err
    assert "left as they are: 1 SECRET, 1 UNSCANNED" in result.out
    expected = _rows(log)
    expected[2]["response"] = "<UNSCANNED_1>"
    expected[4]["arguments"]["api_key"] = "<SECRET_1>"
    back = [{name: value for name, value in r.items() if name != "success"} for r in _rows(tmp_path / "back.jsonl")]
    assert back == expected  # the copy also says what the log's reader concluded: that no call failed
    for name in ("back.jsonl", "copy.vault", "copy.vault.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    vault = (tmp_path / "copy.vault").read_bytes()
    for value in (b"amy@", b"s-1", KEY.encode()):
        assert value not in vault
    with Store.open(tmp_path / ".trajc" / "store.db", read_only=True) as store:
        actions = store.actions()
    assert {action.kind for action in actions} == {"vault", "restore"}
    (restored,) = [action for action in actions if action.kind == "restore"]
    assert restored.detail["restored"] == "1 CARD, 6 EMAIL, 1 PHONE"
    assert "amy" not in repr(actions)


def test_only_the_wanted_types_are_restored(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """`--type` puts back one type; what the policy does not let a vault keep cannot be put back at all."""
    trajc("redact", "run", log, "--output", "copy.jsonl", "--vault", "copy.vault")
    trajc("redact", "restore", "copy.jsonl", "--vault", "copy.vault", "--type", "PHONE", "--output", "phones.jsonl")
    assert _rows(tmp_path / "phones.jsonl")[1]["response"] == "mail <EMAIL_1> or call +44 7700 900123"
    (tmp_path / "p.toml").write_text("[redaction]\nrestore = ['EMAIL']\n", encoding="utf-8")
    trajc("redact", "run", log, "--output", "c2.jsonl", "--vault", "c2.vault", "--policy", "p.toml")
    trajc("redact", "restore", "c2.jsonl", "--vault", "c2.vault", "--output", "mails.jsonl")
    assert _rows(tmp_path / "mails.jsonl")[1]["response"] == "mail bob@example.com or call <PHONE_1>"


def test_a_vault_needs_its_key(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """Without the key, with another one, or with another file, one sentence and no output."""
    trajc("redact", "run", log, "--output", "copy.jsonl", "--vault", "copy.vault")
    key = tmp_path / "copy.vault.key"
    kept = key.read_bytes()
    key.unlink()
    restore = ("redact", "restore", "copy.jsonl", "--vault", "copy.vault", "--output", "back.jsonl")
    assert "there is no such file. Put the key back" in trajc(*restore).err
    os.close(os.open(key, os.O_CREAT | os.O_WRONLY, 0o600))
    key.write_bytes(b"0" * 64)
    result = trajc(*restore)
    assert "5 rows belong to sessions that the vault does not hold." in result.out
    (tmp_path / "back.jsonl").unlink()
    key.write_bytes(kept)
    (tmp_path / "copy.vault").write_bytes((tmp_path / "copy.vault").read_bytes().replace(b"gAAAA", b"gAAAB"))
    assert "Cannot open the vault 'copy.vault': it is damaged." in trajc(*restore).err
    (tmp_path / "copy.vault").write_text("x")
    assert "it is no vault of format 1" in trajc(*restore).err
    assert not (tmp_path / "back.jsonl").exists()


def test_the_copy_says_nothing_of_what_was_planted(trajc: Trajc, log: Path, tmp_path: Path) -> None:
    """`check` finds canaries in the log by number and type and none in copy, store and report; nor do the rules find any."""
    canaries = tmp_path / "planted.txt"
    canaries.write_text(f"amy@example.com\n{KEY}\n", encoding="utf-8")
    trajc("redact", "run", log, "--output", "copy.jsonl", "--html", "report.html")
    trajc("compile", log, "--min-turns", 1)
    result = trajc("redact", "check", "copy.jsonl", "report.html", ".trajc/store.db", "--canaries", canaries)
    assert (result.code, result.out.count("\n")) == (0, 1), result.out
    assert "for 2 canaries and what the rules find: no leak." in result.out
    result = trajc("redact", "check", log, "--canaries", canaries, "--json")
    leaks = json.loads(result.out)["leaks"]
    assert result.code == 1
    assert {leak["canary"] for leak in leaks} == {1, 2, None}
    assert {leak["type"] for leak in leaks if leak["canary"] is None} >= {"EMAIL", "SECRET", "PHONE", "CARD"}
    for value in ("amy@", KEY, "900123"):
        assert value not in result.out


def test_own_rules_are_run_on_their_examples(trajc: Trajc, tmp_path: Path) -> None:
    """The shipped rules hold; a rule of the user's that misses its example is named, and the exit code is 1."""
    result = trajc("redact", "test")
    assert (result.code, "0 failures." in result.out) == (0, True), result.out
    (tmp_path / "ours.toml").write_text(
        "family = 'ours'\n[[rule]]\nname = 'badge'\nkind = 'BADGE'\npattern = '(?P<value>ZZ-[0-9]{4})'\n"
        "examples = [['see ZZ-12', 'ZZ-12'], ['see ZZ-1234', 'ZZ-1234']]\n",
        encoding="utf-8",
    )
    (tmp_path / "trajc.toml").write_text("[redaction]\nrules = ['ours.toml']\n", encoding="utf-8")
    result = trajc("redact", "test")
    assert result.code == 1
    assert "ours/badge: in 'see ZZ-12' it should find 'ZZ-12' and finds nothing." in result.out


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("run", "agent.jsonl"), "Missing option '--output'"),
        (("run", "agent.jsonl", "--output", "agent.jsonl"), "the file exists already"),
        (("run", "none.jsonl", "--output", "c.jsonl"), "Cannot"),
        (("run", "agent.jsonl", "--output", "c.jsonl", "--policy", "off"), "needs a --policy-reason"),
        (("check", "none.jsonl"), "Cannot check 'none.jsonl': No such file or directory."),
        (("check", "agent.jsonl", "--canaries", "none.txt"), "Cannot read the canaries"),
        (("check", "agent.jsonl", "--no-rules"), "add --canaries FILE"),
        (("test", "--policy", "none.toml"), "Cannot use the policy file 'none.toml': No such file"),
        (("restore", "agent.jsonl", "--vault", "v", "--output", "o"), "Cannot use the key file 'v.key'"),
    ],
)
def test_what_cannot_run_says_so_in_one_sentence(trajc: Trajc, log: Path, arguments: tuple[str, ...], said: str) -> None:
    """Exit 2, nothing on stdout, and what to do."""
    result = trajc("redact", *arguments)
    assert (result.code, result.out) == (2, "")
    assert said in result.err
