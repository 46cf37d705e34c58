"""`trajc sync --model`: a model is asked about what is new to it, night after night, and status says what it cost."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.conftest import Trajc
from tests.cli.test_compile_model import PRICED, configure
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.server import GOOD_KEY, Server, serving
from tests.pipeline.orders import pair_in, write_orders_log


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a model that writes one good pair for a window."""
    with serving(ChatCompletions(), answer=pair_in) as running:
        yield running


def test_each_session_is_asked_about_once(
    trajc: Trajc, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first night asks about three sessions, the second about the two that came, a third about none; costs add up."""
    monkeypatch.setenv("QWEN_KEY", GOOD_KEY)
    configure(tmp_path, server)
    with (tmp_path / "trajc.toml").open("a", encoding="utf-8") as file:
        file.write('[sync]\nlog = "orders.jsonl"\nmodel = "mine:qwen"\nask = ["pairs"]\n')
    for sessions, asked in ((3, 3), (5, 5), (5, 5)):
        write_orders_log(tmp_path / "orders.jsonl", sessions)
        done = trajc("sync", "--json")
        assert done.code == 0, done.err
        assert len(server.questions) == asked
    assert json.loads(done.out)["model"][0]["skipped"] == 5
    told = json.loads(trajc("status", "--json").out)
    assert told["cost_today_pico_usd"] == told["cost_30_days_pico_usd"] == sum(run["cost_pico_usd"] for run in told["runs"])
    assert told["cost_today_pico_usd"] > 0


def test_a_spent_budget_ends_the_night_and_loses_nothing(
    trajc: Trajc, server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit code 3 where the money is spent: the sessions are compiled all the same, and the next night asks the rest."""
    monkeypatch.setenv("QWEN_KEY", GOOD_KEY)
    configure(tmp_path, server, more=PRICED)
    log = write_orders_log(tmp_path / "orders.jsonl", 3)
    poor = trajc("sync", log, "--model", "mine:qwen", "--ask", "pairs", "--max-cost-usd", "0.000001", "--json")
    assert poor.code == 3
    assert json.loads(poor.out)["compiled"] == 3
    assert not server.questions
    assert trajc("sync", log, "--model", "mine:qwen", "--ask", "pairs").code == 0
    assert len(server.questions) == 3
