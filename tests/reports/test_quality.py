"""The quality report: figures, and not one name."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.reports.planted import SOURCE, WORD, calibrate, plant
from tests.store.samples import clock, pair, saved, session
from trajectory_compiler.errors import InputError
from trajectory_compiler.reports.compare import compare_page, compared
from trajectory_compiler.reports.counting import Made, quality_report
from trajectory_compiler.reports.quality import QualityReport, read_report, schema
from trajectory_compiler.reports.quality_page import quality_page
from trajectory_compiler.reports.suppression import Table, TableRow
from trajectory_compiler.store import Store

MADE = Made("2026-11-24", "0.0", 5)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """Return an open store full of the telling word."""
    with Store.open(tmp_path / "store.db", clock=clock) as opened:
        yield plant(opened)


@pytest.fixture
def report(store: Store) -> QualityReport:
    """Return its report."""
    return quality_report(store, MADE)


class Addresses(HTMLParser):
    """Collects whatever a page would load, and its scripts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note an element that loads or runs something."""
        self.found += [str(value) for name, value in attrs if name in ("href", "src", "xlink:href", "data", "action")]
        self.found += [tag] if tag in ("script", "iframe", "object", "img", "link") else []
        self.found += [name for name, _ in attrs if name.startswith("on")]


def test_the_word_is_in_the_store(store: Store) -> None:
    """Without this the next test could not fail."""
    held = " ".join(
        str(row)
        for table in ("pairs", "sessions", "findings", "calibrations", "policies", "runs")
        for row in store._database.rows(f"SELECT * FROM {table}")
    )
    assert held.casefold().count(WORD.casefold()) > 100


def test_no_name_from_outside_is_in_a_report(report: QualityReport) -> None:
    """Source, sessions, agents, tools, texts, reasons, policy, own kinds, reader, judge: not in JSON, pages or comparison."""
    outputs = [msgspec.json.encode(report).decode(), quality_page(report), compare_page(["A", "B"], [report, report])]
    outputs.append(msgspec.json.encode(compared([report, report])).decode())
    assert [text.casefold().count(WORD.casefold()) for text in outputs] == [0, 0, 0, 0]


def test_no_id_is_in_a_report(report: QualityReport) -> None:
    """Nothing in it looks like a hash."""
    assert re.findall(r"[0-9a-f]{16,}", msgspec.json.encode(report).decode()) == []


def test_it_counts_what_the_store_holds(report: QualityReport) -> None:
    """Eight sessions of twelve turns with three pairs each, rounded to fives."""
    assert report.gain.sessions == Table(rows=(TableRow("compiled", 10),), total=10)
    assert (report.gain.turns, report.gain.sessions_with_pairs, report.mix.type.total) == (95, 10, 25)
    assert report.gain.pairs_per_100_turns == pytest.approx(100 * 25 / 95, abs=0.001)
    assert report.mix.guess_rate == {"composition": 0.25}


def test_words_from_outside_are_counted_as_other(report: QualityReport) -> None:
    """An unknown stage or reason, a kind and a policy of the team's own are there, under a word of this program."""
    falls = {stage.stage: {row.name: row.count for row in stage.reasons.rows} for stage in report.falls}
    assert falls == {"proof": {"necessary": 70, "other": 50}, "other": {"too_few_turns": 50}}
    assert {row.name for row in report.redaction.values.rows} == {"EMAIL", "OWN"}
    assert report.redaction.policies.rows == (TableRow("own", 10),)


def test_a_calibration_of_any_form_is_shown(report: QualityReport) -> None:
    """Rates with their intervals and plain numbers come under their own names; one over three cases does not come at all."""
    (reader,) = report.calibrations
    rates: dict[str, Any] = {rate.name: (rate.value, rate.low, rate.high, rate.cases) for rate in reader.rates}
    assert (reader.reader, reader.provider) == ("reader 1", "local")
    assert rates["wrong_answer"] == (0.96, 0.9, 0.99, 80)
    assert rates["false_rejection"] == (0.02, None, None, 120)
    assert rates["kappa"] == (0.91, 0.8, 0.97, None)
    assert rates["answers"] == (1235, None, None, None)
    assert "near_miss" not in rates
    assert sorted(rates) == ["answers", "false_rejection", "kappa", "other", "wrong_answer"]


def test_a_damaged_form_of_calibration_is_nothing(store: Store, tmp_path: Path) -> None:
    """Lists, texts and nulls in the place of figures give no rates and no error."""
    calibrate(store, store.runs()[0].id, ["x", None, {"rate": "high"}], reader="openai:gpt")
    rates = {reader.provider: reader.rates for reader in quality_report(store, MADE).calibrations}
    assert rates["openai"] == ()
    assert rates["local"]


def test_it_follows_its_schema(report: QualityReport, root: Path) -> None:
    """The report validates, a changed one does not, and the schema that is shipped is the one of the types."""
    jsonschema = pytest.importorskip("jsonschema", reason="the package jsonschema is not installed")
    document, made = json.loads(msgspec.json.encode(report)), json.loads(msgspec.json.encode(schema()))
    jsonschema.validate(document, made, cls=jsonschema.Draft202012Validator)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document | {"falls": 3}, made, cls=jsonschema.Draft202012Validator)
    assert json.loads((root / "docs" / "quality-report.schema.json").read_text(encoding="utf-8")) == json.loads(
        msgspec.json.encode(schema())
    )


def test_it_is_read_back_as_it_was(report: QualityReport) -> None:
    """What one team writes the other reads."""
    assert read_report(msgspec.json.encode(report), "ours.json") == report


@pytest.mark.parametrize(
    ("data", "seen"),
    [(b"{", "not JSON"), (b'{"a": 1}', "of another kind"), (b'{"format": "trajc-quality-report", "version": 2}', "version 1")],
)
def test_another_file_is_refused(data: bytes, seen: str) -> None:
    """The sentence says what stands in the way and names the file."""
    with pytest.raises(InputError, match=seen) as error:
        read_report(data, "theirs.json")
    assert "theirs.json" in str(error.value)


def test_a_small_store_shows_nothing(tmp_path: Path) -> None:
    """Three sessions are too few for any figure, and the page says so instead of failing."""
    with Store.open(tmp_path / "small.db", clock=clock) as opened:
        for number in range(3):
            made = session(f"s-{number}")
            saved(opened, *(pair(made, place, (1, 4 + place)) for place in range(3)), trajectory=made)
        small = quality_report(opened, MADE)
    assert re.findall(r":\d", msgspec.json.encode(small).decode().replace('"version":1,', "").replace('below":5', "")) == []
    assert "Too little stands behind these figures" in quality_page(small)


def test_the_page_loads_nothing(report: QualityReport) -> None:
    """No script, no image, no address of any kind."""
    assert Addresses(quality_page(report)).found == []
    assert Addresses(compare_page(["<b>A</b>", "B"], [report, report])).found == []
    assert "&lt;b&gt;A" in compare_page(["<b>A</b>", "B"], [report, report])


def test_a_comparison_pairs_the_figures(store: Store, report: QualityReport) -> None:
    """Each figure of both reports stands in one line; what one does not show is null."""
    other = msgspec.structs.replace(report, mix=msgspec.structs.replace(report.mix, hops=Table()))
    lines = {(line.part, line.name): line.values for line in compared([report, other])}
    assert lines["hops", "2"] == (1.0, None)
    assert lines["type", "composition"] == (1.0, 1.0)
    assert lines["reader 1", "kappa"] == (0.91, 0.91)
    assert SOURCE not in str(lines)
