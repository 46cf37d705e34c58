"""Erasure: an order chooses sessions, a plan says all that hangs on them, carrying it out leaves a tombstone.

    plan = plan_erasure(store, key, Order(kind="session", sessions=("s-41",), reason="request 2026-17", actor="officer"))
    done = carry_out(store, key, plan)

A legal hold on any of the sessions stops the whole order, unless it asks for the rest. Holds, calls and counts are looked at
again inside the transaction that deletes, where nobody else can write.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Literal

import msgspec

from trajectory_compiler.config import COMPILER_VERSION
from trajectory_compiler.errors import InputError
from trajectory_compiler.model import Turn
from trajectory_compiler.pipeline.find import find_subject, stands
from trajectory_compiler.redaction.identities import folded, key_id
from trajectory_compiler.redaction.keyfile import derive, keyed_hash
from trajectory_compiler.redaction.marks import name_mark, session_mark, subject_mark
from trajectory_compiler.store import Store
from trajectory_compiler.store.erasing import Reached, SessionKey
from trajectory_compiler.store.erasure import KnownSession, Marks, Tombstone
from trajectory_compiler.store.holds import SHORT, Hold

OrderKind = Literal["session", "agent", "before", "subject", "retention"]


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be erased and why. Of `sessions`, `agent`, `before` and `subjects` the one that `kind` names counts.

    `before` is an ISO date or stamp: sessions whose last row is older go; one without stamps is as old as its entry in the
    store. `except_held` erases the rest where sessions are held. `keep_backups` leaves older copies of the file alone.
    """

    kind: OrderKind
    sessions: tuple[str, ...] = ()
    agent: str = ""
    before: str = ""
    subjects: tuple[str, ...] = ()
    source: str | None = None
    reason: str = ""
    actor: str = ""
    except_held: bool = False
    keep_backups: bool = False


class Doomed(msgspec.Struct, frozen=True, kw_only=True):
    """A session that goes: its pairs, the digests of its stored forms, the ids of its rows, its agents."""

    source: str
    session_id: str
    state: str
    turns: int
    pairs: tuple[str, ...]
    digests: frozenset[str]
    rows: frozenset[str]
    agents: frozenset[str]

    @property
    def key(self) -> SessionKey:
        """The session as the store names it."""
        return SessionKey(self.source, self.session_id)


class Held(msgspec.Struct, frozen=True, kw_only=True):
    """A session that a legal hold keeps, and the holds."""

    source: str
    session_id: str
    holds: tuple[str, ...]


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """What carrying out an order deletes. `held` sessions stay; `held_sharers` of them share an answer with one that goes.

    `counts` are rows by table, and answers of models.
    """

    order: Order
    sessions: tuple[Doomed, ...]
    held: tuple[Held, ...]
    held_sharers: int
    counts: dict[str, int]
    data_sets: tuple[str, ...]
    mirrors: tuple[str, ...]
    backups: tuple[str, ...]

    @property
    def keys(self) -> tuple[SessionKey, ...]:
        """The sessions as the store names them."""
        return tuple(session.key for session in self.sessions)


def plan_erasure(store: Store, key: bytes, order: Order) -> Plan:
    """Find everything that an order reaches. Writes nothing.

    Raises: InputError: the reason names the subject, which is to be forgotten.
    """
    erasure = store.erasure
    _refuse_reason(order)
    holds = [hold for hold in erasure.holds() if hold.released_at is None]
    known = erasure.known()
    doomed = [_doomed(store, session) for session in _chosen(store, key, order)]
    held = _held(doomed, holds)
    kept = {(one.source, one.session_id) for one in held}
    going = tuple(one for one in doomed if one.key not in kept)
    reached = _calls(store, going)
    counts = erasure.counts([one.key for one in going]) | {"turns": sum(one.turns for one in going)}
    counts |= {"model_calls": len(reached.own), "cached_answers": reached.answers, "batched_calls": reached.under_way}
    leaves_backups = order.keep_backups or bool(holds) or not going  # a copy may hold what is held
    return Plan(
        order=order,
        sessions=going,
        held=held,
        held_sharers=len(_held([_doomed(store, known[place]) for place in reached.sharers if place in known], holds)),
        counts=counts,
        data_sets=erasure.data_sets([one.key for one in going]),
        mirrors=erasure.mirrors() if going else (),
        backups=() if leaves_backups else tuple(str(path) for path in erasure.backups()),
    )


def carry_out(store: Store, key: bytes, plan: Plan) -> Tombstone:
    """Delete what a plan names and return the tombstone. Holds the run lock; the rows go in one transaction, then the bytes.

    Raises: InputError: a hold keeps a session, or the store changed since the plan was made: nothing is deleted.
    StoreError: the rows are gone and the file could not be rebuilt; `trajc forget --finish` does it.
    """
    refuse_held(plan)
    with store.lock("erase sessions"):
        erasure = store.erasure
        run_id = store.begin_run("forget", plan.order.source or "", "{}", COMPILER_VERSION)
        tombstone = Tombstone(
            id=erasure.tombstone_id(run_id),
            kind=plan.order.kind,
            subject=order_mark(key, plan.order),
            reason=plan.order.reason,
            actor=plan.order.actor,
            counts=plan.counts,
            created_at="",
        )
        backups = tuple(path for path in erasure.backups() if str(path) in plan.backups)
        marks = Marks({place: session_mark(key, *place) for place in plan.keys}, key_id(key), backups)

        def check() -> tuple[Reached, Marks]:
            now = plan_erasure(store, key, plan.order)
            if _promised(now) != _promised(plan):
                raise InputError("erase", "the store changed while this was looked at", "Run the same command again.")
            return _calls(store, now.sessions), marks

        try:
            erasure.erase(plan.keys, run_id, tombstone, check)
        except BaseException as error:
            store.finish_run(run_id, "interrupted" if isinstance(error, KeyboardInterrupt) else "failed", {})
            raise
        store.finish_run(run_id, "done", plan.counts)
        erasure.clean()
    return next(one for one in store.erasure.tombstones() if one.id == tombstone.id)


def _promised(plan: Plan) -> object:
    """Return what somebody agreed to."""
    return plan.keys, plan.counts, plan.held, plan.held_sharers


def refuse_held(plan: Plan) -> None:
    """Raise InputError where a hold keeps a session and the order does not ask for the rest."""
    if plan.held and not plan.order.except_held:
        holds = sorted({hold[:SHORT] for one in plan.held for hold in one.holds})
        raise InputError(
            "erase",
            f"{len(plan.held)} of {len(plan.held) + len(plan.sessions)} sessions are under legal hold ({', '.join(holds)})",
            "Release the hold (trajc hold release ID), or erase the rest with --except-held.",
        )
    if plan.held_sharers:
        raise InputError(
            "erase",
            f"{plan.held_sharers} sessions under legal hold had the same answer of a model as a session that would go",
            "Release their hold first: trajc hold list",
        )


def order_mark(key: bytes, order: Order) -> str:
    """Return what a tombstone calls the subject of an order: a keyed mark, or the date that it went by."""
    if order.kind == "subject":
        return subject_mark(key, order.subjects)
    if order.kind == "session":
        return name_mark(key, "sessions", order.sessions)
    return name_mark(key, "agent", [order.agent]) if order.kind == "agent" else order.before


def _refuse_reason(order: Order) -> None:
    named = [text for name in (*order.subjects, *order.sessions) if (text := folded(name))]
    if any(stands(order.reason, text) for text in named):
        raise InputError("erase", "the reason names what is to be forgotten", "Refer to the request by its number instead.")


def _chosen(store: Store, key: bytes, order: Order) -> list[KnownSession]:
    known = store.erasure.known(order.source)
    if order.kind == "subject":
        found = {one.key for one in find_subject(store, key, order.subjects, order.source).sessions}
        return [session for place, session in known.items() if place in found]
    if order.kind == "session":
        # A blocked session whose id is personal is stored under a keyed hash of it.
        hidden = derive(key, "identifiers")
        wanted = {*order.sessions, *(keyed_hash(hidden, name)[:12] for name in order.sessions)}
        return [session for place, session in known.items() if place.session_id in wanted]
    if order.kind == "agent":
        acting = {SessionKey(t.source, t.session_id) for t in store.erasure.trajectories() if _acts(order.agent, t.turns)}
        return [session for place, session in known.items() if place in acting]
    return [session for session in known.values() if session.age < order.before]


def _acts(agent: str, turns: Iterable[Turn]) -> bool:
    return any(turn.agent == agent for turn in turns)


def _doomed(store: Store, session: KnownSession) -> Doomed:
    forms = list(store.erasure.trajectories(session.key))
    return Doomed(
        source=session.key.source,
        session_id=session.key.session_id,
        state=session.state,
        turns=session.turns,
        pairs=store.erasure.pair_ids(session.key),
        digests=frozenset(form.digest for form in forms),
        rows=frozenset(turn.row_id for form in forms for turn in form.turns),
        agents=frozenset(turn.agent for form in forms for turn in form.turns),
    )


def _held(doomed: Collection[Doomed], holds: Collection[Hold]) -> tuple[Held, ...]:
    """Return the sessions that one of some holds keeps."""
    found = []
    for one in doomed:
        reach = {"session": {one.session_id}, "source": {one.source}, "agent": one.agents}
        keeping = tuple(hold.id for hold in holds if hold.subject in reach[hold.kind])
        if keeping:
            found.append(Held(source=one.source, session_id=one.session_id, holds=keeping))
    return tuple(found)


def _calls(store: Store, going: Collection[Doomed]) -> Reached:
    pairs = frozenset(pair for one in going for pair in one.pairs)
    rows = frozenset(row for one in going for row in one.rows)
    return store.erasure.calls(frozenset(one.key for one in going), pairs, rows)
