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
    "Review",
    "Run",
    "SessionResult",
    "StageResult",
    "Store",
    "StoredCall",
    "StoredPolicy",
    "StoredSession",
    "Totals",
    "pack",
]
