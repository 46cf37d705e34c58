"""`trajc compile --model`: a loopback server speaks the provider's protocol, everything else is the command as it is."""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Trajc
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.gemini_batches import GeminiBatches
from tests.models.wire.server import GOOD_KEY, Server, serving
from tests.pipeline.orders import pair_in, write_orders_log
from trajectory_compiler.model import Pair
from trajectory_compiler.store import PairQuery, Store

WRITTEN = PairQuery(states=("candidate",))
SESSIONS = 6
PRICED = "input_usd_per_million = 1\noutput_usd_per_million = 2\n"


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a model that writes one good pair for a window."""
    with serving(ChatCompletions(), answer=pair_in) as running:
        yield running


def configure(folder: Path, server: Server, *, more: str = PRICED) -> None:
    """Tell the command in a folder where the provider `mine` is."""
    table = f'[models.providers.mine]\nbase_url = "{server.base_url}"\nkey_env = "QWEN_KEY"\n{more}'
    (folder / "trajc.toml").write_text(table, encoding="utf-8")


@pytest.fixture
def log(tmp_path: Path, server: Server, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a log in a folder whose config names the server, with the key in the environment."""
    monkeypatch.setenv("QWEN_KEY", GOOD_KEY)
    configure(tmp_path, server)
    return write_orders_log(tmp_path / "orders.jsonl", SESSIONS)


def written(store: Path) -> list[Pair]:
    """Return the pairs that a model wrote."""
    with Store.open(store, read_only=True) as opened:
        return [pair for pair in opened.pairs(WRITTEN) if pair.origin.startswith("model:")]


def model_part(trajc: Trajc, *arguments: object) -> dict[str, Any]:
    """Run `compile --json` and return what it says of the model."""
    result = trajc("compile", *arguments, "--json")
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)["model"][0]
    return found


def test_a_model_adds_candidates_with_quotes(trajc: Trajc, log: Path, store: Path, server: Server) -> None:
    """Each session is asked about once; what passes the checks is stored as a candidate, priced and quoted."""
    result = trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen")
    assert result.code == 0, result.err
    assert f"{SESSIONS} of {SESSIONS} proposed pairs kept as candidates" in result.out
    sampled = json.loads(trajc("sample", "--candidates", "--limit", 9, "--json").out)
    pairs = written(store)
    assert {record["id"] for record in sampled} == {pair.id for pair in pairs}
    assert len(pairs) == len(server.questions) == SESSIONS
    assert {(pair.state, pair.origin, pair.supporting_turns) for pair in pairs} == {("candidate", "model:mine:qwen", (0, 5))}
    assert all(pair.evidence[-1].quote == pair.answer for pair in pairs)


def test_what_was_asked_is_not_asked_again(trajc: Trajc, log: Path, server: Server) -> None:
    """A second run finds every session done and sends nothing; another number of pairs is another question."""
    assert model_part(trajc, log, "--ask", "pairs", "--model", "mine:qwen")["calls"] == SESSIONS
    again = model_part(trajc, log, "--ask", "pairs", "--model", "mine:qwen")
    assert (again["calls"], again["skipped"], len(server.questions)) == (0, SESSIONS, SESSIONS)
    assert model_part(trajc, log, "--ask", "pairs", "--model", "mine:qwen", "--pairs", 1)["calls"] == SESSIONS


def test_only_the_chosen_sessions_are_sent(trajc: Trajc, log: Path, server: Server) -> None:
    """The options that choose sessions hold for the model, too, though the store has more of them."""
    trajc("compile", log)
    assert model_part(trajc, log, "--ask", "pairs", "--model", "mine:qwen", "--limit", 2)["sessions"] == 2
    assert len(server.questions) == 2


def test_dry_run_asks_nothing(trajc: Trajc, log: Path, server: Server) -> None:
    """The estimate counts calls, tokens and dollars, and no byte is sent."""
    result = trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--dry-run", "--json")
    estimate = json.loads(result.out)["estimate"][0]
    assert estimate["calls"] == estimate["sessions"] == SESSIONS
    assert estimate["cost_pico_usd"] == (estimate["input_tokens"] + 2 * estimate["output_tokens"]) * 10**6
    assert server.questions == []


def test_a_spent_budget_ends_the_run_and_the_next_goes_on(trajc: Trajc, log: Path, store: Path, server: Server) -> None:
    """Exit code 3 and a sentence; what was paid for is saved, and more money finishes the rest without paying twice."""
    dry = json.loads(trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--dry-run", "--json").out)
    at_most = dry["estimate"][0]["cost_pico_usd"] / SESSIONS / 10**12
    result = trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--max-cost-usd", f"{at_most + 0.0004:.6f}")
    assert result.code == 3, result.out
    assert "stopped:" in result.out
    first = len(server.questions)
    assert 0 < first < SESSIONS
    assert model_part(trajc, log, "--ask", "pairs", "--model", "mine:qwen")["kept"] == SESSIONS - first
    assert (len(server.questions), len(written(store))) == (SESSIONS, SESSIONS)


@pytest.mark.parametrize(
    ("model", "key", "seen"),
    [("mine:qwen", "wrong", "key"), ("mine:nothing", GOOD_KEY, "nothing"), ("nowhere:qwen", GOOD_KEY, "has no address")],
)
def test_what_cannot_work_is_said_in_one_sentence(
    trajc: Trajc, log: Path, monkeypatch: pytest.MonkeyPatch, model: str, key: str, seen: str
) -> None:
    """A wrong key, an unknown model or provider: exit code 2, one sentence, no traceback; the proved pairs stand."""
    monkeypatch.setenv("QWEN_KEY", key)
    result = trajc("compile", log, "--ask", "pairs", "--model", model)
    assert result.code == 2
    assert seen in result.err
    assert result.err.startswith("Cannot ")
    assert len(result.err.strip().splitlines()) == 1


def test_an_outage_is_a_failure_and_no_empty_result(trajc: Trajc, tmp_path: Path, log: Path, store: Path) -> None:
    """Answers that cannot be used fail their session, which is asked again; nothing is counted as an answer of zero pairs."""
    with serving(ChatCompletions(), answer=pair_in, script=["malformed", "malformed", "ok"]) as broken:
        configure(tmp_path, broken)
        result = trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--limit", 1)
    assert result.code == 1
    assert "1 session failed (what came back was no answer of the asked form, after one repair try: 1)" in result.out
    assert "invalid_output" in trajc("stats", "--json").out
    assert written(store) == []


def test_nothing_is_sent_away_unasked(trajc: Trajc, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remote model needs somebody's word, whatever key the environment holds; options for a model need one."""
    monkeypatch.setenv("GOOGLE_API_KEY", GOOD_KEY)
    result = trajc("compile", log, "--model", "cheap")
    assert result.code == 2
    assert "generativelanguage.googleapis.com" in result.err
    assert "nobody agreed" in result.err
    assert "needs a --model" in trajc("compile", log, "--dry-run").err


def test_a_batch_is_collected_by_the_next_run(
    trajc: Trajc, tmp_path: Path, log: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run submits and leaves, the second makes the pairs, each call at the batch price."""
    monkeypatch.setenv("GOOGLE_API_KEY", GOOD_KEY)
    model = f"google:{GeminiBatches().models[0]}"
    with serving(GeminiBatches(answer=pair_in)) as gemini:
        (tmp_path / "trajc.toml").write_text(f'[models.providers.google]\nbase_url = "{gemini.base_url}"\n', encoding="utf-8")
        first = trajc("compile", log, "--ask", "pairs", "--model", model, "--batch", "--limit", 2)
        assert first.code == 0, first.err
        assert "2 sessions wait for a batch" in first.out
        assert written(store) == []
        for _ in range(4):
            second = trajc("compile", log, "--ask", "pairs", "--model", model, "--batch", "--limit", 2)
            if "wait for a batch" not in second.out:
                break
    assert second.code == 0, second.err
    assert len(written(store)) == 2


@pytest.mark.parametrize(
    ("sessions", "kills"), [(24, 4), pytest.param(200, 100, marks=pytest.mark.long)], ids=["some kills", "full size"]
)
def test_killed_runs_pay_once_and_end_in_the_same_pairs(
    trajc: Trajc, server: Server, log: Path, store: Path, sessions: int, kills: int
) -> None:
    """Killed at random instants and run to the end: what was answered is not paid again, the pairs are those of a whole run."""
    write_orders_log(log, sessions)
    trajc("compile", log)
    drawn = random.Random(kills)
    command = [
        sys.executable,
        "-m",
        "trajectory_compiler",
        "compile",
        str(log),
        "--ask",
        "pairs",
        "--model",
        "mine:qwen",
        "--store",
        str(store),
    ]
    for _ in range(kills):
        goal = len(server.questions) + drawn.randint(1, max(1, sessions // kills))
        child = subprocess.Popen(command, cwd=log.parent, env=os.environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while len(server.questions) < goal and child.poll() is None:
            time.sleep(0.001)
        time.sleep(drawn.random() * 0.02)
        child.kill()
        child.wait()
    assert trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen").code == 0
    paid = Counter(question.prompt for question in server.questions)
    assert len(paid) == sessions
    assert len(server.questions) - sessions <= kills * 8  # those in the air at a kill, one for each of eight workers
    whole = log.parent / "whole.db"
    assert trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen", "--store", whole).code == 0
    assert written(store) == written(whole)
    assert len(written(whole)) == sessions
