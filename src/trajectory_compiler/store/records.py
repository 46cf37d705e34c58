"""What goes into the store and comes out of it, beside the types of `model`.

SessionResult      one compiled session on its way in: trajectory, pairs, drops
StageResult        what a later stage made of a stored session: pairs written by a model
StoredSession      a session that the store holds, without its turns
PackedTrajectory   a trajectory already encoded, so that a worker process sends bytes instead of objects
BlockedSession     a session of which nothing may pass
KnownIn            where a subject stands, by its keyed hashes
StoredPolicy       the rules that a session was redacted by
PairQuery          which pairs to read, and in which order
Review             what a person decided about a pair
Run                one invocation, as the store remembers it
Action             who did what with the store's content
PairFacts, Drop    figures: one line per pair, one line per reason
"""

from __future__ import annotations

from typing import Literal

import msgspec

from trajectory_compiler.model import AnswerType, Family, Finding, Pair, State, Trajectory
from trajectory_compiler.redaction.identities import IdentityHash

RunStatus = Literal["running", "done", "failed", "interrupted"]
Verdict = Literal["accept", "reject", "skip", "edit"]
SHOWN_STATES: tuple[State, ...] = ("proved", "tested", "reviewed")


class PackedTrajectory(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted trajectory as the store keeps it. Only `codec.pack` makes one, from a `Trajectory`.

    `calls` holds (agent, tool) of each turn, `watermark` the stamp of the last turn that has one.
    """

    source: str
    session_id: str
    digest: str
    raw_digest: str
    policy_hash: str
    watermark: str | None
    calls: tuple[tuple[str, str], ...]
    content: bytes


class SessionResult(msgspec.Struct, frozen=True, kw_only=True):
    """All that compiling one session gave. Saving it replaces what the store held of the session before.

    `identities` are keyed hashes of what redaction found, `key_id` names the key.
    """

    run_id: str
    trajectory: Trajectory | PackedTrajectory
    compile_key: str
    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...] = ()
    identities: tuple[IdentityHash, ...] = ()
    key_id: str = ""


class StageResult(msgspec.Struct, frozen=True, kw_only=True):
    """What a stage after the dataflow compiler made of one stored session, in place of what it had made before.

    `origin` names stage and model as its pairs do. `failed` says that the session must be tried again; what there is, is kept.
    """

    run_id: str
    trajectory: Trajectory
    stage: str
    origin: str
    key: str
    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...] = ()
    failed: bool = False


class StoredSession(msgspec.Struct, frozen=True, kw_only=True):
    """A compiled session as the store lists it; `digest` leads to its trajectory, `raw_digest` names its rows."""

    session_id: str
    digest: str
    raw_digest: str
    turns: int


class BlockedSession(msgspec.Struct, frozen=True, kw_only=True):
    """A session that could not be redacted: its digests, so that it is not tried again until it changes, and the reason."""

    run_id: str
    source: str
    session_id: str
    raw_digest: str
    compile_key: str
    findings: tuple[Finding, ...]


class KnownIn(msgspec.Struct, frozen=True, kw_only=True):
    """A session in which a subject was found, and under which pseudonyms."""

    source: str
    session_id: str
    names: tuple[str, ...]


class StoredPolicy(msgspec.Struct, frozen=True, kw_only=True):
    """A policy as the store keeps it. `content` is the whole policy as JSON; `reason` says why nothing was redacted."""

    hash: str
    name: str
    reason: str
    content: bytes


class PairQuery(msgspec.Struct, frozen=True, kw_only=True):
    """Which pairs to read. An empty tuple means any; `states` defaults to those that may be shown as results.

    Without a seed pairs come ordered by source, session and id. With one they come in a random order that is the same on
    any machine, and `limit` draws a sample.
    """

    states: tuple[State, ...] = SHOWN_STATES
    qa_types: tuple[Family, ...] = ()
    splits: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    source: str | None = None
    session: str | None = None
    limit: int | None = None
    seed: int | None = None


class Review(msgspec.Struct, frozen=True, kw_only=True):
    """A person's decision about one pair. A skip is remembered and changes nothing."""

    pair_id: str
    reviewer: str
    verdict: Verdict
    reason: str
    created_at: str


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """One invocation that wrote to the store. `options` is JSON, `totals` counts what it did."""

    id: str
    kind: str
    source: str
    options: str
    compiler_version: str
    status: RunStatus
    started_at: str
    finished_at: str | None
    totals: dict[str, int]


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """Who did what: `kind` such as `export`, `target` a file or a name, `detail` counts and digests."""

    kind: str
    actor: str
    target: str
    detail: dict[str, str]
    created_at: str


class PairFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The figures of one pair without its text: what statistics are made of.

    `session_turns` is the length of the session that it was proved on; `agents` and `tools` are those of its supporting turns.
    """

    id: str
    source: str
    session_id: str
    qa_type: Family
    answer_type: AnswerType
    origin: str
    state: State
    split: str
    hops: int
    width: int
    span_turns: int
    session_turns: int
    guess_rate: float
    agents: tuple[str, ...]
    tools: tuple[str, ...]


class Drop(msgspec.Struct, frozen=True, kw_only=True):
    """How much was dropped at a stage for one reason, over how many sessions."""

    stage: str
    reason: str
    count: int
    sessions: int


class Totals(msgspec.Struct, frozen=True, kw_only=True):
    """What the store holds: sessions and their turns by state of the session, pairs by their state."""

    sessions: dict[str, int]
    turns: int
    pairs: dict[str, int]
    reviews: int
