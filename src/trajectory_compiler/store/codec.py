"""Trajectories and pairs as bytes and rows, each with the version of its format.

A trajectory is one zstd frame over the JSON object `{"format": 1, "trajectory": {...}}`. A pair is one row of `pairs` and one
of `proofs`: scalars in columns, lists as JSON text, the program byte for byte as it was given, since its id is made from it.
"""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec
import zstandard

from trajectory_compiler.errors import StoreError
from trajectory_compiler.model import Evidence, Pair, Proof, Trajectory
from trajectory_compiler.store.records import PackedTrajectory

TRAJECTORY_FORMAT = 1
PAIR_FORMAT = 1
ZSTD_LEVEL = 3  # higher levels cost several times the compile itself and save a tenth of the bytes
UPGRADE = "Upgrade trajectory-compiler"
T = TypeVar("T")

PAIR_COLUMNS = (
    "id, format, source, session_id, trajectory_digest, qa_type, origin, state, split, question, answer, answer_type, "
    "reasoning, program, evidence, supporting_turns, row_ids, withheld_turns, context_end, hops, width, span_turns, checker"
)
PROOF_COLUMNS = "gates, read_set, supporting, guess_rate, reasons"


class Envelope(msgspec.Struct, frozen=True):
    """A trajectory beside its format, read in two steps so that a newer format is named and not misread."""

    format: int
    trajectory: msgspec.Raw


def json_of(value: Any) -> str:
    """Return compact JSON text for a column."""
    return msgspec.json.encode(value).decode()


def pack(trajectory: Trajectory) -> PackedTrajectory:
    """Encode a trajectory for the store; a worker process does this, so that the writing process only writes.

    Raises: StoreError: a text of the session has no UTF-8 form, or it is nested too deeply to be written as JSON.
    Cost: about 300 MB/s of JSON on one core.
    """
    try:
        raw = msgspec.json.encode(trajectory)
        data = msgspec.json.encode(Envelope(format=TRAJECTORY_FORMAT, trajectory=msgspec.Raw(raw)))
    except (UnicodeEncodeError, RecursionError) as error:
        raise StoreError(
            f"save session '{_safe(trajectory.session_id)}'",
            f"its content cannot be written as JSON ({type(error).__name__})",
            "Leave the session out, or correct the log.",
        ) from error
    stamps = [turn.created_at for turn in trajectory.turns if turn.created_at is not None]
    return PackedTrajectory(
        source=trajectory.source,
        session_id=trajectory.session_id,
        digest=trajectory.digest,
        raw_digest=trajectory.raw_digest,
        policy_hash=trajectory.policy_hash,
        watermark=max(stamps, default=None),
        calls=tuple((turn.agent, turn.tool) for turn in trajectory.turns),
        content=zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(data),
    )


def unpack(content: bytes, digest: str) -> Trajectory:
    """Read a packed trajectory. Raises StoreError for damaged bytes and for a format of a newer version."""
    goal = f"read trajectory '{digest}'"
    try:
        envelope = msgspec.json.decode(zstandard.ZstdDecompressor().decompress(content), type=Envelope)
    except (zstandard.ZstdError, msgspec.DecodeError) as error:
        raise _damaged(goal, error) from error
    if envelope.format != TRAJECTORY_FORMAT:
        raise StoreError(goal, f"it has format {envelope.format}, this program reads {TRAJECTORY_FORMAT}", f"{UPGRADE}.")
    return _decoded(envelope.trajectory, Trajectory, goal)


def pair_values(pair: Pair, checker: str) -> tuple[object, ...]:
    """Return the values of `PAIR_COLUMNS` for a pair."""
    return (
        pair.id,
        PAIR_FORMAT,
        pair.source,
        pair.session_id,
        pair.trajectory_digest,
        pair.qa_type,
        pair.origin,
        pair.state,
        pair.split,
        pair.question,
        pair.answer,
        pair.answer_type,
        pair.reasoning,
        None if pair.program is None else bytes(pair.program).decode(),
        json_of(pair.evidence),
        json_of(pair.supporting_turns),
        json_of(pair.row_ids),
        json_of(pair.withheld_turns),
        pair.context_end,
        pair.hops,
        pair.width,
        pair.span_turns,
        checker,
    )


def proof_values(proof: Proof) -> tuple[object, ...]:
    """Return the values of `PROOF_COLUMNS` for a proof."""
    return (
        json_of(proof.gates),
        json_of(proof.read_set),
        json_of(proof.supporting),
        proof.guess_rate,
        json_of(proof.reasons),
    )


def pair_of(row: tuple[Any, ...]) -> Pair:
    """Make a pair from the values of `PAIR_COLUMNS` and `PROOF_COLUMNS`. Raises StoreError for a row that is no pair."""
    goal = f"read pair '{row[0]}'"
    if row[1] != PAIR_FORMAT:
        raise StoreError(goal, f"it has format {row[1]}, this program reads {PAIR_FORMAT}", f"{UPGRADE}.")
    return Pair(
        id=row[0],
        source=row[2],
        session_id=row[3],
        trajectory_digest=row[4],
        qa_type=row[5],
        origin=row[6],
        state=row[7],
        split=row[8],
        question=row[9],
        answer=row[10],
        answer_type=row[11],
        reasoning=row[12],
        program=None if row[13] is None else msgspec.Raw(row[13].encode()),
        evidence=_decoded(row[14], tuple[Evidence, ...], goal),
        supporting_turns=_decoded(row[15], tuple[int, ...], goal),
        row_ids=_decoded(row[16], tuple[str, ...], goal),
        withheld_turns=_decoded(row[17], tuple[int, ...], goal),
        context_end=row[18],
        hops=row[19],
        width=row[20],
        span_turns=row[21],
        proof=Proof(
            gates=_decoded(row[23], dict[str, bool | None], goal),
            read_set=_decoded(row[24], tuple[int, ...], goal),
            supporting=_decoded(row[25], tuple[int, ...], goal),
            guess_rate=row[26],
            reasons=_decoded(row[27], tuple[str, ...], goal),
        ),
    )


def decoded_strings(text: str) -> tuple[str, ...]:
    """Read a JSON list of strings out of a column."""
    return _decoded(text, tuple[str, ...], "read the store")


def decoded_counts(text: str) -> dict[str, int]:
    """Read a JSON object of counts out of a column."""
    return _decoded(text, dict[str, int], "read the store")


def _decoded(data: str | msgspec.Raw, kind: type[T], goal: str) -> T:
    try:
        return msgspec.json.decode(data, type=kind)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _damaged(goal, error) from error


def _damaged(goal: str, error: Exception) -> StoreError:
    return StoreError(goal, f"its stored form is damaged ({type(error).__name__})", "Compile its session again.")


def _safe(identifier: str) -> str:
    return identifier.encode("utf-8", "backslashreplace").decode()
