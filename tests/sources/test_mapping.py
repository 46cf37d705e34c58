"""Which column serves what."""

from __future__ import annotations

from typing import Any

import pytest

from trajectory_compiler.errors import MappingError, OptionError
from trajectory_compiler.sources.mapping import Mapping, guess_mapping


def mapped(*records: dict[str, Any], **overrides: str) -> Mapping:
    """Return the mapping of a log that begins with these records."""
    return guess_mapping("log", records, overrides)


@pytest.mark.parametrize(
    ("columns", "expected"),
    [
        (
            {
                "sessionId": "a",
                "toolName": "t",
                "timestamp": 1715785200,
                "input": {},
                "output": "x",
                "latency_ms": 3,
                "is_error": False,
            },
            {
                "session_id": "sessionId",
                "tool": "toolName",
                "created_at": "timestamp",
                "arguments": "input",
                "response": "output",
            }
            | {"duration": "latency_ms", "success": "is_error"},
        ),
        (
            {"conversation_id": "a", "function": "t", "ts": "2026-01-01", "params": "{}", "result": "x", "status": "ok"},
            {
                "session_id": "conversation_id",
                "tool": "function",
                "created_at": "ts",
                "arguments": "params",
                "response": "result",
            }
            | {"success": "status"},
        ),
        (
            {
                "trace_id": "a",
                "name": "t",
                "span_id": "9",
                "start_time": "2026-01-01T00:00:00Z",
                "observation": "x",
                "model": "m",
            },
            {
                "session_id": "trace_id",
                "tool": "name",
                "id": "span_id",
                "created_at": "start_time",
                "response": "observation",
                "agent": "model",
            },
        ),
    ],
)
def test_names(columns: dict[str, Any], expected: dict[str, str]) -> None:
    """The names that logs commonly use are known, whatever their case and punctuation."""
    assert mapped(columns, columns).columns == expected


def test_own_name_beats_synonym() -> None:
    """Where two columns could serve, the role's own name does, and the other stays extra."""
    mapping = mapped({"session_id": "a", "thread_id": "b", "tool": "t", "name": "n"})
    assert (mapping.columns["session_id"], mapping.columns["tool"]) == ("session_id", "tool")
    assert mapping.extra == ("thread_id", "name")


def test_content_overrules_names() -> None:
    """A column `time` of words is no stamp, and a column `type` of other words no kind."""
    mapping = mapped({"session": "a", "tool": "t", "time": "soon", "type": "event"})
    assert "created_at" not in mapping.columns
    assert "kind" not in mapping.columns


def test_content_alone() -> None:
    """Without a telling name, an identifier that comes back is the session, a name that comes back the tool, less surely."""
    rows = [
        {"grp": f"g-{n // 4}", "what": ("look", "put")[n % 2], "when": f"2026-01-01T00:00:0{n}Z", "with": {"n": n}}
        for n in range(8)
    ]
    mapping = mapped(*rows)
    assert mapping.columns == {"session_id": "grp", "tool": "what", "created_at": "when", "arguments": "with"}
    assert set(mapping.confidence.values()) == {0.4}


def test_large_numbers_are_no_times() -> None:
    """A column of large numbers is not taken for stamps unless its name says so."""
    rows = [{"session_id": "a", "tool": "t", "customer": 400_000_000 + n} for n in range(5)]
    assert "created_at" not in mapped(*rows).columns
    assert mapped(*rows, created_at="customer").columns["created_at"] == "customer"


@pytest.mark.parametrize(("absent", "said"), [("session_id", "the session id"), ("tool", "the tool")])
def test_needed_column(absent: str, said: str) -> None:
    """Without a session or a tool the log cannot be read: the sentence lists the columns and says what to do."""
    row = {"session_id": "a", "tool": "t", "colour": "red"}
    del row[absent]
    with pytest.raises(MappingError) as caught:
        mapped(row)
    assert said in str(caught.value)
    assert "colour" in str(caught.value)
    assert f"--column {absent}=NAME" in str(caught.value)


def test_override_and_unserve() -> None:
    """The user's word is sure; an empty name leaves a role unserved."""
    mapping = mapped({"session_id": "a", "tool": "t", "status": "ok", "who": "x"}, agent="who", success="")
    assert mapping.columns == {"session_id": "session_id", "tool": "tool", "agent": "who"}
    assert mapping.confidence["agent"] == 1.0


def test_unknown_role() -> None:
    """A role that does not exist is refused with the list of those that do."""
    with pytest.raises(OptionError, match=r"no role 'colour'.*session_id, tool"):
        mapped({"session_id": "a", "tool": "t"}, colour="red")


@pytest.mark.parametrize(
    ("name", "values", "scale"),
    [
        ("duration_ms", [3], 1.0),
        ("latency_s", [3], 1000.0),
        ("durationSeconds", [3], 1000.0),
        ("duration_us", [3], 1e-3),
        ("duration_ns", [3], 1e-6),
        ("duration", [250, 4000], 1.0),
        ("latency", [0.25, 3.5], 1000.0),
    ],
)
def test_duration_unit(name: str, values: list[float], scale: float) -> None:
    """The unit comes from the column's name; without one, small broken numbers are seconds and whole ones milliseconds."""
    mapping = mapped(*({"session_id": "a", "tool": "t", name: value} for value in values))
    assert mapping.columns["duration"] == name
    assert mapping.duration_scale == scale


def test_no_data_in_messages() -> None:
    """A CSV file without a header does not spill its first row into the message."""
    with pytest.raises(MappingError) as caught:
        mapped({"Jane Doe <jane@example.org> called about her account": "x", "42": "y"})
    assert "jane" not in str(caught.value)
