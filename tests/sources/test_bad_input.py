"""Bad logs: every bad row is counted with its reason and place, everything else goes on, and no message shows content."""

from __future__ import annotations

import gzip
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import zstandard

from tests.sources.logs import jsonl, open_bytes, read, record
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError
from trajectory_compiler.sources import bytestream, open_source

SECRET = "hunter2-secret"
GOOD = [record("s", place) for place in range(3)]


def lines_around(bad: bytes) -> bytes:
    """Return a good line, the bad one, and two more good lines."""
    first, second, third = jsonl(GOOD).splitlines(keepends=True)
    return first + bad + b"\n" + second + third


def deep(levels: int) -> str:
    """Return JSON nested so many levels deep."""
    return '{"a":' * levels + "1" + "}" * levels


@pytest.mark.parametrize(
    ("bad", "reason"),
    [
        (b'{"session_id": "s", "tool": "hunter2-secret', "unreadable_json"),
        (b"hunter2-secret", "unreadable_json"),
        (b'["hunter2-secret"]', "not_an_object"),
        (b"17", "not_an_object"),
        (b'{"session_id": "s", "tool": "t", "response": "hunter2-secret \xff"}', "invalid_utf8"),
        (b'{"session_id": null, "tool": "hunter2-secret"}', "no_session_id"),
        (b'{"tool": "hunter2-secret"}', "no_session_id"),
        (b'{"session_id": {"x": "hunter2-secret"}, "tool": "t"}', "no_session_id"),
        (b'{"session_id": "s", "response": "hunter2-secret"}', "no_tool"),
        (f'{{"session_id": "s", "tool": "t", "response": {deep(10_000)}}}'.encode(), "nested_too_deep"),
        (f'{{"session_id": "s", "tool": "t", "response": {deep(250)}}}'.encode(), "nested_too_deep"),
        (f'{{"session_id": "s", "tool": "t", "x": {deep(10_000)}, "y": NaN}}'.encode(), "nested_too_deep"),
        (json.dumps({"session_id": "s", "tool": "t", "response": deep(10_000)}).encode(), "nested_too_deep"),
        (json.dumps({"session_id": "s", "tool": "t", "arguments": deep(250)}).encode(), "nested_too_deep"),
    ],
)
def test_bad_row(tmp_path: Path, bad: bytes, reason: str) -> None:
    """A bad row is counted once, by its reason, with its line; the rows around it are read."""
    source = open_bytes(tmp_path, lines_around(bad))
    assert [row.id for row in source.rows()] == ["s-000", "s-001", "s-002"]
    (finding,) = source.findings()
    assert (finding.stage, finding.reason, finding.count, finding.detail) == ("sources", reason, 1, "line 2")
    assert SECRET not in str(finding)


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ("1e400", "1e400"),
        ("-1e400", "-1e400"),
        ("9" * 5000, "9" * 5000),
    ],
)
def test_numbers_that_json_cannot_hold(tmp_path: Path, text: str, kept: str) -> None:
    """The row is kept, the number becomes its own text, and that is noted."""
    bad = f'{{"id": "x", "session_id": "s", "tool": "t", "response": {{"n": {text}, "m": 2, "k": 0.5}}}}'.encode()
    rows, counts = read(open_bytes(tmp_path, lines_around(bad)))
    assert rows[1].response == {"n": kept, "m": 2, "k": 0.5}
    assert counts == {"number_as_text": 1}


def test_half_a_character(tmp_path: Path) -> None:
    """A character that a writer cut in two is replaced; the row is kept and can be encoded."""
    bad = rb'{"id": "x", "session_id": "s", "tool": "t", "response": {"cut \ud83d": "here \uD83D", "whole": "\ud83d\ude00"}}'
    rows, counts = read(open_bytes(tmp_path, lines_around(bad)))
    assert rows[1].response == {"cut \ufffd": "here \ufffd", "whole": "😀"}
    assert counts == {"half_character": 2}


def test_bad_json_inside_a_string_stays_text(tmp_path: Path) -> None:
    """A response that looks like JSON but is none is text; JSON inside a string is parsed once, not twice."""
    responses = ['{"a": 1', "{not json}", '{"a": "{\\"b\\": 1}"}', "[1, 2]", '"quoted"', "5"]
    log = jsonl(record("s", place, response=response) for place, response in enumerate(responses))
    rows, counts = read(open_bytes(tmp_path, log))
    assert [row.response for row in rows] == ['{"a": 1', "{not json}", {"a": '{"b": 1}'}, [1, 2], '"quoted"', "5"]
    assert counts == {}


@pytest.mark.parametrize("compress", [gzip.compress, zstandard.compress], ids=["gzip", "zstd"])
def test_truncated(tmp_path: Path, compress: Callable[[bytes], bytes]) -> None:
    """Of a compressed file that ends early, everything before its end is read, and the place is told."""
    records = [record("s", 1, id=f"s-{place}", response=os.urandom(300).hex()) for place in range(2000)]
    whole = compress(jsonl(records))
    source = open_bytes(tmp_path, whole[: len(whole) // 2])
    rows, counts = read(source)
    assert 500 < len(rows) < 1500
    assert [row.id for row in rows] == [f"s-{place}" for place in range(len(rows))]
    assert counts["truncated"] == 1
    place = next(f.detail for f in source.findings() if f.reason == "truncated")
    assert place == f"line {len(rows) + 1}"


def test_cut_before_its_checksum(tmp_path: Path) -> None:
    """A gzip file that lacks only its checksum loses no row."""
    rows, counts = read(open_bytes(tmp_path, gzip.compress(jsonl(GOOD))[:-4]))
    assert len(rows) == 3
    assert counts == {"truncated": 1}


def test_damaged(tmp_path: Path) -> None:
    """Of a compressed file with a bad block, everything before it is read."""
    records = [record("s", 1, id=f"s-{place}", response=os.urandom(300).hex()) for place in range(4000)]
    data = bytearray(gzip.compress(jsonl(records)))
    data[-200_000:-199_000] = bytes(1000)
    rows, counts = read(open_bytes(tmp_path, bytes(data)))
    assert 0 < len(rows) < 4000
    assert counts["damaged"] == 1


def test_members_that_follow_each_other(tmp_path: Path) -> None:
    """Files that were compressed apart and then joined are read to the end."""
    parts = [jsonl([item]) for item in GOOD]
    for name, compress in (("a.gz", gzip.compress), ("b.zst", zstandard.compress)):
        rows, counts = read(open_bytes(tmp_path, b"".join(map(compress, parts)), name))
        assert len(rows) == 3
        assert counts == {}


def test_row_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row over the limit is dropped without being held; the line count goes on."""
    monkeypatch.setattr(bytestream, "MAX_ROW_BYTES", 600_000)
    bad = json.dumps(record("s", 9, response="x" * 2_000_000)).encode()
    source = open_bytes(tmp_path, lines_around(bad) + b"oops\n")
    assert [row.id for row in source.rows()] == ["s-000", "s-001", "s-002"]
    assert {f.reason: f.detail for f in source.findings()} == {"row_too_large": "line 2", "unreadable_json": "line 5"}


def test_last_row_over_the_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A row over the limit that the file ends in is counted, too."""
    monkeypatch.setattr(bytestream, "MAX_ROW_BYTES", 600_000)
    _, counts = read(open_bytes(tmp_path, jsonl(GOOD) + b'{"x": "' + b"x" * 2_000_000))
    assert counts == {"row_too_large": 1}


def test_response_of_fifty_megabytes(tmp_path: Path) -> None:
    """A response of 50 MB is an ordinary row."""
    rows, counts = read(open_bytes(tmp_path, jsonl([*GOOD, record("s", 3, response="y" * 50_000_000)])))
    assert len(rows[3].response) == 50_000_000
    assert counts == {}


def test_harmless_oddities(tmp_path: Path) -> None:
    """A byte order mark, Windows line ends, blank lines and a missing last line end cost no row and no finding."""
    log = b"\xef\xbb\xbf" + jsonl(GOOD).replace(b"\n", b"\r\n\r\n").rstrip()
    rows, counts = read(open_bytes(tmp_path, log))
    assert len(rows) == 3
    assert counts == {}


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (b"", "the log is empty"),
        (b"\n \n\n", "the log is empty"),
        (gzip.compress(b""), "nothing can be read from the compressed file"),
        (gzip.compress(b"hunter2-secret")[:11], "nothing can be read from the compressed file"),
        (bytes(range(256)) * 50, "no line is a JSON object"),
        (b"hunter2-secret is just text\n" * 5, "no line is a JSON object"),
        (b'[{"session_id": "hunter2-secret", "tool": "t"}]', "one JSON list"),
        ('{"session_id": "s"}'.encode("utf-16"), "UTF-16"),
        (b"SQLite format 3\0" + b"hunter2-secret" * 20, "SQLite says"),
        (b"PAR1 hunter2-secret", "Parquet file is damaged"),
        (b"id,session_id,tool\n", "no row under its header"),
    ],
)
def test_no_log(tmp_path: Path, data: bytes, said: str) -> None:
    """A file that is no log ends in one sentence that says what was seen and what to do, never what it holds."""
    with pytest.raises(SourceError) as caught:
        open_bytes(tmp_path, data)
    assert said in str(caught.value)
    assert str(caught.value).startswith("Cannot read ")
    assert SECRET not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    """A file that does not exist is named."""
    with pytest.raises(SourceError, match=r"Cannot read .*nowhere\.jsonl: no such file or directory\. Check the path\."):
        open_source(str(tmp_path / "nowhere.jsonl"), SourceOptions())


def test_folder_without_sessions(tmp_path: Path) -> None:
    """A folder is read as files that agents write; without any, the sentence says what to name instead."""
    (tmp_path / "log.jsonl").write_bytes(jsonl(GOOD))
    with pytest.raises(SourceError, match="holds no file of a format that agents write"):
        open_source(str(tmp_path), SourceOptions())


def test_pipe(tmp_path: Path) -> None:
    """A pipe cannot be read twice and is refused."""
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SourceError, match="no regular file"):
        open_source(str(tmp_path / "pipe"), SourceOptions())


def test_permission_denied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file without read permission is named, with what to do."""
    # root may read anything, so the refusal is played
    path = tmp_path / "log.jsonl"
    path.write_bytes(jsonl(GOOD))

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(SourceError, match=r"permission denied\. Give this user the right to read it\."):
        open_source(str(path), SourceOptions())


def test_table_of_a_file(tmp_path: Path) -> None:
    """--table and --query belong to databases."""
    with pytest.raises(SourceError, match="need a database"):
        open_bytes(tmp_path, jsonl(GOOD), table="audit")


def test_first_places(tmp_path: Path) -> None:
    """A reason that occurs often is one finding with its count and its first places."""
    source = open_bytes(tmp_path, jsonl(GOOD) + b"oops\n" * 1000)
    read(source)
    (finding,) = source.findings()
    assert finding.count == 1000
    assert finding.detail == "line 4, line 5, line 6, line 7, line 8 and 995 more"


def test_naive_and_unusable_stamps(tmp_path: Path) -> None:
    """Stamps without a zone are noted once, with their number; a stamp that is none leaves its row without."""
    stamps = ["2026-03-01T09:00:00", "2026-03-01T09:00:01", "soon", 5, "", None]
    log = [record("s", place, created_at=stamp) for place, stamp in enumerate(stamps)]
    rows, counts = read(open_bytes(tmp_path, jsonl(log)))
    assert [row.created_at for row in rows] == ["2026-03-01T09:00:00Z", "2026-03-01T09:00:01Z", None, None, None, None]
    assert counts == {"naive_stamp": 2, "unusable_stamp": 2}


def test_costs_and_durations_that_are_none(tmp_path: Path) -> None:
    """A cost that is no number is absent, never a crash."""
    costs = [0.5, "0.25", "$1.50", "free", True, {"usd": 1}, -1, 10**400]
    log = [record("s", place, cost_usd=cost, duration_ms=cost) for place, cost in enumerate(costs)]
    rows, _ = read(open_bytes(tmp_path, jsonl(log)))
    assert [row.cost_usd for row in rows] == [0.5, 0.25, 1.5, None, None, None, -1.0, None]


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (b"x,s,2026-03-01,a,t,{},hunter2-secret,1,1,true\n", "wrong_field_count"),
        (b"x,s,2026-03-01,a,t,{},hunter2-secret,1,1,true,north,more\n", "wrong_field_count"),
        (b'x,s,2026-03-01,a,t,{},"hunter2-secret\nand \xff",1,1,true,north\n', "invalid_utf8"),
        (b"x,,2026-03-01,a,t,{},hunter2-secret,1,1,true,north\n", "no_session_id"),
    ],
)
def test_bad_csv_row(tmp_path: Path, row: bytes, reason: str) -> None:
    """A bad row of a CSV file is counted, the rows around it are read."""
    header = b"id,session_id,created_at,agent,tool,arguments,response,cost_usd,duration_ms,success,region\n"
    good = b"a,s,2026-03-01T00:00:00Z,a,t,{},fine,1,1,true,north\n"
    source = open_bytes(tmp_path, header + good + row + good, "log.csv")
    rows, counts = read(source)
    assert [row.response for row in rows] == ["fine", "fine"]
    assert counts == {reason: 1}
    assert SECRET not in str(source.findings())


def test_rows_that_come_while_reading(tmp_path: Path) -> None:
    """Lines appended after a log was opened are left for the next run, so that two passes agree."""
    source = open_bytes(tmp_path, jsonl(GOOD))
    with (tmp_path / "log.jsonl").open("ab") as file:
        file.write(jsonl([record("t", 1)]))
    assert [row.session_id for row in source.rows()] == ["s", "s", "s"]
    assert list(source.session_ids()) == ["s", "s", "s"]


def test_quick_look_sees_every_kept_row(tmp_path: Path) -> None:
    """The quick look at session ids misses no row that is kept, also where a line needs the slow parser."""
    odd = b'{"session_id": "odd", "tool": "t", "response": NaN}'
    source = open_bytes(tmp_path, lines_around(odd) + b"oops\n")
    assert {row.session_id for row in source.rows()} <= set(source.session_ids())
