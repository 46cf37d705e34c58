"""What people decide about pairs, and which of their decisions still hold after a session was compiled again.

A decision is about a text. A rejection holds as long as the question reads the same: whoever called it unnatural does not
want it back because a count in its answer moved. An acceptance holds as long as question and answer are the same.
A person may reject anything and cannot accept past an exact gate.
"""

from __future__ import annotations

import msgspec

from trajectory_compiler.errors import InputError
from trajectory_compiler.model import GATES, Pair, State, short_hash
from trajectory_compiler.store.database import Database
from trajectory_compiler.store.records import Review

SAVE_REVIEW = (
    "INSERT INTO reviews (id, pair_id, number, reviewer, verdict, reason, question_hash, answer_hash, created_at) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (id) DO NOTHING"
)
LAST_DECISION = (
    "SELECT verdict, question_hash, answer_hash FROM reviews WHERE pair_id = ? AND verdict <> 'skip' "
    "ORDER BY number DESC LIMIT 1"
)
REVIEWABLE: frozenset[State] = frozenset({"proved", "tested", "reviewed"})


def add_review(database: Database, pair: Pair, review: Review) -> State:
    """Store a review inside the caller's transaction and return the pair's state after it.

    Raises: InputError: the review accepts a pair that failed a gate which is decided exactly, or that was superseded.
    """
    if review.verdict == "accept":
        _refuse_past_gates(pair)
    row = database.row("SELECT max(number) FROM reviews WHERE pair_id = ?", (pair.id,))
    number = 1 + ((row[0] if row else None) or 0)
    identity = short_hash("review", pair.id, review.reviewer, review.verdict, review.reason, review.created_at)
    seen = (short_hash(pair.question), short_hash(pair.answer))
    values = (identity, pair.id, number, review.reviewer, review.verdict, review.reason, *seen, review.created_at)
    database.execute(SAVE_REVIEW, values)
    state = _state_after(review, pair.state)
    if state != pair.state:
        database.execute("UPDATE pairs SET state = ?, updated_at = ? WHERE id = ?", (state, review.created_at, pair.id))
    return state


def reviewed_state(database: Database, pair: Pair) -> Pair:
    """Return a newly compiled pair in the state that the last decision about it gives, where that decision still holds."""
    row = database.row(LAST_DECISION, (pair.id,))
    if row is None:
        return pair
    verdict, question, answer = row
    if verdict == "reject" and question == short_hash(pair.question):
        return msgspec.structs.replace(pair, state="rejected")
    same = question == short_hash(pair.question) and answer == short_hash(pair.answer)
    if verdict == "accept" and same and pair.state in REVIEWABLE:
        return msgspec.structs.replace(pair, state="reviewed")
    return pair


def reviews(database: Database, pair_id: str) -> tuple[Review, ...]:
    """Return all reviews of a pair, oldest first."""
    rows = database.rows(
        "SELECT pair_id, reviewer, verdict, reason, created_at FROM reviews WHERE pair_id = ? ORDER BY number", (pair_id,)
    )
    return tuple(Review(pair_id=row[0], reviewer=row[1], verdict=row[2], reason=row[3], created_at=row[4]) for row in rows)


def _state_after(review: Review, state: State) -> State:
    if review.verdict == "accept":
        return "reviewed"
    if review.verdict == "reject" and state != "superseded":
        return "rejected"
    return state


def _refuse_past_gates(pair: Pair) -> None:
    goal = f"accept pair '{pair.id}'"
    if pair.state == "superseded":
        raise InputError(goal, "it was superseded by a later compilation of its session", "Review a pair that is current.")
    decided = GATES if pair.program is not None else ("holds",)  # prose: only its quotes are decided exactly
    failed = [gate for gate in decided if pair.proof.gates.get(gate, False) is False]
    if failed:
        raise InputError(
            goal, f"the gate '{failed[0]}' is false", "Reject it or skip it: a gate that is exact is not outvoted."
        )
