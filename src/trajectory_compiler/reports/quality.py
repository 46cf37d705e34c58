"""The quality report: aggregate figures only, to compare with another team's without sharing data.

Every count is rounded and small ones are hidden (`suppression.py`); every word is one of this program's own (`vocabulary.py`).
The types are the format: `trajc report quality --schema` prints their JSON Schema.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from trajectory_compiler.errors import InputError
from trajectory_compiler.reports.suppression import Table

FORMAT = "trajc-quality-report"
FORMAT_VERSION = 1
Checker = Literal["exact", "reader"]


class Yield(msgspec.Struct, frozen=True, kw_only=True):
    """What the log gave. `shown` are pairs that count as results, by state; `held_back` those that do not (yet, or any more).

    The rates are made of the rounded counts.
    """

    sessions: Table
    turns: int | None
    session_lengths: Table
    sessions_with_pairs: int | None
    share_of_sessions_with_pairs: float | None
    pairs_per_100_turns: float | None
    shown: Table
    held_back: Table


class StageFalls(msgspec.Struct, frozen=True, kw_only=True):
    """What was dropped at one stage, by reason. At the stage `proof` a candidate falls at the first gate that it fails."""

    stage: str
    reasons: Table


class GateOutcomes(msgspec.Struct, frozen=True, kw_only=True):
    """The outcomes of one gate over all proofs of a kind of checker: `passed`, `failed`, `not_tried`."""

    checker: Checker
    gate: str
    outcomes: Table


class Mix(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs that count as results, by each of their properties. `guess_rate` is the mean chance to guess, by type.

    `distance` is how many turns lie between first and last supporting turn, `span_share` that as a share of the session.
    """

    type: Table
    answer: Table
    origin: Table
    distance: Table
    span_share: Table
    hops: Table
    width: Table
    split: Table
    guess_rate: dict[str, float] = {}


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """One measured figure of a calibration, with its interval and the (rounded) number of cases where they are known."""

    name: str
    value: float
    low: float | None = None
    high: float | None = None
    cases: int | None = None


class ReaderCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """How well one reader tells good pairs from planted faults. Readers are numbered: their names stay with the team."""

    reader: str
    provider: str
    rates: tuple[Rate, ...]


class RedactionFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What redaction put in place of values, by kind (`OWN`: kinds of the team's own rules), and by which policies.

    `values` tells values apart within a session, `places` counts every occurrence. `policies` counts sessions.
    """

    values: Table
    places: Table
    policies: Table


class QualityReport(msgspec.Struct, frozen=True, kw_only=True):
    """Aggregate figures of one store. `suppressed_below` is the smallest count shown, and what counts are rounded to."""

    format: Literal["trajc-quality-report"] = "trajc-quality-report"
    version: Literal[1] = 1
    made_on: str
    program_version: str
    compiler_version: str
    suppressed_below: int
    gain: Yield = msgspec.field(name="yield")
    falls: tuple[StageFalls, ...]
    gates: tuple[GateOutcomes, ...]
    mix: Mix
    calibrations: tuple[ReaderCalibration, ...]
    redaction: RedactionFigures


def schema() -> dict[str, Any]:
    """Return the JSON Schema (2020-12) of a report."""
    made = msgspec.json.schema(QualityReport)
    head = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Quality report of trajectory-compiler, version 1",
    }
    return head | made


def read_report(data: bytes, name: str) -> QualityReport:
    """Read a report that `trajc report quality --json` wrote. Raises InputError where it is none, or of another version."""
    goal = f"read the quality report '{name}'"
    try:
        return msgspec.json.decode(data, type=QualityReport)
    except msgspec.ValidationError as error:
        if '"trajc-quality-report"' in data.decode("utf-8", "replace"):
            place = str(error).rpartition("`")[0].rpartition("`")[2]
            seen = f"what stands at {place or 'its top'} is not as version {FORMAT_VERSION} has it"
            raise InputError(goal, seen, "Make it again with the same version of trajc on both sides.") from None
        raise InputError(goal, "it is JSON of another kind", "Name a file that `trajc report quality --json` wrote.") from None
    except msgspec.DecodeError:
        raise InputError(goal, "it is not JSON", "Name a file that `trajc report quality --json` wrote.") from None
