"""`trajc show --lineage`: from the rows of the log to the files that hold a pair."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.cli.conftest import Trajc
from tests.models.wire.chat_completions import ChatCompletions
from tests.models.wire.server import GOOD_KEY, Server, serving
from tests.pipeline.orders import pair_in, write_orders_log
from trajectory_compiler.model import Pair
from trajectory_compiler.store import PairQuery, Store


@pytest.fixture
def server() -> Iterator[Server]:
    """Serve a model that writes one good pair for a window."""
    with serving(ChatCompletions(), answer=pair_in) as running:
        yield running


def lineage(trajc: Trajc, pair: Pair, *more: object) -> dict[str, Any]:
    """Return the lineage of a pair as JSON."""
    result = trajc("show", pair.id, "--lineage", "--json", *more)
    assert result.code == 0, result.err
    found: dict[str, Any] = json.loads(result.out)["lineage"]
    return found


def first_pair(store: Path, *, origin: str = "dataflow") -> Pair:
    """Return a pair of an origin."""
    with Store.open(store, read_only=True) as opened:
        query = PairQuery(states=("proved", "candidate"))
        return next(pair for pair in opened.pairs(query) if pair.origin.startswith(origin))


def test_a_compiled_pair_is_traced_to_its_rows_and_files(trajc: Trajc, store: Path) -> None:
    """Row ids, policy, run, proof, export: each with what identifies it, and no model call where none was made."""
    pair = first_pair(store)
    assert trajc("export", "--output", "pairs.jsonl").code == 0
    found = lineage(trajc, pair)
    assert [row["row_id"] for row in found["rows"]] == list(pair.row_ids)
    assert len({row["turn_hash"] for row in found["rows"]}) == len(pair.row_ids)
    assert found["policy"]["name"] == "standard"
    assert found["run"]["options"]["policy"] == "standard"
    assert (found["calls"], found["cost_pico_usd"]) == ([], 0)
    assert [(proof["checker"], proof["decides"]) for proof in found["proofs"]] == [("exact", True)]
    assert [(one["kind"], one["certainty"]) for one in found["files"]] == [("export", "holds it")]
    text = trajc("show", pair.id, "--lineage").out
    assert all(row in text for row in pair.row_ids)
    assert "no model was asked for it" in text


def test_a_pair_of_a_model_names_call_prompt_and_cost(
    trajc: Trajc, server: Server, tmp_path: Path, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The call that wrote it is there with its model, prompt and price, and calls of other sessions are not."""
    monkeypatch.setenv("QWEN_KEY", GOOD_KEY)
    prices = "input_usd_per_million = 1\noutput_usd_per_million = 2\n"
    config = f'[models.providers.mine]\nbase_url = "{server.base_url}"\nkey_env = "QWEN_KEY"\n{prices}'
    (tmp_path / "trajc.toml").write_text(config, encoding="utf-8")
    log = write_orders_log(tmp_path / "orders.jsonl", 3)
    assert trajc("compile", log, "--ask", "pairs", "--model", "mine:qwen").code == 0
    found = lineage(trajc, first_pair(store, origin="model:mine:qwen"))
    (call,) = found["calls"]
    assert (call["model"], call["stage"], call["from_cache"]) == ("mine:qwen", "synthesis", False)
    assert call["prompt_version"]
    assert found["cost_pico_usd"] == call["cost_pico_usd"] > 0


def test_the_rows_are_looked_up_in_the_log(trajc: Trajc, store: Path, small_log: Path, tmp_path: Path) -> None:
    """With --log the rows get their hashes and it is said whether they are those that the pair was compiled from."""
    pair = first_pair(store)
    same = lineage(trajc, pair, "--log", small_log)["log"]
    assert (same["found"], same["unchanged"]) == (True, True)
    assert [row["row_id"] for row in same["rows"]] == list(pair.row_ids)
    changed = tmp_path / "small.jsonl"
    lines = [json.loads(line) for line in small_log.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if line["id"] == pair.row_ids[0]:
            line["response"] = {"edited": True}
    changed.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    after = lineage(trajc, pair, "--log", changed)["log"]
    assert (after["found"], after["unchanged"]) == (True, False)
    assert after["rows"][0] != same["rows"][0]
    assert after["rows"][1:] == same["rows"][1:]
    kept = [line for line in lines if line["session_id"] != pair.session_id]
    changed.write_text("".join(json.dumps(line) + "\n" for line in kept), encoding="utf-8")
    assert lineage(trajc, pair, "--log", changed)["log"]["found"] is False
    assert trajc("show", pair.id, "--log", small_log).code == 2
