"""What readers said of pairs, and how far they can be trusted: proofs beside the exact one, and calibrations."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from trajectory_compiler.model import Proof, State, short_hash
from trajectory_compiler.store.codec import proof_values
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.saving import PROOF_FORMAT, SAVE_PROOF


class StoredReading(msgspec.Struct, frozen=True, kw_only=True):
    """What a checker that is no program found for one pair, with the pair's origin, state and session."""

    pair_id: str
    checker: str
    origin: str
    state: State
    source: str
    session_id: str
    gates: dict[str, bool | None]
    score: float | None
    reasons: tuple[str, ...]


class StoredCalibration(msgspec.Struct, frozen=True, kw_only=True):
    """A calibration as it is kept: `figures` is JSON."""

    reader: str
    judge: str
    key: str
    figures: str
    created_at: str


class ReadingResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one verification of a pair gave. `state` None leaves the pair as it is, and its own checker with it."""

    run_id: str
    pair_id: str
    checker: str
    proof: Proof
    score: float
    state: State | None


def save_reading(database: Database, result: ReadingResult, now: str) -> None:
    """Write a reader's proof in place of its last one, inside the caller's transaction.

    A person's decision outranks it: a pair that was reviewed or that a person rejected keeps its state.
    """
    values = (result.pair_id, result.checker, PROOF_FORMAT, *proof_values(result.proof), result.score, result.run_id, now)
    database.execute(SAVE_PROOF, values)
    if result.state is None or decided_by_a_person(database, result.pair_id):
        return
    database.execute(
        "UPDATE pairs SET state = ?, checker = ?, updated_at = ? WHERE id = ? AND state <> 'superseded' AND program IS NULL",
        (result.state, result.checker, now, result.pair_id),
    )


def decided_by_a_person(database: Database, pair_id: str) -> bool:
    """Say whether the last review of a pair, skips aside, accepted or rejected it."""
    query = "SELECT count(*) FROM reviews WHERE pair_id = ? AND verdict NOT IN ('skip', 'edit')"
    row = database.row(query, (pair_id,))
    return bool(row and row[0])


def readings(database: Database, checker: str | None = None) -> Iterator[StoredReading]:
    """Yield what readers found, of one checker where it is named, by pair."""
    where, parameters = ("f.checker = ?", (checker,)) if checker else ("f.checker LIKE 'reader:%'", ())
    query = (
        "SELECT f.pair_id, f.checker, p.origin, p.state, p.source, p.session_id, f.gates, f.score, f.reasons "
        f"FROM proofs f JOIN pairs p ON p.id = f.pair_id WHERE {where} ORDER BY f.pair_id, f.checker"
    )
    for row in database.rows(query, parameters):
        yield StoredReading(
            pair_id=row[0],
            checker=row[1],
            origin=row[2],
            state=row[3],
            source=row[4],
            session_id=row[5],
            gates=msgspec.json.decode(row[6], type=dict[str, bool | None]),
            score=row[7],
            reasons=msgspec.json.decode(row[8], type=tuple[str, ...]),
        )


def save_calibration(database: Database, run_id: str, found: StoredCalibration) -> None:
    """Write a calibration; earlier ones are kept, the newest one counts."""
    identity = short_hash("calibration", found.reader, found.key, found.created_at, run_id)
    database.execute(
        "INSERT INTO calibrations (id, reader, judge, key, figures, run_id, created_at) VALUES (?, ?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (id) DO NOTHING",
        (identity, found.reader, found.judge, found.key, found.figures, run_id, found.created_at),
    )


def calibrations(database: Database) -> tuple[StoredCalibration, ...]:
    """Return all calibrations, oldest first."""
    rows = database.rows("SELECT reader, judge, key, figures, created_at FROM calibrations ORDER BY created_at, id")
    return tuple(StoredCalibration(reader=row[0], judge=row[1], key=row[2], figures=row[3], created_at=row[4]) for row in rows)
