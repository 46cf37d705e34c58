"""`stats`, `sample`, `show` and `export`: what the store holds, on the terminal and as JSON."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.cli.conftest import Trajc
from trajectory_compiler.cli.screen import printable
from trajectory_compiler.cli.stats import StatsReport
from trajectory_compiler.model import Pair, canonical, json_text
from trajectory_compiler.store import PairQuery, Store

RECORD = set(
    """
    id session_id row_ids question answer answer_type qa_type supporting_turns evidence origin state hops width span_turns
    guess_rate proof split context
    """.split()
)


def pairs_in(store: Path, *families: Any) -> list[Pair]:
    """Return the pairs of a store, of some families where named."""
    with Store.open(store, read_only=True) as opened:
        return list(opened.pairs(PairQuery(qa_types=families)))


def test_stats_counts_by_every_property_and_says_why_things_fell(trajc: Trajc, store: Path) -> None:
    """Types, distances, hops, widths, agents, tools and splits; drops with their reason in words."""
    report = msgspec.json.decode(trajc("stats", "--json").out, type=StatsReport)
    pairs = pairs_in(store)
    assert report.pairs == len(pairs) == sum(report.counts["type"].values())
    assert set(report.counts) >= {"type", "distance", "hops", "width", "agent", "tool", "split"}
    assert report.dropped == sum(drop.count for drop in report.drops if drop.dropped) > 0
    text = trajc("stats").out
    assert all(f"\n{name} " in text for name in ("type", "distance", "hops", "width", "split", "agent", "tool"))
    assert "answer can be guessed" in text


def test_stats_of_a_log_that_is_not_there_counts_nothing(trajc: Trajc, store: Path) -> None:
    """An unknown source is no error: there is nothing of it."""
    report = msgspec.json.decode(trajc("stats", "--source", "other", "--json", "--store", store).out, type=StatsReport)
    assert (report.pairs, report.drops) == (0, ())


def test_a_sample_is_drawn_by_seed(trajc: Trajc, store: Path) -> None:
    """The same seed prints the same pairs, another seed others; the kind narrows."""
    first, again, other = (trajc("sample", "--limit", 4, "--seed", seed).out for seed in (1, 1, 2))
    assert first == again != other
    assert first.count("\nQ  ") == 4
    records = msgspec.json.decode(trajc("sample", "--qa-type", "aggregation", "--limit", 2, "--json").out)
    assert {record["qa_type"] for record in records} == {"aggregation"}
    assert set(records[0]) >= RECORD
    assert store.exists()


def test_no_pair_of_a_kind_is_a_sentence(trajc: Trajc, store: Path) -> None:
    """Nothing to print is said, not printed as nothing; in JSON it is an empty list."""
    result = trajc("sample", "--session", "no such", "--store", store)
    assert result.code == 2
    assert "no pair matches" in result.err
    assert trajc("sample", "--session", "no such", "--json").out == "[]\n"


def test_show_gives_evidence_program_and_proof(trajc: Trajc, store: Path) -> None:
    """A beginning of the id is enough; every quote is marked in its turn, every gate has its sentence."""
    pair = pairs_in(store, "state_change")[0]
    shown = trajc("show", pair.id[:10]).out
    assert pair.question in shown
    assert f"A  {pair.answer}" in shown
    assert shown.count("«") == shown.count("»") == len(pair.evidence)
    assert " answer  the " in shown
    assert re.findall(r"^[✓–] (\w+)", shown, re.MULTILINE) == list(pair.proof.gates)
    assert all(row in shown for row in pair.row_ids)


def test_show_as_json_is_the_record_with_program_and_words(trajc: Trajc, store: Path) -> None:
    """What `export` writes, and the program beside it, as data and in words."""
    pair = pairs_in(store)[0]
    record = msgspec.json.decode(trajc("show", pair.id, "--json").out)
    assert set(record) >= RECORD | {"program", "program_in_words", "session_turns", "source"}
    assert record["program"]["version"] == 1
    assert record["program_in_words"][-1].startswith("answer: ")


def test_show_prints_the_context_that_a_reader_gets(trajc: Trajc, store: Path) -> None:
    """`--context` gives the rendered turns; those that are withheld are not among them."""
    pair = next(pair for pair in pairs_in(store, "unanswerable"))
    with Store.open(store, read_only=True) as opened:
        trajectory = opened.trajectory_of(pair)
    context = trajc("show", pair.id, "--context").out.split("What a reader gets\n")[1]
    assert len(re.findall(r"^arguments: ", context, re.MULTILINE)) == len(trajectory.turns) - 1


def test_show_tells_twins_in_words(trajc: Trajc, store: Path) -> None:
    """A twin says which value of which turn becomes which, and what the answer is then."""
    pair = pairs_in(store, "state_change")[0]
    shown = trajc("show", pair.id, "--twin").out
    assert re.search(r"^  in #\d{3}, .+ becomes .+\n  then the answer is .+ instead of ", shown, re.MULTILINE)
    withheld = pairs_in(store, "unanswerable")[0]
    assert "  put turn #" in trajc("show", withheld.id, "--twin").out
    twins = msgspec.json.decode(trajc("show", pair.id, "--twin", "--json").out)["twins"]
    assert all(twin["answer"] != pair.answer for twin in twins)


def test_show_sql_gives_the_answer_from_the_original_table(trajc: Trajc, store: Path, small_log: Path, tmp_path: Path) -> None:
    """The printed query, run on a SQLite table of the log's rows, gives what the pair says."""
    database = sqlite3.connect(tmp_path / "original.db")
    database.execute("CREATE TABLE small (id, session_id, created_at, agent, tool, arguments, response)")
    for line in small_log.read_text(encoding="utf-8").splitlines():
        row = msgspec.json.decode(line)
        values = [json_text(row[name]) for name in ("id", "session_id", "created_at", "agent", "tool", "arguments", "response")]
        database.execute("INSERT INTO small VALUES (?, ?, ?, ?, ?, ?, ?)", values)
    asked = 0
    for pair in pairs_in(store, "aggregation", "state_change", "temporal", "composition"):
        result = trajc("show", pair.id, "--sql", "sqlite")
        if result.code:
            assert "as SQL: " in result.err
            continue
        if "<" in pair.answer:
            assert "redacted" in result.out.splitlines()[1]
            continue
        found = database.execute(result.out).fetchall()
        assert " -> ".join(str(canonical(value)) for value in found[0]) == pair.answer, result.out
        asked += 1
    assert asked >= 3


def test_show_sql_takes_the_columns_that_the_compile_run_noted(trajc: Trajc, small_log: Path) -> None:
    """A log that was read with columns named by the user is asked by these names, in the table that the user names."""
    trajc("compile", small_log, "--workers", 1, "--families", "aggregation", "--source-name", "ops")
    pair = pairs_in(Path(".trajc/store.db"))[0]
    query = trajc("show", pair.id, "--sql", "postgres", "--table", "audit.log", "--column", "tool=what").out
    assert 'FROM "audit"."log"' in query
    assert '"what" AS tool' in query
    assert 'FROM "ops"' in trajc("show", pair.id, "--sql", "sqlite").out


def test_an_ambiguous_or_unknown_id_is_a_sentence(trajc: Trajc, store: Path) -> None:
    """No pair, or several, with such a beginning: exit 2 and what to type instead."""
    assert "List some ids with: trajc sample" in trajc("show", "zzzz", "--store", store).err
    assert trajc("show", "").code == 2


def test_export_writes_records_and_a_manifest(trajc: Trajc, store: Path, tmp_path: Path) -> None:
    """A file and its manifest; a second time only with --force; to stdout without either."""
    result = trajc("export", "--output", "pairs.jsonl")
    lines = (tmp_path / "pairs.jsonl").read_text(encoding="utf-8").splitlines()
    assert result.code == 0
    assert len(lines) == len(pairs_in(store))
    assert set(msgspec.json.decode(lines[0])) >= RECORD
    assert (tmp_path / "pairs.jsonl.manifest.json").exists()
    refused = trajc("export", "--output", "pairs.jsonl")
    assert refused.code == 2
    assert "--force" in refused.err
    manifest = msgspec.json.decode(trajc("export", "--output", "pairs.jsonl", "--force", "--json").out)
    assert manifest["records"] == len(lines)
    assert trajc("export").out.splitlines() == lines


@pytest.mark.parametrize("name", ["jsonl", "inspect", "acc", "chat"])
def test_every_format_and_context_is_written(trajc: Trajc, store: Path, tmp_path: Path, name: str) -> None:
    """Each format with a budget of tokens; what does not fit is said on stderr."""
    result = trajc("export", "--format", name, "--context", "2k", "--output", f"{name}.jsonl", "--store", store)
    assert result.code == 0, result.err
    assert (tmp_path / f"{name}.jsonl").stat().st_size > 0
    assert "context 2k" in result.out


def test_terminal_codes_of_a_log_are_shown_not_obeyed() -> None:
    """Escape sequences, bells and marks that turn the reading order come out as visible signs; line breaks stay."""
    assert printable("a\x1b[31mb\x07\x9b2J\u202ec\nd\te") == "a␛[31mb␇\ufffd2J\ufffdc\nd\te"
