"""The recorder on real databases: sessions, tools of every kind, and that an agent never notices its log."""

from __future__ import annotations

import asyncio
import inspect
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.ledger.written import Written, sqlite_written
from trajectory_compiler.errors import OptionError
from trajectory_compiler.ledger import Recorder, RecorderOptions
from trajectory_compiler.ledger.entry import NOTES


def test_a_session_of_calls(written: Written) -> None:
    """Rows of a session stand in the order of the calls, with what was given and what came back."""
    recorder = written.recorder()

    @recorder.tool
    def add(a: int, b: int = 2, *more: int, **named: int) -> int:
        """Add numbers."""
        return a + b + sum(more) + sum(named.values())

    with recorder.session("s-1", agent="adder") as session:
        assert add(1) == 3
        assert add(1, 2, 3, 4, x=5) == 15
        session.record("note", {"text": "done"}, cost_usd=0.25)
    status = recorder.close()
    assert (status.recorded, status.committed, status.unacknowledged) == (3, 3, 0)
    first, second, third = written.rows()
    assert (first["arguments"], first["response"], first["status"]) == ({"a": 1, "b": 2}, 3, "ok")
    assert second["arguments"] == {"a": 1, "b": 2, "x": 5, "more": [3, 4]}
    assert (third["tool"], third["status"], float(third["cost_usd"])) == ("note", None, 0.25)
    assert {row["session_id"] for row in (first, second, third)} == {"s-1"}
    assert {row["agent"] for row in (first, second, third)} == {"adder"}
    assert float(first["duration_ms"]) >= 0
    assert (add.__name__, add.__doc__, str(inspect.signature(add))) == (
        "add",
        "Add numbers.",
        "(a: 'int', b: 'int' = 2, *more: 'int', **named: 'int') -> 'int'",
    )


def test_an_exception_is_recorded_and_raised_on(written: Written) -> None:
    """A tool that raises leaves a row with status and text, and the caller gets the very exception."""
    recorder = written.recorder()
    raised = {"error": ValueError("bad\0 value"), "timeout": TimeoutError("late"), "denied": PermissionError("no")}

    @recorder.tool(name="crm.fail")
    def fail(kind: str) -> None:
        raise raised[kind]

    for kind, error in raised.items():
        with pytest.raises(type(error)) as caught:
            fail(kind)
        assert caught.value is error
    recorder.close()
    rows = written.rows()
    assert [(row["tool"], row["status"]) for row in rows] == [("crm.fail", kind) for kind in raised]
    assert rows[0]["error"] == "ValueError: bad␀ value"


def test_coroutines_generators_and_methods(written: Written) -> None:
    """Coroutine functions, generators of both kinds and methods stay what they are and are recorded when they end."""
    recorder = written.recorder()

    @recorder.tool
    async def fetch(url: str) -> dict[str, str]:
        await asyncio.sleep(0)
        return {"url": url}

    @recorder.tool
    def count(n: int) -> Iterator[int]:
        yield from range(n)

    @recorder.tool
    async def stream(n: int) -> AsyncIterator[int]:
        for number in range(n):
            yield number

    class Tools:
        @recorder.tool
        def look(self, name: str) -> str:
            return name.upper()

    async def agent(session_id: str) -> None:
        async with recorder.session(session_id):
            await fetch(session_id)
            assert [n async for n in stream(2)] == [0, 1]

    async def both() -> None:
        await asyncio.gather(agent("s-1"), agent("s-2"))

    asyncio.run(both())
    with recorder.session("s-3"):
        assert list(count(3)) == [0, 1, 2]
        assert Tools().look("x") == "X"
    assert inspect.iscoroutinefunction(fetch)
    assert inspect.isgeneratorfunction(count)
    assert inspect.isasyncgenfunction(stream)
    recorder.close()
    found = sorted((row["session_id"], row["tool"], row["response"]) for row in written.rows() if row["session_id"] != "s-3")
    assert found == [
        ("s-1", "fetch", {"url": "s-1"}),
        ("s-1", "stream", [0, 1]),
        ("s-2", "fetch", {"url": "s-2"}),
        ("s-2", "stream", [0, 1]),
    ]
    rest = [(row["tool"], row["arguments"], row["response"]) for row in written.rows() if row["session_id"] == "s-3"]
    assert rest == [("count", {"n": 3}, [0, 1, 2]), ("look", {"name": "x"}, "X")]


def test_a_function_that_passes_on_to_a_coroutine(tmp_path: Path) -> None:
    """A plain function that gives back a coroutine is recorded when that has ended, with its result."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()

    async def fetch(url: str) -> str:
        await asyncio.sleep(0)
        if not url:
            raise ValueError("no address")
        recorder.record("inside")
        return url.upper()

    @recorder.tool
    def get(url: str) -> Any:
        return fetch(url)

    assert asyncio.run(get("x")) == "X"
    with pytest.raises(ValueError, match="no address"):
        asyncio.run(get(""))
    recorder.record("after")
    recorder.close()
    inside, first, second, after = ledger.rows()
    assert [(row["response"], row["status"]) for row in (first, second)] == [("X", "ok"), (None, "error")]
    assert inside["parent_id"] == first["idempotency_key"]
    assert after["parent_id"] is None


def test_a_call_within_a_call_names_its_parent(written: Written) -> None:
    """What a tool calls carries the tool's key; what is called after it does not."""
    recorder = written.recorder()

    @recorder.tool
    def inner() -> None:
        recorder.record("innermost")

    @recorder.tool
    def outer() -> None:
        inner()

    outer()
    recorder.record("after")
    recorder.close()
    rows = {row["tool"]: row for row in written.rows()}
    assert rows["innermost"]["parent_id"] == rows["inner"]["idempotency_key"]
    assert rows["inner"]["parent_id"] == rows["outer"]["idempotency_key"]
    assert rows["outer"]["parent_id"] is None
    assert rows["after"]["parent_id"] is None


def test_arguments_are_those_of_the_call(tmp_path: Path) -> None:
    """A tool that changes what it was given does not change its row."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()

    @recorder.tool
    def empty(items: list[int]) -> int:
        items.clear()
        return 0

    empty([1, 2])
    recorder.close()
    assert ledger.column("arguments") == [{"items": [1, 2]}]


def test_threads_find_the_only_open_session(tmp_path: Path) -> None:
    """A pool's threads, which have no context, record into the session that is open; with none open, into the process's own."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()
    with ThreadPoolExecutor(4) as pool:
        with recorder.session("s-1"):
            list(pool.map(lambda n: recorder.record("t", {"n": n}), range(50)))
        list(pool.map(lambda n: recorder.record("t", {"n": n}), range(3)))
    recorder.close()
    sessions = ledger.column("session_id")
    assert sessions[:50] == ["s-1"] * 50
    assert all(session.startswith("process-") for session in sessions[50:])


def test_what_json_lacks_never_reaches_the_agent(tmp_path: Path) -> None:
    """Objects, cycles, NaN and broken texts are recorded by rule, and the row says which field was changed."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()
    cycle: list[Any] = []
    cycle.append(cycle)
    for odd in (object(), cycle, float("nan"), "\ud800\0", lambda: 0):
        recorder.record("t", {"odd": odd}, odd)
    assert recorder.close().failed == 0
    for row in ledger.rows():
        assert row["extra"] == {NOTES: {"changed": ["arguments", "response"]}}


def test_a_field_that_is_no_field_is_kept(tmp_path: Path) -> None:
    """A misspelt or unknown field costs nothing but its place: it stands in `extra`."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()
    recorder.record("t", {}, 1, cost=0.5, extra={"a": 1})  # type: ignore[call-arg]
    recorder.record("t", {}, 1, idempotency_key="", session_id="", agent="")
    assert recorder.close().failed == 0
    first, second = ledger.rows()
    assert first["extra"] == {"a": 1, "cost": 0.5}
    assert all(second[name] for name in ("idempotency_key", "session_id", "agent"))


def test_a_long_field_is_cut_only_by_the_setting(tmp_path: Path) -> None:
    """With a limit a long response is cut and its row says so; without one it is whole."""
    ledger = sqlite_written(tmp_path)
    for limit in (1000, None):
        recorder = ledger.recorder(max_field_bytes=limit)
        recorder.record("t", {}, "x" * 5000)
        recorder.close()
    assert [(len(row["response"]), bool(row["truncated"])) for row in ledger.rows()] == [(1000, True), (5000, False)]


def test_a_refused_row_is_kept_aside(written: Written, caplog: pytest.LogCaptureFixture) -> None:
    """A row that breaks the table's rules does not hold up the others: it is kept in a file, counted, and said once."""
    recorder = written.recorder()
    row = {"session_id": "s", "agent": "a", "called_at": "2026-03-02T09:00:00.000000Z"}
    for number, tool in enumerate(("t", "t", "", "t", "", "t")):
        recorder._put(msgspec.json.encode({**row, "tool": tool, "idempotency_key": f"k/{number}"}))
    status = recorder.close()
    assert (status.committed, status.refused, status.uncommitted) == (4, 2, 0)
    assert written.column("idempotency_key") == ["k/0", "k/1", "k/3", "k/5"]
    kept = [msgspec.json.decode(path.read_bytes()) for path in sorted(written.spool.glob("*/refused/*.json"))]
    assert [each["idempotency_key"] for each in kept] == ["k/2", "k/4"]
    assert [record for record in caplog.records if "refuses a row" in record.getMessage()]


def test_a_database_that_is_away(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Rows are acknowledged without a database, said to wait, and delivered in order by the next process that can."""
    away = tmp_path / "later"
    options = RecorderOptions(spool=str(tmp_path / "spool"), exit_seconds=0.5)
    recorder = Recorder(str(away / "ledger.db"), options=options)
    for number in range(200):
        recorder.record("t", {"n": number})
    assert recorder.flush().unacknowledged == 0
    status = recorder.close()
    assert (status.acknowledged, status.committed) == (200, 0)
    messages = [record.getMessage() for record in caplog.records]
    assert len([message for message in messages if "rows wait in the spool" in message]) == 1
    assert any("200 rows are not in the database yet" in message for message in messages)
    away.mkdir()
    second = Recorder(str(away / "ledger.db"), options=options)
    second.record("t", {"n": 200})
    deadline = time.monotonic() + 30
    while second.flush(committed=True).replayed < 200 and time.monotonic() < deadline:
        time.sleep(0.05)
    assert second.close().lost_before == 0
    rows = sqlite_written_rows(away)
    assert [row["arguments"]["n"] for row in rows] == list(range(201))
    assert list((tmp_path / "spool").glob("*/2*")) == []


def sqlite_written_rows(folder: Path) -> list[dict[str, Any]]:
    """Return the rows of a ledger that a recorder made."""
    address = str(folder / "ledger.db")
    return Written(address, address, folder).rows()


def test_a_closed_recorder_starts_again(tmp_path: Path) -> None:
    """A row recorded after `close` is delivered by the next `close`."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()
    for number in range(3):
        recorder.record("t", {"n": number})
        recorder.close()
    assert ledger.column("arguments") == [{"n": 0}, {"n": 1}, {"n": 2}]


def test_recording_while_closing_loses_nothing(tmp_path: Path) -> None:
    """Threads that record while others close the recorder again and again lose no row."""
    ledger = sqlite_written(tmp_path)
    recorder = ledger.recorder()
    done = threading.Event()

    def close() -> None:
        while not done.is_set():
            recorder.close()

    closer = threading.Thread(target=close)
    closer.start()
    for number in range(2000):
        recorder.record("t", {"n": number})
    done.set()
    closer.join()
    recorder.close()
    assert sorted(row["n"] for row in ledger.column("arguments")) == list(range(2000))


def test_a_mistake_in_the_set_up_is_said_at_once() -> None:
    """An address that cannot be meant is refused when the recorder is made, not when the agent runs."""
    with pytest.raises(OptionError, match="no ledger of the kind 'mysql'"):
        Recorder("mysql://host/db")


def test_a_broken_log_handler_hurts_nobody(tmp_path: Path) -> None:
    """A handler that raises does not end the threads of the recorder."""

    class Broken(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:  # noqa: ARG002  # logging's signature
            raise RuntimeError

    logger = logging.getLogger("trajectory_compiler.ledger")
    handler = Broken()
    logger.addHandler(handler)
    try:
        recorder = Recorder(str(tmp_path / "no" / "l.db"), options=RecorderOptions(spool=str(tmp_path / "s"), exit_seconds=0.2))
        recorder.record("t")
        time.sleep(0.1)
        (tmp_path / "no").mkdir()
        assert recorder.flush(30, committed=True).committed == 1
        recorder.close()
    finally:
        logger.removeHandler(handler)
