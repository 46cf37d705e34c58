"""`verify` and `audit`: the checker's judgement and a person's."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec
import pytest

from tests.cli.conftest import Trajc
from trajectory_compiler.cli.audit import AuditReport
from trajectory_compiler.cli.bound import at_most, upper_bound
from trajectory_compiler.cli.verifying import CHECKS, VerifyReport
from trajectory_compiler.store import PairQuery, Store


def change(store: Path, statement: str, *parameters: object) -> None:
    """Edit a store by hand, as a careless or a dishonest person would."""
    with sqlite3.connect(store) as database:
        assert database.execute(statement, parameters).rowcount > 0
    database.close()


def verified(trajc: Trajc, code: int) -> VerifyReport:
    """Run `verify --json`, expect its exit code and return its report."""
    result = trajc("verify", "--json")
    assert result.code == code, result.out + result.err
    return msgspec.json.decode(result.out, type=VerifyReport)


def test_a_store_as_it_was_compiled_is_sound(trajc: Trajc, store: Path) -> None:
    """Every stored pair is proved again, by type and gate, and the store's bytes stay as they were."""
    before = store.read_bytes()
    report = verified(trajc, 0)
    assert report.sound
    assert report.proved == report.pairs == sum(count.pairs for count in report.by_type.values()) > 0
    text = trajc("verify")
    assert text.code == 0
    assert f"{report.pairs} of {report.pairs} pairs proved again." in text.out
    assert all(f"\n{check} " in text.out for check in CHECKS)
    assert store.read_bytes() == before


def test_the_number_of_processes_changes_nothing(trajc: Trajc, store: Path) -> None:
    """One process or two: the same document, what fell included."""
    change(store, "UPDATE pairs SET answer = answer || '0' WHERE qa_type = 'aggregation'")
    one, two = (trajc("verify", "--json", "--workers", workers, "--store", store) for workers in (1, 2))
    assert one == two
    assert one.code == 1


@pytest.mark.parametrize(
    ("statement", "check"),
    [
        ("UPDATE pairs SET answer = 'something else' WHERE id = ?", "holds"),
        ("UPDATE pairs SET question = question || ' It is ' || answer || '.' WHERE id = ?", "unleaked"),
        ('UPDATE pairs SET row_ids = \'["r1","r2"]\' WHERE id = ?', "record"),
        ("UPDATE pairs SET program = '{\"version\":1}' WHERE id = ?", "record"),
        ("UPDATE pairs SET qa_type = 'walk' WHERE id = ?", "record"),
    ],
)
def test_a_pair_that_was_changed_falls(trajc: Trajc, store: Path, statement: str, check: str) -> None:
    """One changed pair makes the exit code 1, and is named with the check that it fails."""
    with Store.open(store, read_only=True) as opened:
        pair = next(iter(opened.pairs(PairQuery(qa_types=("state_change",)))))
    change(store, statement, pair.id)
    report = verified(trajc, 1)
    assert [fallen.id for fallen in report.fallen] == [pair.id]
    assert check in report.fallen[0].failed
    assert f"fell: {pair.id[:12]}" in trajc("verify").out


def test_a_changed_session_is_found(trajc: Trajc, store: Path) -> None:
    """Bytes of a stored session that do not read any more make its pairs fall, and the run goes on to the rest."""
    change(store, "UPDATE trajectories SET content = zeroblob(20) WHERE digest = (SELECT min(trajectory_digest) FROM pairs)")
    report = verified(trajc, 1)
    assert 0 < len(report.fallen) < report.pairs
    assert {fallen.failed for fallen in report.fallen} == {("record",)}


def audited(trajc: Trajc, keys: str, *options: object) -> AuditReport:
    """Run `audit --json` on lines of keys and return its report."""
    result = trajc("audit", "--json", *options, stdin=keys)
    assert result.code == 0, result.err
    return msgspec.json.decode(result.out, type=AuditReport)


def test_decisions_are_counted_stored_and_not_asked_again(trajc: Trajc, store: Path) -> None:
    """Accept, reject with a reason and skip: the rate counts the judged ones; judged pairs do not come back."""
    report = audited(trajc, "\na\n\nr\nreads badly\n\ns\nq\n", "--reviewer", "ann")
    assert (report.accepted, report.rejected, report.skipped, report.error_rate) == (1, 1, 1, 0.5)
    with Store.open(store, read_only=True) as opened:
        states = opened.totals()
        pairs = list(opened.pairs(PairQuery(states=("reviewed", "rejected"))))
        reasons = [(review.reviewer, review.verdict, review.reason) for pair in pairs for review in opened.reviews(pair.id)]
    assert states.reviews == 3
    assert sorted(reasons) == [("ann", "accept", ""), ("ann", "reject", "reads badly")]
    shown = trajc("audit", "-n", 50, stdin="q\n").out
    assert all(pair.question not in shown for pair in pairs)


def test_the_question_comes_before_the_answer(trajc: Trajc, store: Path) -> None:
    """Quitting at the question shows neither answer nor evidence, and stores nothing."""
    shown = trajc("audit", stdin="q\n").out
    assert "\nQ  " in shown
    assert "\nA  " not in shown
    assert "arguments:" not in shown
    assert shown.rstrip().endswith("nothing is known about the error rate.")
    with Store.open(store, read_only=True) as opened:
        assert opened.totals().reviews == 0


def test_a_wrong_key_is_asked_again_and_an_end_of_input_ends_the_audit(trajc: Trajc, store: Path) -> None:
    """Only a, r, s and q decide; when the input ends what was decided stays."""
    report = audited(trajc, "\nx\nwhat\na\n\n", "--store", store)
    assert (report.accepted, report.rejected, report.skipped) == (1, 0, 0)
    assert report.error_rate_upper_95 == 0.95


def test_an_audit_ends_with_the_bound_in_words(trajc: Trajc, store: Path) -> None:
    """The last line gives the rate and what it is at most."""
    shown = trajc("audit", "-n", 3, "--store", store, stdin="\na\n" * 3).out
    assert shown.rstrip().endswith("0 of 3 pairs rejected: error rate 0.0%, with 95% confidence at most 63.2%.")


def test_nothing_to_judge_is_a_sentence(trajc: Trajc, store: Path) -> None:
    """When every pair has been judged, or there is none of a kind, the audit says so."""
    result = trajc("audit", "--qa-type", "walk", "--store", store)
    assert result.code == 2
    assert "no pair is left to judge" in result.err


@pytest.mark.parametrize(
    ("errors", "trials", "expected"),
    # One-sided 95% bounds: 0 of n has the closed form 1 - 0.05 ** (1 / n); the others are published table values.
    [
        (0, 1, 0.95),
        (0, 30, 0.0950),
        (0, 60, 0.0487),
        (1, 30, 0.1486),
        (2, 30, 0.1953),
        (1, 10, 0.3942),
        (5, 10, 0.7776),
        (30, 30, 1.0),
    ],
)
def test_the_bound_is_clopper_and_pearsons(errors: int, trials: int, expected: float) -> None:
    """At the bound so few errors have a chance of exactly 5%."""
    bound = upper_bound(errors, trials)
    assert bound == pytest.approx(expected, abs=5e-4)
    if errors < trials:
        assert at_most(errors, trials, bound) == pytest.approx(0.05, abs=1e-9)


def test_nothing_judged_bounds_nothing() -> None:
    """Without a trial the rate may be anything."""
    assert upper_bound(0, 0) == 1.0
