"""A run over a log: what it keeps, what it skips, and that nothing but the log, the snapshot and the seed decide its bytes."""

from __future__ import annotations

import json
from pathlib import Path

import msgspec
import pytest

from tests.cli.logs import write_rows, write_small_log
from trajectory_compiler import CompileOptions, DataflowOptions, compile_log
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SourceError, StoreLockedError
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.session import split_of
from trajectory_compiler.store import PairQuery, Store


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Write fourteen sessions of the demo's business once for all tests here."""
    return write_small_log(tmp_path_factory.mktemp("log") / "agent_log.jsonl")


def stored(store: Store) -> bytes:
    """Return every pair of a store as bytes, in the store's order."""
    return msgspec.json.encode([msgspec.structs.asdict(pair) for pair in store.pairs()])


def test_the_number_of_processes_changes_no_byte(log: Path, tmp_path: Path) -> None:
    """One process or two, run after run: the pairs are the same to the byte, proofs and evidence included."""
    found = set()
    for name, workers in (("one", 1), ("two", 2), ("again", 1)):
        with Store.open(tmp_path / name / "store.db") as store:
            summary = compile_into(store, str(log), CompileOptions(workers=workers))
            assert summary.proved > 20
            found.add(stored(store))
    assert len(found) == 1


def test_another_seed_chooses_other_pairs(log: Path) -> None:
    """The seed decides which of the candidates are taken, and every one taken is proved all the same."""
    few = [
        {p.id for p in compile_log(str(log), CompileOptions(dataflow=DataflowOptions(max_pairs=2, seed=seed)))}
        for seed in (1, 2)
    ]
    assert few[0] != few[1]


def test_the_api_gives_what_the_store_keeps(log: Path, tmp_path: Path) -> None:
    """`compile_log` yields the pairs that `compile_into` stores."""
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(log), CompileOptions(workers=1))
        assert {p.id for p in store.pairs()} == {p.id for p in compile_log(str(log))}


def test_a_second_run_compiles_nothing(log: Path, tmp_path: Path) -> None:
    """A session that is stored as it is now is skipped; the figures say so, and no pair changes."""
    with Store.open(tmp_path / "store.db") as store:
        first = compile_into(store, str(log), CompileOptions())
        before = stored(store)
        second = compile_into(store, str(log), CompileOptions())
        assert (second.compiled, second.skipped) == (0, first.compiled)
        assert stored(store) == before


def test_only_the_changed_session_is_compiled_again(log: Path, tmp_path: Path) -> None:
    """One more row: its session is compiled anew and its old pairs are superseded, the others are left alone."""
    lines = log.read_text(encoding="utf-8").splitlines()
    copy = tmp_path / "agent_log.jsonl"
    copy.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with Store.open(tmp_path / "store.db") as store:
        first = compile_into(store, str(copy), CompileOptions())
        last = json.loads(lines[-1])
        more = {**last, "id": "one-more", "created_at": "2027-01-01T00:00:00Z"}
        copy.write_text("\n".join([*lines, json.dumps(more)]) + "\n", encoding="utf-8")
        second = compile_into(store, str(copy), CompileOptions())
        assert (second.compiled, second.skipped) == (1, first.compiled - 1)
        kept = {pair.session_id for pair in store.pairs()}
        old = list(store.pairs(PairQuery(states=("superseded",), session=last["session_id"])))
        assert kept
        assert all(pair.session_id == last["session_id"] for pair in old)


def test_a_new_snapshot_is_an_explicit_wish(log: Path, tmp_path: Path) -> None:
    """The statistics are taken once and kept; `new_snapshot` takes them again and recompiles what they change."""
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(log), CompileOptions())
        kept = store.snapshot("agent_log")
        assert kept is not None
        shorter = tmp_path / "agent_log.jsonl"
        shorter.write_text("\n".join(log.read_text(encoding="utf-8").splitlines()[:60]) + "\n", encoding="utf-8")
        compile_into(store, str(shorter), CompileOptions())
        assert store.snapshot("agent_log") == kept
        compile_into(store, str(shorter), CompileOptions(new_snapshot=True))
        assert store.snapshot("agent_log") != kept


def test_two_runs_at_once_are_refused(log: Path, tmp_path: Path) -> None:
    """While one run holds the store another is refused in one sentence."""
    with (
        Store.open(tmp_path / "store.db") as store,
        store.lock("compile other"),
        Store.open(tmp_path / "store.db") as second,
        pytest.raises(StoreLockedError),
    ):
        compile_into(second, str(log), CompileOptions())


def test_an_empty_log_is_an_error_and_leaves_a_sound_store(tmp_path: Path) -> None:
    """A log without rows cannot be compiled; the store opens afterwards and holds nothing."""
    empty = write_rows(tmp_path / "empty.jsonl", [])
    with Store.open(tmp_path / "store.db") as store:
        with pytest.raises(SourceError):
            compile_into(store, str(empty), CompileOptions())
        assert not store.damage()
        assert not list(store.pairs())


def test_splits_never_move_and_keep_a_task_together() -> None:
    """A session's split depends on its id (or on what the pattern finds in it) alone; all three splits are used."""
    options = CompileOptions(split_pattern=r"(task\d+)")
    assert split_of("run-1:task7:trial0", options) == split_of("run-9:task7:trial3", options)
    splits = [split_of(f"session-{n}", CompileOptions()) for n in range(1_000)]
    assert 740 < splits.count("train") < 860
    assert {"train", "dev", "test"} == set(splits)


def test_the_source_name_names_the_pairs(log: Path) -> None:
    """Pair ids come from the source's name, not from where the file lies."""
    named = CompileOptions(source=SourceOptions(name="ops"))
    assert {p.source for p in compile_log(str(log), named)} == {"ops"}
