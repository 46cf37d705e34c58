"""The report on local scorers: its cases, its figure and its baselines."""

from __future__ import annotations

import json
import struct
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer
from tokenizers.models import WordLevel
from tokenizers.pre_tokenizers import Whitespace

from tools import scorer_report
from tools.scorer_models import scorers_of_files, stretches
from tools.scorer_report import KINDS, Case, area, cases, contained, interval, overlap, row_of
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.demo import write_demo_log
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.store import Store


@pytest.fixture(scope="module")
def judged(tmp_path_factory: pytest.TempPathFactory) -> list[Case]:
    """Return the cases of eight proved pairs of the demo log."""
    folder = tmp_path_factory.mktemp("scorer")
    write_demo_log(folder / "demo.jsonl")
    with Store.open(folder / "demo.db") as store:
        compile_into(store, str(folder / "demo.jsonl"), CompileOptions())
        return cases(store, 8, 1)


def test_the_cases_of_a_pair_are_its_turns_less_of_them_and_its_faults(judged: list[Case]) -> None:
    """Each pair is there once as it is, and views that lack a turn show fewer turns than it."""
    sound = {case.question: case for case in judged if case.kind == "sound"}
    assert len(sound) == 8
    assert {case.kind for case in judged} == {"sound", *KINDS}
    for case in judged:
        if case.kind == "without_one":
            assert set(case.turns) != set(sound[case.question].turns)
            assert len(case.turns) < len(sound[case.question].turns)
            assert case.answer == sound[case.question].answer
        if case.kind in ("wrong_answer", "near_miss"):
            assert case.turns == sound[case.question].turns
            assert case.answer != sound[case.question].answer


def test_a_scorer_that_knows_stands_at_one_and_a_constant_at_a_half(judged: list[Case]) -> None:
    """The figures of the two scorers whose figures are known beforehand."""
    truth = {(case.question, case.answer, case.turns) for case in judged if case.kind == "sound"}
    knows = row_of("demo", "knows", lambda q, a, t: float((q, a, tuple(t)) in truth), judged)
    assert knows.count("1.00 (") == len(KINDS)
    constant = row_of("demo", "constant", lambda _q, _a, _t: 3.0, judged)
    assert constant.count("0.50 (0.50 to 0.50)") + constant.count("0.50 (one)") == len(KINDS)


@pytest.mark.parametrize(
    ("sound", "faulty", "expected"),
    [([2.0, 3.0], [0.0, 1.0], 1.0), ([0.0], [1.0, 2.0], 0.0), ([1.0, 1.0], [1.0], 0.5), ([1.0, 3.0], [0.0, 2.0, 3.0], 3.5 / 6)],
)
def test_the_area_is_the_share_of_couples_in_order(sound: list[float], faulty: list[float], expected: float) -> None:
    """Ties count half."""
    assert area(sound, faulty) == pytest.approx(expected)


def test_one_session_has_no_interval_and_several_hold_the_figure() -> None:
    """Pairs of one session say nothing of other sessions."""

    def scored(session: str, kind: str, score: float) -> tuple[Case, float]:
        return Case(kind=kind, session=session, question="", answer="", turns=()), score

    one = [scored("a", "sound", 1.0), scored("a", "near_miss", 0.0)]
    assert interval(one, "near_miss") is None
    bounds = interval([*one, scored("b", "sound", 0.0), scored("b", "near_miss", 1.0)], "near_miss")
    assert bounds == (0.0, 1.0)


def test_the_baselines_see_words_and_values() -> None:
    """The share of the question's words; and whether the answer and every quoted value stand in the turns."""
    turns = ["get_order id=A1 total=7"]
    assert overlap("total of A1", "7", turns) == pytest.approx(2 / 3)
    assert contained("total of `A1`?", "7", turns) == 1
    assert contained("total of `A2`?", "7", turns) == 0
    assert contained("total of `A1`?", "8", turns) == 0


@pytest.mark.parametrize("length", [0, 1, 399, 400, 401, 700, 701, 5_000])
def test_stretches_show_every_character(length: int) -> None:
    """No end of a turn stays unread."""
    turn = "".join(chr(0x4E00 + place) for place in range(length))
    assert set("".join(stretches(turn))) == set(turn)


def test_word_vectors_find_the_turn_with_the_same_words(tmp_path: Path) -> None:
    """A table of vectors is read from its file, and a turn with the question's words scores higher than another."""
    tokenizer = Tokenizer(WordLevel({"?": 0, "red": 1, "green": 2}, unk_token="?"))  # a token of text
    tokenizer.pre_tokenizer = Whitespace()
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    table = np.eye(3, dtype=np.float16)
    entry = {"embedding": {"dtype": "F16", "shape": [3, 3], "data_offsets": [0, table.nbytes]}}
    header = json.dumps(entry).encode()
    (tmp_path / "table.safetensors").write_bytes(struct.pack("<Q", len(header)) + header + table.tobytes())
    for score in scorers_of_files(tmp_path, None, None).values():
        assert score("red", "red", ["red"]) == pytest.approx(1)
        assert score("red", "red", ["green"]) == pytest.approx(0)


def test_the_command_prints_a_row_for_each_baseline(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A store of a compiled log is enough."""
    write_demo_log(tmp_path / "demo.jsonl")
    with Store.open(tmp_path / "demo.db") as store:
        compile_into(store, str(tmp_path / "demo.jsonl"), CompileOptions())
    monkeypatch.setattr("sys.argv", ["scorer_report", str(tmp_path / "demo.db"), "--pairs", "3"])
    scorer_report.main()
    printed = capsys.readouterr().out
    assert all(f"| demo | {name} |" in printed for name in scorer_report.BASELINES)
    assert "3 sound" in printed
