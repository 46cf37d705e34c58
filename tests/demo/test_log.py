"""The demo log is as large as promised, the same everywhere, and its values really flow."""

from __future__ import annotations

import hashlib
import json
import re
from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from trajectory_compiler.demo import DemoSummary, write_demo_log
from trajectory_compiler.errors import InputError

Row = dict[str, Any]
IDENTIFIER = re.compile(r"\b(?:ACC|ADV|AL|C|INV|M|ORD|PAP|PAY|PO|PR|Q|SN|T|TD|TRK|VLT)-\d+\b")
FIELDS = ["id", "session_id", "created_at", "agent", "tool", "arguments", "response", "cost_usd", "duration_ms"]


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, DemoSummary]:
    """Write the log of the default seed, once."""
    path = tmp_path_factory.mktemp("demo") / "log.jsonl"
    return path, write_demo_log(path)


@pytest.fixture(scope="module")
def sessions(written: tuple[Path, DemoSummary]) -> dict[str, list[Row]]:
    """Return the log's rows by session."""
    found: dict[str, list[Row]] = defaultdict(list)
    with written[0].open(encoding="utf-8") as file:
        for text in file:
            row = json.loads(text)
            found[row["session_id"]].append(row)
    return found


def test_the_log_has_the_size_of_the_note(written: tuple[Path, DemoSummary], sessions: dict[str, list[Row]]) -> None:
    """8 agents, about 170 sessions, about 9,000 rows, a median under ten turns, the longest session exactly 2,426."""
    lengths = sorted(map(len, sessions.values()))
    assert written[1] == DemoSummary(
        rows=sum(lengths), sessions=len(lengths), longest=lengths[-1], median=lengths[len(lengths) // 2], agents=8
    )
    assert 8_500 < sum(lengths) < 9_700
    assert len(lengths) == 170
    assert lengths[len(lengths) // 2] < 10
    assert lengths[-1] == 2_426
    assert sum(length >= 60 for length in lengths) >= 20
    assert len({row["agent"] for rows in sessions.values() for row in rows}) == 8


@pytest.mark.parametrize("seed", [0, 1, 11])
def test_every_seed_keeps_the_promises(seed: int, tmp_path: Path) -> None:
    """Whatever the seed, the log has its size and its longest session."""
    summary = write_demo_log(tmp_path / "log.jsonl", seed)
    assert (summary.sessions, summary.longest, summary.agents) == (170, 2_426, 8)
    assert summary.median < 10
    assert 8_300 < summary.rows < 9_900


def test_the_bytes_are_the_same_on_any_machine(written: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    """The digest is written down: a change of the simulation changes it on purpose only. Another seed gives another log."""
    data = written[0].read_bytes()
    assert hashlib.blake2b(data, digest_size=16).hexdigest() == "56671bd3faef2d1cabe99043dfd9d2bb"
    write_demo_log(tmp_path / "other.jsonl", seed=8)
    assert (tmp_path / "other.jsonl").read_bytes() != data


def test_rows_have_the_shape_of_a_recorded_log(sessions: dict[str, list[Row]]) -> None:
    """The fields of the recorded logs, in their order; ids are unique; responses are objects, lists or text."""
    rows = [row for session in sessions.values() for row in session]
    assert all(list(row) == FIELDS for row in rows)
    assert len({row["id"] for row in rows}) == len(rows)
    assert {type(row["response"]) for row in rows} == {dict, str}
    assert all(row["cost_usd"] > 0 and row["duration_ms"] > 0 for row in rows)


def test_stamps_are_ordered_and_a_few_are_equal(sessions: dict[str, list[Row]]) -> None:
    """Time never runs back in a session; calls that were issued together share their stamp, which is rare."""
    equal = 0
    for rows in sessions.values():
        stamps = [row["created_at"] for row in rows]
        assert stamps == sorted(stamps)
        equal += sum(a == b for a, b in pairwise(stamps))
    assert 0 < equal < 60


def test_identifiers_in_arguments_were_read_before(sessions: dict[str, list[Row]]) -> None:
    """No agent knows an identifier that no earlier response of its session held: values flow from call to call."""
    flowing = 0
    for rows in sessions.values():
        read: set[str] = set()
        for row in rows:
            used = set(IDENTIFIER.findall(json.dumps(row["arguments"])))
            assert used <= read, row["id"]
            flowing += len(used)
            read.update(IDENTIFIER.findall(json.dumps(row["response"])))
    assert flowing > 3_000


def test_values_travel_over_gaps(sessions: dict[str, list[Row]]) -> None:
    """At least a third of the sessions with eight or more turns pass an identifier on over two or more turns in between."""
    distant = long = 0
    for rows in sessions.values():
        if len(rows) < 8:
            continue
        long += 1
        first: dict[str, int] = {}
        spans = []
        for place, row in enumerate(rows):
            spans += [place - first[name] for name in IDENTIFIER.findall(json.dumps(row["arguments"])) if name in first]
            for name in IDENTIFIER.findall(json.dumps(row["response"])):
                first.setdefault(name, place)
        distant += any(span > 2 for span in spans)
    assert distant > long / 3


@pytest.mark.parametrize(
    ("tool", "key", "field", "least"),
    [
        ("get_ticket", "ticket_id", "status", 20),
        ("get_ticket", "ticket_id", "assignee", 10),
        ("get_invoice", "invoice_id", "amount", 10),
        ("get_todo", "todo_id", "due", 10),
        ("get_package", "package", "latest", 15),
        ("get_number", "number", "status", 5),
        ("fetch_paper", "paper_id", "venue", 5),
        ("check_service", "service", "queue_depth", 20),
    ],
)
def test_facts_change_between_two_reads(sessions: dict[str, list[Row]], tool: str, key: str, field: str, least: int) -> None:
    """The same thing, read twice in one session, shows another value: in so many cases at least."""
    changed = 0
    for rows in sessions.values():
        seen: dict[str, Any] = {}
        for row in rows:
            if row["tool"] == tool and field in row["response"]:
                name = row["arguments"][key]
                changed += name in seen and seen[name] != row["response"][field]
                seen[name] = row["response"][field]
    assert changed >= least


def test_refused_calls_are_tried_again_with_one_change(sessions: dict[str, list[Row]]) -> None:
    """Refusals are followed, within a few turns, by a call of the same tool that works and differs in one argument."""
    mended = 0
    for rows in sessions.values():
        for place, row in enumerate(rows):
            if isinstance(row["response"], dict) and "error" in row["response"]:
                for later in rows[place + 1 : place + 8]:
                    if later["tool"] == row["tool"] and "error" not in later["response"]:
                        different = [k for k in row["arguments"] if row["arguments"][k] != later["arguments"].get(k)]
                        mended += len(different) == 1
                        break
    assert mended > 60


def test_what_must_look_invented_does(written: tuple[Path, DemoSummary]) -> None:
    """Mail goes to reserved domains only, telephone numbers are those kept for drama."""
    text = written[0].read_text(encoding="utf-8")
    assert {m.rsplit(".", 1)[1] for m in re.findall(r"[\w.-]+@[\w.-]+\.\w+", text)} == {"test", "com"}
    assert all(m.endswith(".example.com") for m in re.findall(r"@[\w.-]+\.com", text))
    assert re.findall(r"\b0\d{4} ?\d{6}\b", text) == re.findall(r"\b(?:01632 960\d{3}|07700 900\d{3})\b", text)


def test_copies_share_no_identifier(written: tuple[Path, DemoSummary], tmp_path: Path) -> None:
    """A log of scale 2 starts with the log of scale 1; its second half is a business of its own."""
    path = tmp_path / "two.jsonl"
    summary = write_demo_log(path, scale=2)
    assert summary.sessions == 340
    first = written[0].read_text(encoding="utf-8")
    both = path.read_text(encoding="utf-8")
    assert both.startswith(first)
    second = both[len(first) :]
    for pattern in (IDENTIFIER, re.compile(r'"session_id": "([^"]+)"')):
        assert set(pattern.findall(first)).isdisjoint(pattern.findall(second))


def test_a_log_that_cannot_be_written_is_refused_and_leaves_nothing(tmp_path: Path) -> None:
    """A missing folder gives a sentence; no half file stays behind."""
    with pytest.raises(InputError, match="Cannot write the demo log"):
        write_demo_log(tmp_path / "nowhere" / "log.jsonl")
    (tmp_path / "log.jsonl").mkdir()
    with pytest.raises(InputError):
        write_demo_log(tmp_path / "log.jsonl")
    assert [path.name for path in tmp_path.iterdir()] == ["log.jsonl"]
