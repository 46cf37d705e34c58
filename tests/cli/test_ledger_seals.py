"""`trajc ledger seal`, `verify`, `receipt` and `purge`, as somebody types them."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from tests.cli.conftest import Trajc


def change(*statements: str) -> None:
    """Change the log of the test's folder as its owner."""
    with closing(sqlite3.connect("log.db")) as connection, connection:
        for statement in statements:
            connection.execute(statement)


@pytest.fixture
def sealed(trajc: Trajc) -> Trajc:
    """Return the command line in a folder with a sealed ledger of thirty rows."""
    assert trajc("ledger", "init", "log.db").code == 0
    row = "INSERT INTO agent_audit_log (session_id, agent, tool, arguments) VALUES ('s', 'clerk', 'get', '{\"n\": %d}')"
    change(*(row % number for number in range(30)))
    result = trajc("ledger", "seal", "log.db")
    assert result.code == 0, result.err
    assert "30 rows sealed, 30 in all" in result.out
    assert "Keep a checkpoint where those who can change the log cannot reach it" in result.out
    return trajc


def test_a_clean_log_exits_with_0(sealed: Trajc) -> None:
    """Nothing changed: one sentence, exit 0; nothing new to seal is no failure."""
    result = sealed("ledger", "verify", "log.db")
    assert (result.code, result.err) == (0, "")
    assert "Nothing was changed: 30 of 30 sealed rows as sealed, 0 rows not sealed yet." in result.out
    assert "0 rows sealed, 30 in all" in sealed("ledger", "seal", "log.db").out


def test_what_was_changed_is_printed_by_row(sealed: Trajc) -> None:
    """Each row is named with what was done to it, exit 1; JSON says the same, and no content of a row is printed."""
    change(
        "DROP TRIGGER agent_audit_log_no_update",
        "DROP TRIGGER agent_audit_log_no_delete",
        "UPDATE agent_audit_log SET tool = 'forged' WHERE id = 4",
        "DELETE FROM agent_audit_log WHERE id IN (9, 30)",
    )
    result = sealed("ledger", "verify", "log.db")
    assert result.code == 1
    for line in ("edited: row 4", "deleted: row 9", "cut-off: row 30", "The log is not as it was sealed: 27 of 30"):
        assert line in result.out
    document = json.loads(sealed("ledger", "verify", "log.db", "--json").out)
    assert document["sound"] is False
    assert document["report"]["counts"] == {"cut-off": 1, "deleted": 1, "edited": 1}
    assert "forged" not in result.out + json.dumps(document)


def test_a_receipt_goes_to_an_outsider(sealed: Trajc, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """With nothing but the receipt, the public key and a checkpoint, the row is proved; a changed receipt is refused."""
    made = sealed("ledger", "receipt", 7, "--log", "log.db", "--output", "r.json")
    assert (made.code, made.err) == (0, "It shows the whole row, not redacted.\n")
    outside = tmp_path / "outside"
    outside.mkdir()
    for name in ("r.json", ".trajc/ledger.key.pub", ".trajc/ledger.checkpoint"):
        (outside / Path(name).name).write_bytes(Path(name).read_bytes())
    monkeypatch.chdir(outside)
    arguments = ("--receipt", "r.json", "--public-key", "ledger.key.pub", "--checkpoint", "ledger.checkpoint")
    result = sealed("ledger", "verify", *arguments)
    assert (result.code, result.err) == (0, "")
    assert "Row 7 is under the checkpoint of 30 rows" in result.out
    assert "The columns that it shows are those that were sealed." in result.out
    assert json.loads(sealed("ledger", "verify", *arguments, "--json").out)["columns"]["arguments"] == 't{"n": 6}'
    Path("r.json").write_text(Path("r.json").read_text().replace('\\"n\\": 6', '\\"n\\": 9'))
    refused = sealed("ledger", "verify", *arguments)
    assert refused.code == 1
    assert refused.err.startswith("Cannot accept the receipt: the columns that it shows are not those that were sealed.")


def test_receipts_on_stdout_and_without_the_log(sealed: Trajc) -> None:
    """Without --output the receipt is printed; without --log it holds the digest alone, and says so when it is checked."""
    Path("r.json").write_text(sealed("ledger", "receipt", 7).out)
    assert "shows no columns" in sealed("ledger", "verify", "--receipt", "r.json").out
    assert json.loads(sealed("ledger", "receipt", 7, "--output", "r2.json", "--json").out) == {
        "row": 7,
        "index": 6,
        "output": "r2.json",
    }
    missing = sealed("ledger", "receipt", "-5")
    assert (missing.code, "no row with this id is sealed" in missing.err) == (2, True)


def test_a_purge_is_asked_for_recorded_and_signed(sealed: Trajc) -> None:
    """Without a yes nothing is removed; afterwards verify says purged with the record, and the log is sound."""
    order = ("ledger", "purge", "log.db", 5, 7, "--reference", "request 17", "--reason", "erasure")
    assert sealed(*order, stdin="n\n").code == 130
    assert "purged" not in sealed("ledger", "verify", "log.db").out
    assert "2 payloads removed: record 1" in sealed(*order, "--yes").out
    result = sealed("ledger", "verify", "log.db")
    assert result.code == 0
    assert "purged: row 5, with record 1\npurged: row 7, with record 1\n" in result.out
    again = sealed(*order, "--yes")
    assert (again.code, "purged already" in again.err) == (2, True)


def test_a_purge_without_seals_is_not_signed(trajc: Trajc) -> None:
    """A log that nobody seals can be purged; the command says that no key vouches for the record."""
    trajc("ledger", "init", "log.db")
    change("INSERT INTO agent_audit_log (session_id, agent, tool) VALUES ('s', 'a', 't')")
    result = trajc("ledger", "purge", "log.db", 1, "--reference", "r", "--reason", "w", "--yes")
    assert (result.code, "so the record is not signed" in result.err) == (0, True)


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("verify", "log.db", "--checkpoint", "absent"), "Cannot read the checkpoint 'absent': there is none."),
        (("verify", "log.db", "--public-key", "absent"), "Cannot read the public key 'absent': No such file or directory."),
        (("verify", "log.db", "--seals", "absent.db"), "Cannot open the seals 'absent.db': there is no such file."),
        (("verify", "--receipt", "absent"), "Cannot read the receipt 'absent': No such file or directory."),
        (("verify", "--receipt", "log.db"), "Cannot accept the receipt: it is no receipt, or was cut."),
        (("verify",), "Name a log, or a receipt with --receipt FILE."),
        (("verify", "log.db", "--receipt", "r.json"), "A receipt is checked without a log"),
        (("verify", "absent.db"), "Cannot read absent.db"),
        (("seal", "absent.db", "--seals", "new.db"), "Cannot read absent.db"),
        (("seal", "log.db", "--checkpoint", "."), "Cannot write a checkpoint into '.': the folder is no git repository."),
        (("seal", "log.db", "--key", "other"), "Cannot read the key 'other': it is gone"),
        (("receipt", "7", "--checkpoint", "absent"), "Cannot read the checkpoint 'absent': there is none."),
    ],
)
def test_what_cannot_be_done_is_one_sentence(sealed: Trajc, arguments: tuple[str, ...], sentence: str) -> None:
    """Bad input ends with a sentence that names it, and with exit 2, or 1 for a proof that does not hold."""
    result = sealed("ledger", *arguments)
    assert sentence in result.err
    assert result.code == (1 if "accept" in sentence else 2)
    assert "Traceback" not in result.err


def test_a_seal_as_json(sealed: Trajc) -> None:
    """--json gives the whole report in one document."""
    document = json.loads(sealed("ledger", "seal", "log.db", "--json").out)
    assert (document["sealed"], document["size"], document["is_complete"], document["new_key"]) == (0, 30, True, None)
