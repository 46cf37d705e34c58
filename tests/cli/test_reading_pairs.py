"""`verify --model`, `calibrate`, `verify --queue`: a loopback server speaks the provider's protocol, all else is as it is."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Trajc
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.server import GOOD_KEY, Server, serving
from tests.pipeline.orders import pair_in, write_orders_log
from trajectory_compiler.model import Pair, State
from trajectory_compiler.pipeline.reading import ReadRun
from trajectory_compiler.store import PairQuery, Review, Store
from trajectory_compiler.verification.readers.calibration import Calibration
from trajectory_compiler.verification.readers.faults import KINDS

SESSIONS = 4
PROSE = PairQuery(states=("candidate", "tested", "rejected", "reviewed"))
TRUSTING = "[verification]\nrequire_calibration = false\nfull_share = 1.0\n"
UNKNOWN = json.dumps({"steps": "a turn is missing", "known": False, "answer": ""})


def careful(prompt: str) -> str:
    """Answer as a careful reader does: the carrier, if the turns shown hold the buyer's mail and the parcel."""
    if "QUESTION: " not in prompt:
        return pair_in(prompt)
    shown, _, question = prompt.partition("QUESTION: ")
    buyer, carrier = re.search(r"buyer-\d{3}", question), re.search(r"carrier-\d{3}", shown)
    if buyer is None or carrier is None or buyer.group() not in shown:
        return UNKNOWN
    return json.dumps({"steps": "mail, parcel", "known": True, "answer": carrier.group()})


def careless(prompt: str) -> str:
    """Answer as a model does that takes any carrier for the right one: one turn is enough for it."""
    if "QUESTION: " not in prompt:
        return pair_in(prompt)
    carrier = re.search(r"carrier-\d{3}", prompt.partition("QUESTION: ")[0])
    return json.dumps({"steps": "", "known": True, "answer": carrier.group() if carrier else "carrier-000"})


def abstaining(prompt: str) -> str:
    """Say of every question that the log does not say."""
    return UNKNOWN if "QUESTION: " in prompt else pair_in(prompt)


@pytest.fixture
def reader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Server]]:
    """Return a function that serves a reader and writes the config that names it."""
    monkeypatch.setenv("QWEN_KEY", GOOD_KEY)
    running: list[Any] = []

    def serve(answer: Callable[[str], str], more: str = "", price: int = 1) -> Server:
        context = serving(ChatCompletions(), answer=answer)
        server = context.__enter__()
        running.append(context)
        prices = f"input_usd_per_million = {price}\noutput_usd_per_million = {price}\n"
        table = f'[models.providers.mine]\nbase_url = "{server.base_url}"\nkey_env = "QWEN_KEY"\n{prices}\n{more}'
        (tmp_path / "trajc.toml").write_text(table, encoding="utf-8")
        return server

    yield serve
    for context in running:
        context.__exit__(None, None, None)


@pytest.fixture
def written(trajc: Trajc, tmp_path: Path, reader: Callable[..., Server], small_log: Path) -> Path:
    """Return a store that holds one candidate in prose for each of some sessions, and proved pairs of another log."""
    reader(careful)
    assert trajc("compile", small_log, "--workers", 1).code == 0
    log = write_orders_log(tmp_path / "orders.jsonl", SESSIONS)
    result = trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--yes")
    assert result.code == 0, result.err
    return tmp_path / ".trajc" / "store.db"


def prose(store: Path) -> list[Pair]:
    """Return the pairs that a model wrote."""
    with Store.open(store, read_only=True) as opened:
        return [pair for pair in opened.pairs(PROSE) if pair.program is None]


def states(store: Path) -> Counter[State]:
    """Count the pairs in prose by state."""
    return Counter(pair.state for pair in prose(store))


def read(trajc: Trajc, *arguments: object, code: int = 0) -> ReadRun:
    """Have pairs read and return the report."""
    result = trajc("verify", "--model", "mine:qwen", "--dataflow", 0, *arguments, "--json")
    assert result.code == code, result.err
    return msgspec.json.decode(result.out, type=ReadRun)


def test_a_reader_without_a_calibration_moves_nothing(trajc: Trajc, written: Path) -> None:
    """Its proofs are stored beside the pairs, which stay candidates, and the command says what is missing."""
    run = read(trajc)
    assert (run.pairs, run.passed, run.trusted, run.tested) == (SESSIONS, SESSIONS, False, 0)
    assert states(written) == {"candidate": SESSIONS}
    with Store.open(written, read_only=True) as store:
        assert {reading.checker for reading in store.readings()} == {"reader:mine:qwen"}
    text = trajc("verify", "--model", "mine:qwen", "--dataflow", 0, "--only", "all").out
    assert "trajc calibrate --model mine:qwen" in text


def test_sound_prose_is_tested(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """What a careful reader passes at every gate becomes `tested`, carries its proof, and is not read twice."""
    server = reader(careful, TRUSTING)
    run = read(trajc)
    assert (run.tested, run.rejected, run.readings) == (SESSIONS, 0, run.planned)
    assert {line.gate for line in run.gates} >= {"unleaked", "sufficient", "necessary", "unshortcut", "distant", "unique"}
    pair = prose(written)[0]
    assert pair.state == "tested"
    assert all(pair.proof.gates[gate] for gate in ("holds", "sufficient", "necessary", "unique"))
    asked = len(server.questions)
    assert "No pair waits to be read" in trajc("verify", "--model", "mine:qwen", "--dataflow", 0).out
    assert len(server.questions) == asked


def test_prose_that_one_turn_answers_is_rejected_early(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """A reader that answers from one turn alone shows that the pair needs no second; the longer views are not read."""
    reader(careless, TRUSTING)
    run = read(trajc)
    assert (run.tested, run.rejected) == (0, SESSIONS)
    assert states(written) == {"rejected": SESSIONS}
    assert run.readings <= run.planned / 2
    failed = {line.gate for line in run.gates if line.failed}
    assert failed == {"necessary"}
    reader(careful, TRUSTING)
    again = read(trajc, "--only", "failed")
    assert again.pairs == SESSIONS


def test_a_person_outranks_the_reader(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """A pair that a person rejected stays rejected, whatever a reader says."""
    first = prose(written)[0]
    with Store.open(written) as store:
        verdict = Review(pair_id=first.id, reviewer="ada", verdict="reject", reason="dull", created_at="2026-11-24T12:00:00Z")
        store.add_review(verdict)
    reader(careful, TRUSTING)
    read(trajc)
    assert states(written) == {"tested": SESSIONS - 1, "rejected": 1}


def test_proved_pairs_are_read_and_keep_their_state(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """Where a reader lets proved pairs fall it is listed as an error of the reader; the pairs stay proved."""
    reader(abstaining, TRUSTING)
    with Store.open(written, read_only=True) as store:
        before = [(pair.id, pair.state) for pair in store.pairs() if pair.program is not None]
    run = msgspec.json.decode(
        trajc("verify", "--model", "mine:qwen", "--dataflow", 5, "--limit", 0, "--json").out, type=ReadRun
    )
    assert run.pairs == len(run.disagreed) + run.passed > 0
    with Store.open(written, read_only=True) as store:
        assert [(pair.id, pair.state) for pair in store.pairs() if pair.program is not None] == before


def test_the_price_is_said_first_and_kept_to(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """A dry run asks nothing; a run that reaches its limit stops with 3 and keeps what it read; costs come by gate."""
    server = reader(careful, TRUSTING, price=1000)
    plan = trajc("verify", "--model", "mine:qwen", "--dataflow", 0, "--dry-run")
    assert plan.code == 0
    assert "at most $" in plan.out
    assert not server.questions
    stopped = read(trajc, "--max-cost-usd", "1.5", code=3)
    assert stopped.stopped
    assert stopped.pairs < SESSIONS
    whole = read(trajc, "--only", "all")
    assert whole.pairs == SESSIONS
    paid = sum(cost or 0 for run in (stopped, whole) for cost in run.cost_by_gate.values())
    assert paid > 0
    assert "verification/necessary" in trajc("costs", "--by", "stage").out


def test_a_calibration_is_stored_and_decides(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """A reader that abstains always finds every fault and rejects every sound pair: kappa 0, and it may move nothing."""
    reader(abstaining)
    result = trajc("calibrate", "--model", "mine:qwen", "--pairs", 3, "--json")
    assert result.code == 0, result.err
    found = msgspec.json.decode(result.out, type=Calibration)
    assert set(found.detected) <= set(KINDS)
    assert found.false_rejection.rate == 1.0
    assert found.kappa == 0.0
    with Store.open(written, read_only=True) as store:
        (stored,) = store.calibrations()
        assert msgspec.json.decode(stored.figures, type=Calibration) == found
    assert "may not move" in trajc("calibrate", "--model", "mine:qwen", "--pairs", 3).out
    assert not read(trajc).trusted


def test_the_queue_takes_decisions(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """Proved pairs that a reader let fall are shown with their evidence; a decision is stored with name and reason."""
    reader(abstaining)
    trajc("verify", "--model", "mine:qwen", "--limit", 0, "--dataflow", 3)
    waiting = json.loads(trajc("verify", "--queue", "--json", stdin="").out)["waiting"]
    assert waiting > 0
    shown = trajc("verify", "--queue", "--reviewer", "ada", stdin="r\nnot worth asking\nq\n")
    assert shown.code == 0
    assert "fell at sufficient" in shown.out
    assert json.loads(trajc("verify", "--queue", "--json", stdin="").out)["waiting"] == waiting - 1
    with Store.open(written, read_only=True) as store:
        reviews = [review for pair in store.pairs(PairQuery(states=("rejected",))) for review in store.reviews(pair.id)]
    assert [(review.reviewer, review.reason) for review in reviews] == [("ada", "not worth asking")]


def test_an_edit_is_proved_anew(trajc: Trajc, written: Path, reader: Callable[..., Server]) -> None:
    """A new wording of a proved question is stored if the proof holds for it, and refused in a sentence if it does not."""
    reader(abstaining)
    trajc("verify", "--model", "mine:qwen", "--limit", 0, "--dataflow", 1)
    with Store.open(written, read_only=True) as store:
        (reading,) = store.readings()
        pair = store.pair(reading.pair_id)
    told = trajc("verify", "--queue", stdin=f"e\nIs it {pair.answer}?\n\nq\n")
    assert "is false for the new wording" in told.err
    better = f"Tell me: {pair.question[0].lower()}{pair.question[1:]}"
    trajc("verify", "--queue", stdin=f"e\n{better}\nsmoother\nq\n")
    with Store.open(written, read_only=True) as store:
        edited = store.pair(pair.id)
        assert (edited.question, edited.state) == (better, pair.state)
        assert [review.verdict for review in store.reviews(pair.id)] == ["edit"]
    assert trajc("verify").code == 0


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("verify", "--thorough"), "goes with --model"),
        (("verify", "--queue", "--only", "new"), "goes with --model"),
        (("calibrate",), "--model says who reads"),
        (("verify", "--model", "nobody"), "provider:name"),
    ],
)
def test_wrong_options_are_told_in_a_sentence(trajc: Trajc, written: Path, arguments: tuple[str, ...], told: str) -> None:
    """Options that go with a reader need one."""
    result = trajc(*arguments)
    assert result.code == 2
    assert told in result.err
