"""`trajc report` as it is called."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Trajc


def test_figures_are_printed_compared_and_written_as_pages(trajc: Trajc, store: Path, tmp_path: Path) -> None:
    """A report as text, JSON and page; two of them side by side."""
    printed = trajc("report", "quality", "--html", "quality.html")
    assert printed.code == 0, printed.err
    assert "pairs per 100 turns" in printed.out
    assert "<svg" in (tmp_path / "quality.html").read_text(encoding="utf-8")
    (tmp_path / "ours.json").write_text(trajc("report", "quality", "--json").out, encoding="utf-8")
    compared = trajc("report", "compare", "ours.json", "ours.json", "--json")
    figures = json.loads(compared.out)["figures"]
    assert figures
    assert all(line["values"][0] == line["values"][1] for line in figures)


def test_the_schema_is_printed_without_a_store(trajc: Trajc) -> None:
    """Whoever gets a report can check it before having a store."""
    assert json.loads(trajc("report", "quality", "--schema").out)["$defs"]["QualityReport"]


def test_a_wrong_file_is_one_sentence(trajc: Trajc, tmp_path: Path) -> None:
    """Exit 2, no traceback."""
    (tmp_path / "a.json").write_text("[]", encoding="utf-8")
    result = trajc("report", "compare", "a.json", "b.json")
    assert (result.code, result.err.count("\n")) == (2, 1)


def test_an_evidence_pack_is_written_and_noted(trajc: Trajc, store: Path, tmp_path: Path) -> None:
    """Ten pairs that prove again, most of them with a query; the page is on record for an erasure."""
    result = trajc("report", "evidence", "--profile", "fca-solo", "--html", "evidence.html", "--json")
    assert result.code == 0, result.err
    shown = [item for section in json.loads(result.out)["sections"] for item in section["content"]["pairs"]]
    assert len(shown) == 10
    assert {item["proof"] for item in shown} == {"every gate holds"}
    assert any(item["sql"] for item in shown)
    again = json.loads(trajc("report", "evidence", "--profile", "fca-solo", "--json").out)
    assert "evidence.html" in json.dumps(again["sections"])
