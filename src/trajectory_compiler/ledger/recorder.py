"""The recorder: an agent's calls into the ledger, without the agent having to wait, and without a row that is lost in silence.

from trajectory_compiler.ledger import Recorder

recorder = Recorder("postgresql://agent@db/ops", agent="triage")

@recorder.tool
def search(query: str) -> list[str]: ...

with recorder.session("ticket-4711"):
    search("refund")                          # one row, with arguments, response, duration
    recorder.record("note", {"text": "done"}) # or say it yourself
"""

from __future__ import annotations

import asyncio
import itertools
import os
import secrets
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from contextvars import ContextVar, Token
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ParamSpec, TypeVar, Unpack, overload

import msgspec

from trajectory_compiler.ledger import lifecycle
from trajectory_compiler.ledger.calls import parent_key, recorded
from trajectory_compiler.ledger.delivery import Delivery, Plan, Status
from trajectory_compiler.ledger.entry import Fields, call_of, line_of, quick_line
from trajectory_compiler.ledger.notices import Notices
from trajectory_compiler.ledger.schema import TABLE
from trajectory_compiler.ledger.spool import folder_of
from trajectory_compiler.ledger.writer import open_writer

P = ParamSpec("P")
R = TypeVar("R")
DEFAULT_SPOOL = ".trajc/spool"
GAP_TOOL = "recorder.gap"
RECORDER_AGENT = "trajc-recorder"


class RecorderOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a recorder works.

    `spool` is a folder that outlives the process, on a local disk. A field longer than `max_field_bytes` is cut, and its row
    says so in `truncated` (None: no limit). `memory_bytes` bounds what waits in memory while the disk takes nothing.
    `exit_seconds` is the longest wait at exit, at SIGTERM and at the end of a session. `sigterm` sets a handler that delivers
    and then does what would have happened without it.
    """

    table: str = TABLE
    spool: str = DEFAULT_SPOOL
    max_field_bytes: int | None = 16 << 20
    memory_bytes: int = 64 << 20
    exit_seconds: float = 5.0
    sigterm: bool = True


class Recorder:
    """Records calls into the ledger at `address`: `postgresql://...`, or the path of an SQLite file (made if it is missing).

    Give it the login of a writer, nothing more. Nothing connects here: the first row does, in the background.
    Raises: OptionError: no such kind of address, or a bad table name. MissingExtraError: psycopg is missing. No other method
    raises: what goes wrong later is logged once (`trajectory_compiler.ledger`) and counted in `status()`.
    """

    def __init__(
        self,
        address: str,
        *,
        agent: str = "agent",
        options: RecorderOptions = RecorderOptions(),  # noqa: B008  # frozen
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.agent = agent
        self.options = options
        self.now = clock
        self._address = address
        self.notices = Notices()
        self._starting = threading.RLock()
        self._open_sessions: list[Session] = []
        self._failures = 0
        self._delivery: Delivery | None = None
        self._begin_anew()
        self._root = folder_of(Path(options.spool), open_writer(address, options.table).ledger)
        lifecycle.watch(self, sigterm=options.sigterm)

    # --- recording --------------------------------------------------------------------------------------------------------

    def record(self, tool: str, arguments: Any = None, response: Any = None, **fields: Unpack[Fields]) -> str:
        """Record one row and return its key, which other rows may name as `parent_id`. See `Fields` for what else can be said.

        The row belongs to the session around it. Any value may be recorded (`encoding.py` states the rules). Never raises.
        Cost: some microseconds and the time that JSON takes; `python -m benchmarks.recording` measures it.
        """
        if "parent_id" not in fields and (parent := parent_key.get()) is not None:
            fields["parent_id"] = parent
        return self.write(tool, arguments, response, fields)

    def write(self, tool: str, arguments: Any, response: Any, fields: Fields) -> str:
        """Record a row from its fields in one dictionary."""
        key = fields.get("idempotency_key") or self.new_key()
        try:
            session = _current.get()
            if session is None or session.recorder is not self:
                opened = tuple(self._open_sessions)
                session = opened[0] if len(opened) == 1 else self._outside
            now, limit = self.now(), self.options.max_field_bytes
            said: dict[str, Any] = {
                "session_id": session.id,
                "agent": session.agent,
                "idempotency_key": key,
                "called_at": now,
                **fields,
            }
            try:
                line = quick_line(tool, arguments, response, said)
            except Exception:  # noqa: BLE001  # whatever the caller's values do, the careful way takes them
                line = None
            if line is None or (limit is not None and len(line) > limit):
                said["session_id"], said["agent"] = said["session_id"] or session.id, said["agent"] or session.agent
                said |= {"idempotency_key": key, "tool": tool, "arguments": arguments, "response": response, "now": now}
                line = line_of(call_of(said), limit)
            self._put(line)
        except Exception as error:  # noqa: BLE001  # an agent must not fail because its log does
            self._failures += 1
            self.notices.tell("defect", f"a row could not be recorded: {type(error).__name__} (status().failed counts them)")
        return key

    @overload
    def tool(self, function: Callable[P, R], /) -> Callable[P, R]: ...
    @overload
    def tool(self, function: None = None, /, *, name: str | None = None) -> Callable[[Callable[P, R]], Callable[P, R]]: ...
    def tool(self, function: Callable[..., Any] | None = None, /, *, name: str | None = None) -> Any:
        """Wrap a tool so that each of its calls is recorded: `@recorder.tool`, or `@recorder.tool(name="crm.search")`.

        Takes functions, coroutine functions and generator functions. See `calls.py` for what the row holds.
        """
        if function is None:
            return lambda wrapped: self.tool(wrapped) if name is None else recorded(wrapped, name, self)
        return recorded(function, getattr(function, "__name__", type(function).__name__), self)

    def session(self, session_id: str | None = None, *, agent: str | None = None) -> Session:
        """Return a context manager (`with` and `async with`): rows inside belong to the session, a new one if none is named.

        At its end the rows are acknowledged. Contexts are those of `contextvars`: tasks inherit the session, threads do not;
        where a thread has none and only one session is open, its rows belong to that one.
        """
        return Session(self, session_id or f"session-{secrets.token_hex(8)}", agent or self.agent)

    def new_key(self) -> str:
        """Return the key of a row that will be recorded later."""
        return f"{self._name}-{next(self._numbers)}"

    # --- delivering -------------------------------------------------------------------------------------------------------

    def flush(self, seconds: float | None = None, *, committed: bool = False) -> Status:
        """Wait until every row recorded so far is acknowledged, and return where the rows are.

        Acknowledged means synced in the spool, or committed. `committed` waits until they are in the database. `seconds` limits
        the wait: look at `.unacknowledged` then.
        """
        return self._with_failures(self._started().flush(seconds, committed=committed))

    def status(self) -> Status:
        """Return where the rows of this process are."""
        return self._with_failures(self._started().status())

    def close(self, seconds: float | None = None) -> Status:
        """Deliver what there is time for (`exit_seconds` by default) and end the threads; a later row starts them again."""
        with self._starting:
            delivery, self._delivery = self._started(), None
        status = delivery.close(self.options.exit_seconds if seconds is None else seconds)
        for line in delivery.leftovers():
            self._put(line)
        return self._with_failures(status)

    def __enter__(self) -> Recorder:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # --- what the process does to it (`lifecycle.Recording`) ----------------------------------------------------------------

    def at_exit(self) -> None:
        """Deliver and end."""
        if self._delivery is not None:
            self.close()

    def at_signal(self) -> None:
        """Deliver and go on."""
        if self._delivery is not None:
            self._delivery.drain(self.options.exit_seconds)

    def in_child(self) -> Any:
        """Begin anew: a child has a name, a spool and a connection of its own."""
        former, self._delivery = self._delivery, None
        self._starting = threading.RLock()
        self.notices = Notices()
        self._begin_anew()
        return former.forget() if former is not None else None

    # --- inside -----------------------------------------------------------------------------------------------------------

    def _begin_anew(self) -> None:
        stamp = datetime.fromtimestamp(self.now(), UTC).strftime("%Y%m%dT%H%M%S.%f")
        self._name = f"{stamp}-{os.getpid()}-{secrets.token_hex(4)}"
        self._outside = Session(self, f"process-{self._name}", self.agent)  # for what is recorded in no session
        self._numbers = itertools.count(1)
        self._starts = itertools.count(1)

    def _started(self) -> Delivery:
        delivery = self._delivery
        if delivery is not None:
            return delivery
        with self._starting:
            delivery = self._delivery
            if delivery is None:
                again = next(self._starts)
                plan = Plan(
                    root=self._root,
                    name=self._name if again == 1 else f"{self._name}-{again}",
                    writer=open_writer(self._address, self.options.table),
                    notices=self.notices,
                    gap=self._record_gap,
                    memory_bytes=self.options.memory_bytes,
                )
                self._delivery = delivery = Delivery(plan)
            return delivery

    def _with_failures(self, status: Status) -> Status:
        return msgspec.structs.replace(status, failed=self._failures)

    def _put(self, line: bytes) -> None:
        delivery = self._delivery or self._started()
        delivery.count()
        delivery.put(line)

    def _record_gap(self, name: str, recorded_rows: int, lost: int) -> None:
        """Say in the ledger itself that rows of a process that was killed are missing."""
        fields = Fields(session_id=f"process-{name}", agent=RECORDER_AGENT, idempotency_key=f"gap-{name}", status="error")
        fields["error"] = "rows were recorded and not yet acknowledged when their process ended"
        self.write(GAP_TOOL, {"process": name}, {"recorded": recorded_rows, "lost": lost}, fields)


class Session:
    """The rows of one conversation or run. Made by `Recorder.session`."""

    def __init__(self, recorder: Recorder, session_id: str, agent: str) -> None:
        self.recorder = recorder
        self.id = session_id
        self.agent = agent
        self._token: Token[Session | None] | None = None

    def record(self, tool: str, arguments: Any = None, response: Any = None, **fields: Unpack[Fields]) -> str:
        """Record a row of this session, from any thread. See `Recorder.record`."""
        given = Fields(session_id=self.id, agent=self.agent)
        given.update(fields)
        return self.recorder.record(tool, arguments, response, **given)

    def __enter__(self) -> Session:
        self._token = _current.set(self)
        self.recorder._open_sessions.append(self)  # noqa: SLF001  # two halves of one thing
        return self

    def __exit__(self, *_: object) -> None:
        self._end()
        self.recorder.flush(self.recorder.options.exit_seconds)

    async def __aenter__(self) -> Session:
        return self.__enter__()

    async def __aexit__(self, *_: object) -> None:
        self._end()
        await asyncio.to_thread(self.recorder.flush, self.recorder.options.exit_seconds)

    def _end(self) -> None:
        with suppress(ValueError):
            self.recorder._open_sessions.remove(self)  # noqa: SLF001
        if self._token is not None:
            with suppress(ValueError):  # left in another context than it was entered in
                _current.reset(self._token)
            self._token = None


_current: ContextVar[Session | None] = ContextVar("trajc_session", default=None)
