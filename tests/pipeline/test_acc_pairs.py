"""The stage that pairs task and final answer: over what a compile run selected, once for each session, whatever stops it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.logs import write_rows
from tests.synthesis.acc_sessions import calls
from trajectory_compiler.config import CompileOptions, DataflowOptions, SessionOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.pipeline import RunSummary, compile_into
from trajectory_compiler.pipeline.acc_pairs import AccRun, AccStage
from trajectory_compiler.pipeline.session import split_of
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.synthesis.options import AccOptions

OPTIONS = CompileOptions(workers=1, dataflow=DataflowOptions(families=("composition",)))
EVERY = PairQuery(states=("candidate", "proved", "superseded"), origins=("acc",))
SESSIONS = range(4401, 4409)


def rows(number: int, *, ok: bool = True) -> Iterator[dict[str, Any]]:
    """Yield the rows of a session; an even one ends in thanks instead of an answer."""
    for place, call in enumerate(calls(number)):
        tool, arguments, response = call[:3]
        if place == 5 and number % 2 == 0:
            arguments = {"content": "Thank you!"}
        yield {
            "id": f"{number}-{place}",
            "session_id": f"s-{number}",
            "created_at": f"2026-03-01T09:{number % 60:02d}:{place * 7:02d}Z",
            "agent": "clerk",
            "tool": tool,
            "arguments": arguments,
            "response": response,
            "success": ok if place == 4 else None,
        }


def write_log(folder: Path, numbers: range = SESSIONS) -> Path:
    """Write a log of such sessions; number 4403 failed."""
    return write_rows(folder / "parts.jsonl", [row for number in numbers for row in rows(number, ok=number != 4403)])


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give an empty store."""
    with Store.open(tmp_path / "store" / "store.db") as opened:
        yield opened


def compiled(store: Store, log: Path, options: CompileOptions = OPTIONS) -> RunSummary:
    """Compile the log as the command does before the stage."""
    return compile_into(store, str(log), options)


def paired(store: Store, log: Path, asked: AccOptions | None = None, options: CompileOptions = OPTIONS) -> AccRun:
    """Compile the log and run the stage."""
    return AccStage(store, compiled(store, log, options), options, asked or AccOptions()).go()


def test_pairs_and_reasons_are_stored(store: Store, tmp_path: Path) -> None:
    """Half of the sessions give a candidate in their own split, the other half a finding; the run counts both."""
    run = paired(store, write_log(tmp_path))
    pairs = list(store.pairs(EVERY))
    assert (run.sessions, run.done, run.skipped, run.pairs, run.dropped) == (8, 8, 0, 4, {"answer_trivial": 4})
    assert [pair.session_id for pair in pairs] == ["s-4401", "s-4403", "s-4405", "s-4407"]
    assert all((pair.state, pair.split) == ("candidate", split_of(pair.session_id, OPTIONS)) for pair in pairs)
    assert [(d.reason, d.count) for d in store.drops() if d.stage == "acc"] == [("answer_trivial", 4)]
    assert [(r.status, r.totals) for r in store.runs() if r.kind == "acc"] == [("done", {"done": 8, "pairs": 4})]


def test_a_second_run_does_nothing(store: Store, tmp_path: Path) -> None:
    """What is done under the same options is skipped, and no pair changes."""
    log = write_log(tmp_path)
    paired(store, log)
    before = list(store.pairs(EVERY))
    again = paired(store, log)
    assert (again.done, again.skipped, again.pairs) == (0, 8, 0)
    assert list(store.pairs(EVERY)) == before


def test_other_options_replace_the_pairs(store: Store, tmp_path: Path) -> None:
    """Another question is another compilation: what it does not give any more is superseded, its findings are replaced."""
    log = write_log(tmp_path)
    paired(store, log)
    run = paired(store, log, AccOptions(only_success=True))
    assert (run.done, run.pairs, run.dropped) == (8, 3, {"answer_trivial": 4, "failed_session": 1})
    states = {pair.session_id: pair.state for pair in store.pairs(EVERY)}
    assert states["s-4403"] == "superseded"
    assert sum(drop.count for drop in store.drops() if drop.stage == "acc") == 5


def test_only_selected_sessions_are_read(store: Store, tmp_path: Path) -> None:
    """A limit on the compile run is one on the stage."""
    options = CompileOptions(workers=1, dataflow=OPTIONS.dataflow, sessions=SessionOptions(limit=3))
    assert paired(store, write_log(tmp_path), options=options).sessions == 3


def test_a_stopped_run_goes_on_where_it_was(store: Store, tmp_path: Path) -> None:
    """Stopped after any session, the next run does the rest; the pairs are those of a run that nobody stopped."""
    log = write_log(tmp_path)
    summary = compiled(store, log)

    def stop(stage: str, done: int, total: int | None) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        AccStage(store, summary, OPTIONS, AccOptions()).go(stop)
    assert [run.status for run in store.runs() if run.kind == "acc"] == ["interrupted"]
    rest = AccStage(store, summary, OPTIONS, AccOptions()).go()
    assert (rest.done, rest.skipped) == (5, 3)
    with Store.open(tmp_path / "other" / "store.db") as other:
        paired(other, log)
        assert [pair.id for pair in other.pairs(EVERY)] == [pair.id for pair in store.pairs(EVERY)]


def test_new_rows_are_paired_anew(store: Store, tmp_path: Path) -> None:
    """A session that changed is done again, the others are not."""
    paired(store, write_log(tmp_path))
    log = write_rows(
        tmp_path / "parts.jsonl",
        [
            row | ({"response": {"mean": 0.25}} if row["id"] == "4401-4" else {})
            for n in SESSIONS
            for row in rows(n, ok=n != 4403)
        ],
    )
    assert paired(store, log).done == 1


def test_a_field_that_is_none_is_refused_before_anything_is_read(store: Store, tmp_path: Path) -> None:
    """A column outside the mapping cannot be named: it does not cross the boundary."""
    summary = compiled(store, write_log(tmp_path))
    with pytest.raises(OptionError, match="columns outside of the mapping never cross the redaction boundary"):
        AccStage(store, summary, OPTIONS, AccOptions(answer="gold"))
