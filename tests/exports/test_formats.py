"""Each format, to the byte: the expected files lie in `golden/`."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.exports import FORMATS, ExportRequest, export, parse_context
from trajectory_compiler.exports.request import ExportFormat
from trajectory_compiler.model import GATES, Evidence, Proof
from trajectory_compiler.store import Store

GOLDEN = Path(__file__).parent / "golden"
KEYS = (
    "id session_id row_ids question answer answer_type qa_type supporting_turns evidence origin state hops width span_turns "
    "guess_rate proof split context"
).split()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Give a store of one session with an answerable and an unanswerable pair."""
    gates: dict[str, bool | None] = {**dict.fromkeys(GATES, True), "causal": None}
    trajectory = session(turns=6)
    answerable = pair(
        trajectory,
        1,
        (0, 3),
        proof=Proof(gates=gates, supporting=(0, 3), guess_rate=0.25),
        evidence=(
            Evidence(turn=0, path="/response/next", quote="T-1"),
            Evidence(turn=3, path="/response/owner", quote="3", span=(6, 7)),
        ),
    )
    evidence = (Evidence(turn=0, path="/response/owner", quote="owner-0"),)
    unanswerable = pair(
        trajectory,
        2,
        (0, 3),
        qa_type="unanswerable",
        answer="The log does not say.",
        answer_type="abstention",
        withheld_turns=(3,),
        evidence=evidence,
    )
    with Store.open(tmp_path / "store.db", clock=clock) as opened:
        saved(opened, answerable, unanswerable, trajectory=trajectory)
        yield opened


def _lines(store: Store, form: ExportFormat, context: str = "evidence", **options: Any) -> list[dict[str, Any]]:
    stream = io.BytesIO()
    export(store, ExportRequest(format=form, created_at=clock(), context=parse_context(context), **options), stream)
    return [json.loads(line) for line in stream.getvalue().splitlines()]


@pytest.mark.parametrize("form", FORMATS)
def test_golden(store: Store, form: ExportFormat) -> None:
    """The format is what it was: a change of a byte is a decision, made by changing the golden file."""
    stream = io.BytesIO()
    export(store, ExportRequest(format=form, created_at=clock(), context=parse_context("evidence")), stream)
    assert stream.getvalue().decode() == (GOLDEN / f"{form}.jsonl").read_text()


def test_jsonl_keys(store: Store) -> None:
    """A record holds exactly the keys of the specification, and `withheld_turns` where turns are withheld."""
    lines = {line["qa_type"]: line for line in _lines(store, "jsonl")}
    assert list(lines["composition"]) == KEYS
    assert list(lines["unanswerable"]) == [*KEYS, "withheld_turns"]
    assert [list(each) for each in lines["composition"]["evidence"]] == [["turn", "path", "span", "quote"]] * 2


def test_gates_that_do_not_apply_are_left_out(store: Store) -> None:
    """A gate is there if it applies, in the order of the design."""
    proof = next(line["proof"] for line in _lines(store, "jsonl") if line["qa_type"] == "composition")
    assert list(proof) == [gate for gate in GATES if gate != "causal"]
    assert set(proof.values()) == {True}


@pytest.mark.parametrize("form", ["chat", "acc"])
def test_answers_spell_out_the_steps_unless_bare(store: Store, form: ExportFormat) -> None:
    """By default the answer is preceded by its steps; bare, it stands alone; of what is withheld no step tells."""
    key = "messages" if form == "chat" else "dialogs"
    reasoned = sorted(line[key][1]["content"] for line in _lines(store, form))
    assert reasoned == [
        "No call in the log gives what the question asks for.\n\nAnswer: The log does not say.",
        "Ticket T-0 leads to ticket T-3.\n\nAnswer: owner-3",
    ]
    assert sorted(line[key][1]["content"] for line in _lines(store, form, bare=True)) == ["The log does not say.", "owner-3"]


@pytest.mark.parametrize("form", ["chat", "acc", "inspect"])
def test_words_around_do_not_give_the_kind_away(store: Store, form: ExportFormat) -> None:
    """Question and log aside, every request reads the same, answerable or not."""
    words = set()
    for line in _lines(store, form, context="full"):
        text = line["input"] if form == "inspect" else line["messages" if form == "chat" else "dialogs"][0]["content"]
        head, _, rest = text.partition("<log>")
        words.add((head, rest.partition("</log>")[2].partition("?")[2]))
    assert len(words) == 1


@pytest.mark.parametrize(("context", "length"), [("none", "0k"), ("full", "1k"), ("16k", "16k"), ("4096", "4096")])
def test_acc_length_class(store: Store, context: str, length: str) -> None:
    """The length class is the budget as written, or the context's own length in thousands of tokens."""
    assert {line["context_length"] for line in _lines(store, "acc", context=context)} == {length}


def test_without_context_no_log_is_named(store: Store) -> None:
    """A closed-book request asks the question alone and does not pretend that there is a log to read."""
    for line in _lines(store, "inspect", context="none"):
        assert "<log>" not in line["input"]
        assert "the log does not say" not in line["input"].lower()
