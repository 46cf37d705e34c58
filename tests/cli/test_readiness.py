"""`trajc inspect` on somebody's audit table: the readiness report as text, as JSON and as a page."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
from contextlib import closing
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Trajc
from tests.cli.logs import row
from tests.postgres_server import postgres_address

__all__ = ["postgres_address"]
SECRET = "VALUE-OF-THE-LOG"


def rows() -> list[tuple[object, ...]]:
    """Return sessions of eight calls whose answers were cut at 200 characters."""
    answers = [f"{SECRET} {number:04d} " + "a sentence that goes on and on " * 12 for number in range(200)]
    found = [row(number, session=f"<s-{number // 8}>") for number in range(200)]
    return [
        (n, r["session_id"], r["created_at"], r["agent"], r["tool"], json.dumps(r["arguments"]), answers[n][:200])
        for n, r in enumerate(found)
    ]


@pytest.fixture(params=["sqlite", "postgres"])
def audit_table(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Return where somebody's unguarded audit table is, in each database in turn."""
    columns = "id integer, conversation text, ts text, agent text, tool text, input text, output text"
    if request.param == "sqlite":
        with closing(sqlite3.connect(tmp_path / "theirs.db")) as connection, connection:
            connection.execute(f"CREATE TABLE calls ({columns})")
            connection.executemany("INSERT INTO calls VALUES (?, ?, ?, ?, ?, ?, ?)", rows())
        return str(tmp_path / "theirs.db")
    psycopg = pytest.importorskip("psycopg")
    address: str = request.getfixturevalue("postgres_address")
    with psycopg.connect(address) as connection, connection.cursor() as cursor:
        cursor.execute(f"CREATE TABLE calls ({columns})")
        cursor.executemany("INSERT INTO calls VALUES (%s, %s, %s, %s, %s, %s, %s)", rows())
    return address


def verdicts(trajc: Trajc, location: object, *options: str) -> dict[str, Any]:
    """Return the verdicts of `inspect --json` by name."""
    result = trajc("inspect", location, "--json", *options)
    assert result.code == 0, result.err
    return {check["name"]: check["verdict"] for check in json.loads(result.out)["readiness"]}


def test_the_report_answers_each_question(trajc: Trajc, audit_table: str) -> None:
    """Not append-only, cut answers, no index; columns, sessions and times are fine; text and JSON agree."""
    expected = {
        "append-only": "missing",
        "columns": "ready",
        "sessions": "ready",
        "times": "ready",
        "payloads": "partly",
        "indexes": "partly",
        "sessions that qualify": "ready",
    }
    assert verdicts(trajc, audit_table) == expected
    text = trajc("inspect", audit_table).out
    assert "UPDATE went through" in text
    assert "(conversation, ts, id)" in text
    assert "response at 200 characters" in text
    assert SECRET not in text


def test_the_table_stays_as_it_was(trajc: Trajc, audit_table: str) -> None:
    """What was tried is undone: every row is there, unchanged."""
    trajc("inspect", audit_table)
    select = "SELECT * FROM calls ORDER BY id"
    if audit_table.startswith("postgresql"):
        with pytest.importorskip("psycopg").connect(audit_table) as connection:
            found = connection.execute(select).fetchall()
    else:
        with closing(sqlite3.connect(audit_table)) as connection:
            found = connection.execute(select).fetchall()
    assert found == rows()


def test_our_own_ledger_is_ready(trajc: Trajc, postgres_address: str) -> None:
    """A ledger with sessions in it passes every question but that of how many there are."""
    psycopg = pytest.importorskip("psycopg")
    assert trajc("ledger", "init", postgres_address).code == 0
    columns = "session_id, agent, tool, arguments, response, status"
    insert = f"INSERT INTO agent_audit_log ({columns}) VALUES (%s, 'a', 'get', %s, %s, 'ok')"
    with psycopg.connect(postgres_address) as connection, connection.cursor() as cursor:
        cursor.executemany(insert, [(f"s-{n // 8}", json.dumps({"n": n}), json.dumps({"m": n})) for n in range(24)])
    found = verdicts(trajc, postgres_address)
    assert found.pop("sessions that qualify") == "partly"
    assert set(found.values()) == {"ready"}


def test_rows_that_say_they_were_cut_are_counted(trajc: Trajc, tmp_path: Path) -> None:
    """A ledger's column `truncated` shows in the verdict on payloads."""
    assert trajc("ledger", "init", "log.db").code == 0
    with closing(sqlite3.connect(tmp_path / "log.db")) as connection, connection:
        insert = "INSERT INTO agent_audit_log (session_id, agent, tool, response, truncated) VALUES ('s', 'a', 'get', '{}', ?)"
        connection.executemany(insert, [(number % 4 == 0,) for number in range(12)])
    assert verdicts(trajc, "log.db")["payloads"] == "partly"
    assert "3 rows say that they were cut" in trajc("inspect", "log.db").out


def test_a_file_gets_no_table_in_the_text(trajc: Trajc, small_log: Path) -> None:
    """A file's text stays as it was; its JSON says that nothing can be tried on it."""
    assert "append-only" not in trajc("inspect", small_log).out
    assert verdicts(trajc, small_log)["append-only"] == "unknown"


class _Page(HTMLParser):
    """What a page refers to, and its text."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note a tag and what it points to."""
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        """Gather text."""
        self.text += data


def test_the_page_stands_alone(trajc: Trajc, audit_table: str, tmp_path: Path) -> None:
    """One file, no script, nothing from elsewhere, neither content nor the address of the log; every check is on it."""
    result = trajc("inspect", audit_table, "--html", "ready.html")
    assert (result.code, "The page: ready.html" in result.out) == (0, True)
    html = (tmp_path / "ready.html").read_text(encoding="utf-8")
    page = _Page()
    page.feed(html)
    assert page.addresses == []
    assert page.tags.isdisjoint({"script", "link", "img", "iframe"})
    assert "default-src 'none'" in html
    assert SECRET not in html
    assert "postgresql://" not in html
    for words in ("Append-only", "UPDATE went through", "response at 200 characters", "conversation", "Sessions that qualify"):
        assert words in page.text


def test_a_page_that_cannot_be_written_is_refused_first(trajc: Trajc, small_log: Path) -> None:
    """A bad place ends the command before the log is read."""
    result = trajc("inspect", small_log, "--html", "no/such/folder/page.html")
    assert (result.code, result.out) == (2, "")
    assert "its folder does not exist" in result.err


@pytest.mark.skipif(shutil.which("chromium") is None, reason="Chromium is not installed")
def test_a_browser_shows_the_page(trajc: Trajc, audit_table: str, tmp_path: Path) -> None:
    """Chromium lays the page out with its style and runs nothing."""
    trajc("inspect", audit_table, "--html", "ready.html")
    flags = ("--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}")
    address = (tmp_path / "ready.html").as_uri()
    shown = subprocess.run(["chromium", *flags, "--dump-dom", address], capture_output=True, text=True, timeout=120, check=True)
    assert 'class="check missing"' in shown.stdout
    assert "&lt;s-" not in shown.stdout
