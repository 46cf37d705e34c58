"""`trajc costs`: figures that match the stored calls to the last digit."""

from __future__ import annotations

import json
import shutil
import sqlite3
from pathlib import Path

from tests.cli.conftest import Trajc
from trajectory_compiler.models.ledger import CallRecord
from trajectory_compiler.models.protocol import CallPlace, ModelName, Usage
from trajectory_compiler.store import Store


def with_calls(compiled: Path, folder: Path, *costs: int | None) -> Path:
    """Return a copy of a store with one call of each cost, the last one answered from the store."""
    path = folder / "store.db"
    shutil.copy(compiled, path)
    with Store.open(path) as store:
        ledger = store.call_ledger(store.begin_run("t", "log", "{}", "1"))
        for number, cost in enumerate(costs):
            is_hit = number == len(costs) - 1
            ledger.save(
                CallRecord(
                    model=ModelName("google", f"m{number % 2}"),
                    place=CallPlace(stage=f"stage{number % 3}", prompt_version="1", pair_id="p1" if number % 2 else None),
                    request_digest=str(number),
                    status="ok",
                    response=None if is_hit else b"{}",
                    usage=Usage(input_tokens=10, cached_tokens=0, output_tokens=1, cost_pico_usd=0 if is_hit else cost),
                    from_cache=is_hit,
                    duration_ms=None,
                )
            )
    return path


def test_every_table_adds_up_to_what_the_store_holds(trajc: Trajc, compiled: Path, tmp_path: Path) -> None:
    """The total and each way of adding up equal the sum over the stored rows, digit by digit."""
    path = with_calls(compiled, tmp_path, 123_456_789_012, 1, 999_999_999_999, 7, 0)
    (held,) = sqlite3.connect(path).execute("SELECT sum(cost_pico_usd) FROM model_calls").fetchone()
    report = json.loads(trajc("costs", "--store", path, "--json").out)
    assert report["cost_pico_usd"] == held
    assert report["cost_usd"] == "1.123456789019"
    assert set(report["by"]) == {"run", "day", "model", "stage", "pair"}
    for lines in report["by"].values():
        assert sum(line["cost_pico_usd"] for line in lines) == held
    assert (report["paid"], report["cached"], report["unknown"]) == (4, 1, 0)


def test_the_text_shows_the_sum_and_says_what_is_unknown(trajc: Trajc, compiled: Path, tmp_path: Path) -> None:
    """Dollars with all their digits; calls without a known price are counted and said, never taken for free."""
    result = trajc("costs", "--by", "model", "--store", with_calls(compiled, tmp_path, 523_000_000, None, 0))
    assert result.code == 0
    assert "$0.000523 for 2 calls; 1 more were answered from the store." in result.out
    assert "1 call of unknown price not counted" in result.out
    assert "google:m0" in result.out
    assert "stage0" not in result.out


def test_a_store_without_calls_says_so(trajc: Trajc, compiled: Path) -> None:
    """Nothing was asked, nothing was spent: one sentence."""
    assert trajc("costs", "--store", compiled).out == "No model was asked yet: nothing was spent.\n"
