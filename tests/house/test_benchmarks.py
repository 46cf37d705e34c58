"""The benchmarks: their logs are what they claim to be, and the whole run works at its small scale."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from benchmarks.renaming import Renamer, copy_of, identifiers, rename
from benchmarks.suites import SUITES

WORDS = st.from_regex(r"(?:[a-z]{3,8}_)?[A-Z0-9]{5,8}|[a-z]{3,8}_[a-z]{3,8}_[0-9]{4}|[A-Z]{3}-[0-9]{4}", fullmatch=True)
ROWS: list[dict[str, object]] = [
    {
        "id": "r1",
        "session_id": "s1",
        "arguments": {},
        "response": {"order_id": "QWERTY", "parcel": "PX-40917", "on": "2026-03-02"},
    },
    {
        "id": "r2",
        "session_id": "s1",
        "arguments": {"parcel": "PX-40917"},
        "response": "sent\nPX-40917 of QWERTY on the 2nd, 84.50",
    },
]


def shape(word: str) -> str:
    """Return the word with its letters and digits told by kind only."""
    return re.sub(r"[a-z]", "a", re.sub(r"[A-Z]", "A", re.sub(r"[0-9]", "0", word)))


@given(st.lists(WORDS, unique=True, max_size=30), st.integers(min_value=1, max_value=500))
def test_renaming_is_one_to_one_and_keeps_the_shape(words: list[str], copy: int) -> None:
    """Two identifiers of a copy never become one, and each keeps its letters, digits and words in their places."""
    renamed = [rename(word, copy) for word in words]
    assert len(set(renamed)) == len(words)
    assert [shape(word) for word in renamed] == [shape(word) for word in words]


def test_a_copy_keeps_the_flow_of_values_and_everything_that_names_nothing() -> None:
    """An identifier is renamed alike in every place of a copy, also after an escape; dates and amounts stay."""
    renamer = Renamer(json.dumps(row).encode() + b"\n" for row in ROWS)
    first, second = (json.loads(line) for line in renamer.copy(7))
    parcel = first["response"]["parcel"]
    assert parcel != "PX-40917"
    assert second["arguments"]["parcel"] == parcel
    assert second["response"] == f"sent\n{parcel} of {first['response']['order_id']} on the 2nd, 84.50"
    assert first["response"]["on"] == "2026-03-02"
    assert copy_of(first["session_id"]) == 7


def test_the_first_copy_is_the_log_itself() -> None:
    """Copy 0 gives back the lines as they are."""
    lines = [json.dumps(row).encode() + b"\n" for row in ROWS]
    assert list(Renamer(lines).copy(0)) == lines
    assert identifiers(ROWS[0]) == {"QWERTY", "PX-40917"}


def test_the_quick_run_measures_every_suite(root: Path) -> None:
    """`python -m benchmarks --quick --json` ends well, each compile of it proved pairs, and the ledger lost no row."""
    command = [sys.executable, "-m", "benchmarks", "--quick", "--json"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    tables = json.loads(done.stdout)["tables"]
    assert len(tables) == len(SUITES)
    for table in tables:
        assert table["lines"] or table["notes"]
        compiled = [line["measure"] for line in table["lines"] if line["measure"]["job"]["kind"] == "compile"]
        assert all(measure["counts"]["pairs"] > 0 for measure in compiled)
    (ledger,) = (table for table in tables if table["title"].startswith("Ledger"))
    told = [note for note in ledger["notes"] if "skipped" not in note]
    assert told
    assert all(note.endswith("none lost, none doubled.") for note in told), told
