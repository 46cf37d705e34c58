"""The store: runs, sessions, redacted trajectories, pairs, proofs, drops and reviews in one private file."""

from trajectory_compiler.store.calls import CostLine, CostsBy, StoredCall
from trajectory_compiler.store.codec import pack
from trajectory_compiler.store.records import (
    SHOWN_STATES,
    Action,
    BlockedSession,
    Drop,
    KnownIn,
    PackedTrajectory,
    PairFacts,
    PairQuery,
    Review,
    Run,
    SessionResult,
    StageResult,
    StoredPolicy,
    StoredSession,
    Totals,
)
from trajectory_compiler.store.store import DEFAULT_STORE, Store
from trajectory_compiler.store.verifying import ReadingResult, StoredCalibration, StoredReading

__all__ = [
    "DEFAULT_STORE",
    "SHOWN_STATES",
    "Action",
    "BlockedSession",
    "CostLine",
    "CostsBy",
    "Drop",
    "KnownIn",
    "PackedTrajectory",
    "PairFacts",
    "PairQuery",
    "ReadingResult",
    "Review",
    "Run",
    "SessionResult",
    "StageResult",
    "Store",
    "StoredCalibration",
    "StoredCall",
    "StoredPolicy",
    "StoredReading",
    "StoredSession",
    "Totals",
    "pack",
]
