"""Pairs of origin `acc` leave the store by their name only, in the data set's shape, with pieces of sessions that may lend."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.store.samples import clock
from tests.synthesis.acc_sessions import ANSWER, TASK, warehouse
from tests.synthesis.sessions import index_of
from trajectory_compiler.errors import BoundaryError, InputError, OptionError
from trajectory_compiler.exports import ExportRequest, Manifest, export, parse_context
from trajectory_compiler.exports.request import states_of
from trajectory_compiler.model import Trajectory
from trajectory_compiler.models.tokens import estimate_tokens
from trajectory_compiler.store import SessionResult, StageResult, Store
from trajectory_compiler.synthesis.acc import compile_acc
from trajectory_compiler.synthesis.options import AccOptions

FEW = range(4401, 4431)
HIDDEN = 4430  # its policy is another
ABSENT = 4429  # it has no pair, so its split is not known


def split_of(number: int) -> str:
    """Put every third session into the test split."""
    return "test" if number % 3 == 0 else "train"


def save(store: Store, number: int, trajectory: Trajectory) -> None:
    """Store a session and its pair, as the compiler and the stage do."""
    run = store.begin_run("acc", "test", "{}", "1")
    store.save_session(SessionResult(run_id=run, trajectory=trajectory, compile_key="k", pairs=()))
    pairs = () if number == ABSENT else compile_acc(index_of(trajectory), AccOptions(), split_of(number)).pairs
    store.save_stage(StageResult(run_id=run, trajectory=trajectory, stage="acc", origin="acc", key="k", pairs=pairs))


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store of thirty sessions."""
    with Store.open(tmp_path / "store.db", clock=clock) as opened:
        for number in FEW:
            policy = "another" if number == HIDDEN else "policy-1"
            save(opened, number, msgspec.structs.replace(warehouse(number), policy_hash=policy))
        yield opened


def written(store: Store, context: str = "1k", **more: Any) -> tuple[list[dict[str, Any]], Manifest, bytes]:
    """Export the pairs and return lines, manifest and bytes."""
    options: dict[str, Any] = {"format": "acc", "origins": ("acc",), "states": states_of("acc"), **more}
    stream = io.BytesIO()
    manifest = export(store, ExportRequest(created_at=clock(), context=parse_context(context), **options), stream)
    return [json.loads(line) for line in stream.getvalue().splitlines()], manifest, stream.getvalue()


def test_candidates_leave_by_name_only(store: Store) -> None:
    """Without the origin they are not exported, and no other origin's candidates are."""
    with pytest.raises(InputError, match="no pair matches"):
        written(store, origins=(), states=states_of(None))
    with pytest.raises(OptionError, match="'candidate' are never exported"):
        written(store, origins=("dataflow",))


def test_the_shape_is_that_of_the_data_set(store: Store) -> None:
    """Three columns: two messages, the gold answer, the length; the question is the task, after the pieces."""
    lines, manifest, _ = written(store)
    assert len(lines) == len(FEW) - 1
    first = lines[0]
    assert list(first) == ["dialogs", "ground_truth_answer", "context_length"]
    assert [message["role"] for message in first["dialogs"]] == ["user", "assistant"]
    assert (first["ground_truth_answer"], first["context_length"]) == (ANSWER.format(4401), "1k")
    asked, said = (message["content"] for message in first["dialogs"])
    assert f"</results>\n\n{TASK.format(4401)}\n\n" in asked
    assert "search_orders gives PRT-44017" in said
    assert said.endswith(f"Answer: {ANSWER.format(4401)}")
    assert manifest.counts["state"] == {"candidate": len(lines)}
    assert (manifest.filters["origin"], manifest.filters["seed"]) == (["acc"], ["0"])


def test_the_context_holds_the_evidence_within_the_limit(store: Store) -> None:
    """Every context has both supporting pieces, keeps to its tokens, and shows no message of the session."""
    for number, line in zip([n for n in FEW if n != ABSENT], written(store)[0], strict=True):
        asked = line["dialogs"][0]["content"]
        context = asked.split("<results>\n")[1].split("\n</results>")[0]
        assert (100 if number == HIDDEN else 600) < estimate_tokens(context) <= 1_000
        assert f'"place":"Limehouse-{number}"' in context
        assert f'"part":"PRT-{number}7"}}]' in context
        assert ANSWER.format(number) not in context


def test_only_sessions_of_the_split_and_the_policy_lend(store: Store) -> None:
    """A training context holds nothing of a test session, of a session under other rules, or of one of unknown split."""
    lines, manifest, _ = written(store, splits=("train",), context="4k")
    text = json.dumps(lines)
    numbers = {number for number in FEW if split_of(number) == "train"} - {ABSENT, HIDDEN}
    assert all(f"cpu-{number:05d}" not in text for number in FEW if number not in {*numbers, HIDDEN})
    assert text.count(f"cpu-{HIDDEN:05d}") == 1  # in the context of its own pair
    assert set(manifest.lenders) == {f"d-s-{number}" for number in numbers}


def test_the_seed_decides_the_bytes(store: Store) -> None:
    """One seed gives the same bytes again, another gives others."""
    first = written(store, seed=1)[2]
    assert written(store, seed=1)[2] == first != written(store, seed=2)[2]


@pytest.mark.parametrize(
    ("context", "label"), [("none", "0k"), ("evidence", "1k"), ("full", "1k"), ("1k", "1k"), ("128k", "2k")]
)
def test_the_length_is_the_true_one(store: Store, context: str, label: str) -> None:
    """Where a log has too few pieces for a budget, the length is that of the context and not the budget's."""
    assert written(store, context=context, splits=("test",))[0][0]["context_length"] == label


def test_evidence_too_long_is_left_out_and_counted(store: Store) -> None:
    """Nothing is cut: a pair whose evidence exceeds the budget is left out with its reason."""
    with pytest.raises(InputError, match="29 pairs match, and the supporting turns alone exceed the context budget"):
        written(store, context="20")


def test_what_another_session_lends_is_scanned_too(tmp_path: Path) -> None:
    """A value that may not leave stops the export though it stands in a borrowed piece alone."""
    leak = ("read_mail", {"mail_id": "M-1"}, "write to amy@example.com")
    with Store.open(tmp_path / "store.db", clock=clock) as store:
        save(store, 4402, warehouse(4402))
        assert written(store, session="s-4402")[1].lenders == ()
        save(store, 4403, warehouse(4403, leak))
        with pytest.raises(BoundaryError, match="holds a value of type EMAIL"):
            written(store, session="s-4402")
