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


def with_calls(compiled: Path, folder: Path, *costs: int | None, stage: str = "") -> Path:
    """Return a copy of a store with one call of each cost, the last one answered from the store."""
    path = folder / "store.db"
    shutil.copy(compiled, path)
    with Store.open(path) as store:
        ledger = store.call_ledger(store.begin_run("t", "log", "{}", "1"))
        for number, cost in enumerate(costs):
            is_hit, pair = number == len(costs) - 1, "p1" if number % 2 else None
            ledger.save(
                CallRecord(
                    model=ModelName("google", f"m{number % 2}"),
                    place=CallPlace(stage=stage or f"stage{number % 3}", prompt_version="1", pair_id=pair),
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
    assert set(report["by"]) == {"run", "day", "model", "stage", "origin", "pair"}
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


def test_kept_pairs_are_priced_by_their_own_origin(trajc: Trajc, compiled: Path, tmp_path: Path) -> None:
    """A pair's price is what the calls of its origin cost, over the pairs of that origin that are kept, rounded up."""
    path = with_calls(compiled, tmp_path, 100, 999, 1, 7, 0, stage="synthesis")
    with sqlite3.connect(path) as database:
        ids = [row[0] for row in database.execute("SELECT id FROM pairs WHERE state = 'proved' ORDER BY id LIMIT 4")]
        for number, identity in enumerate(ids):
            origin = ("model:google:m0", "model:google:m0", "model:google:m0", "model:other:x")[number]
            database.execute("UPDATE pairs SET origin = ? WHERE id = ?", (origin, identity))
    report = json.loads(trajc("costs", "--store", path, "--json").out)
    assert report["kept"] == [
        {"origin": "model:google:m0", "pairs": 3, "cost_pico_usd": 101, "usd_per_pair": "0.000000000034"},
        {"origin": "model:other:x", "pairs": 1, "cost_pico_usd": None, "usd_per_pair": None},
    ]
    assert "3 kept pairs of model:google:m0, at $0.000000000034 each." in trajc("costs", "--store", path).out


def test_a_store_without_calls_says_so(trajc: Trajc, compiled: Path) -> None:
    """Nothing was asked, nothing was spent: one sentence."""
    assert trajc("costs", "--store", compiled).out == "No model was asked yet: nothing was spent.\n"
