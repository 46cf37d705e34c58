"""The table `[purpose]` on the command line: kept with the run, enforced at export and on the page."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Trajc
from trajectory_compiler.store import Store


def test_a_purpose_is_kept_with_the_run_and_enforced(trajc: Trajc, store: Path, small_log: Path, tmp_path: Path) -> None:
    """Compiling states it; then neither an export nor a page holds what it excludes, also without the config."""
    first = json.loads(trajc("sample", "--limit", 1, "--json").out)[0]["session_id"]
    config = tmp_path / "trajc.toml"
    config.write_text(f'[purpose]\nuse = "evaluation"\ndpia = "DPIA-1"\nexclude_sessions = ["{first}"]\n', encoding="utf-8")
    assert trajc("compile", small_log, "--html", "page.html").code == 0
    assert first not in (tmp_path / "page.html").read_text(encoding="utf-8")
    with Store.open(store, read_only=True) as opened:
        assert json.loads(opened.runs()[-1].options)["purpose"]["dpia"] == "DPIA-1"
    for name in ("with.jsonl", "without.jsonl"):
        result = trajc("export", "--output", name)
        assert result.code == 0, result.err
        assert "left out: the session is excluded by the purpose" in result.err
        assert first not in (tmp_path / name).read_text(encoding="utf-8")
        config.unlink(missing_ok=True)
    refused = trajc("export", "--format", "chat", "--output", "chat.jsonl")
    assert refused.code == 2
    assert "the purpose of these pairs is evaluation" in refused.err


def test_a_page_is_listed_when_its_session_is_erased(trajc: Trajc, store: Path, small_log: Path, tmp_path: Path) -> None:
    """A page has no manifest; the store notes which pairs it shows, so an erasure names it."""
    assert trajc("compile", small_log, "--html", "page.html").code == 0
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    with Store.open(store, read_only=True) as opened:
        noted = next(action for action in opened.actions() if action.kind == "page").detail["pairs"].split()
        shown = next(pair for pair in opened.pairs() if pair.id in noted)
    assert shown.id[:12] in page
    plan = json.loads(trajc("forget", "--session", shown.session_id, "--dry-run", "--json").out)
    assert [(one["kind"], one["certainty"]) for one in plan["by_hand"]] == [("page", "holds it")]
