"""The contexts of pairs of origin `acc`: results of calls in no order, some of them borrowed from other sessions of the log.

Only sessions of the pair's own split and policy lend: a training context must not show what the test split asks about, and
what one policy hides another may not show. A session without pairs lends nothing, since its split is not known. The lenders of
an export are named in its manifest, so that whoever erases a session finds the files that hold a piece of it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import NamedTuple, get_args

from trajectory_compiler.exports.request import Context
from trajectory_compiler.model import Pair, State, Trajectory, short_hash
from trajectory_compiler.store import PairQuery, Store, StoredSession
from trajectory_compiler.synthesis.acc_pieces import Piece, Room, assemble, pieces_of, supporting_of
from trajectory_compiler.synthesis.options import TokenCount

ASKED_TO_LEND = 256  # sessions for one context
LONGEST_LENDER = 2_000  # turns: a longer session is not read whole for a few pieces
REMEMBERED = 64  # lenders
Kept = Callable[[Trajectory], tuple[str, ...]]
Lends = Callable[[Trajectory, int], bool]


def _lends_all(trajectory: Trajectory, turn: int) -> bool:  # noqa: ARG001  # nothing is excluded
    return True


class Pieced(NamedTuple):
    """A context, the digests of the sessions that lent to it, and the texts in it that their policy keeps."""

    text: str
    lenders: tuple[str, ...]
    kept: tuple[str, ...]


class _Lender(NamedTuple):
    digest: str
    policy_hash: str
    pieces: tuple[Piece, ...]
    kept: tuple[str, ...]


class PieceContexts:
    """Contexts of one export. `kept` gives what the policy of a trajectory lets pass, `seed` fixes choice and order.

    `lends` says of a turn whether it may stand in a context at all.
    """

    def __init__(self, store: Store, kept: Kept, count: TokenCount, seed: int, lends: Lends = _lends_all) -> None:
        self._store, self._kept, self._count, self._seed, self._lends = store, kept, count, seed, lends
        self._rings: dict[tuple[str, str], tuple[StoredSession, ...]] = {}
        self._lenders: OrderedDict[str, _Lender] = OrderedDict()

    def context(self, pair: Pair, trajectory: Trajectory, context: Context) -> Pieced | None:
        """Return what an item of this pair shows, or None where its supporting pieces do not fit the budget."""
        own = self._pieces(trajectory, pair.context_end)
        if context.kind == "none":
            return Pieced("", (), ())
        if context.kind == "evidence":
            own = supporting_of(pair, own)
        lent: dict[str, _Lender] = {}
        others = self._others(pair, trajectory, lent) if context.kind == "budget" else iter(())
        room = Room(tokens=context.tokens if context.kind == "budget" else None, count=self._count, seed=self._seed)
        made = assemble(pair, own, others, room)
        if made is None:
            return None
        shown = {piece.session_id for piece in made.pieces}
        used = [lender for session, lender in lent.items() if session in shown]
        kept = tuple(dict.fromkeys(text for lender in used for text in lender.kept))
        return Pieced(made.text, tuple(lender.digest for lender in used), kept)

    def _pieces(self, trajectory: Trajectory, end: int | None = None) -> tuple[Piece, ...]:
        return tuple(piece for piece in pieces_of(trajectory, end) if self._lends(trajectory, piece.turn))

    def _others(self, pair: Pair, trajectory: Trajectory, lent: dict[str, _Lender]) -> Iterator[Sequence[Piece]]:
        """Yield the pieces of other sessions, from a place that pair and seed choose; note in `lent` who was asked."""
        ring = self._ring(pair.source, pair.split)
        start = int(short_hash("lend", str(self._seed), pair.id), 16) % max(1, len(ring))
        for session in islice((*ring[start:], *ring[:start]), ASKED_TO_LEND):
            if session.session_id == pair.session_id:
                continue
            lender = self._lender(session)
            if lender.policy_hash == trajectory.policy_hash:
                lent[session.session_id] = lender
                yield lender.pieces

    def _ring(self, source: str, split: str) -> tuple[StoredSession, ...]:
        """Return the sessions that may lend to pairs of a split, in the order of the seed."""
        if (source, split) not in self._rings:
            every = PairQuery(source=source, states=get_args(State), splits=(split,))
            known = {fact.session_id for fact in self._store.facts(every)}
            lending = [s for s in self._store.sessions(source) if s.session_id in known and s.turns <= LONGEST_LENDER]
            lending.sort(key=lambda session: short_hash("ring", str(self._seed), session.session_id))
            self._rings[source, split] = tuple(lending)
        return self._rings[source, split]

    def _lender(self, session: StoredSession) -> _Lender:
        digest = session.digest
        if digest not in self._lenders:
            trajectory = self._store.trajectory(digest)
            if len(self._lenders) >= REMEMBERED:
                self._lenders.popitem(last=False)
            self._lenders[digest] = _Lender(digest, trajectory.policy_hash, self._pieces(trajectory), self._kept(trajectory))
        self._lenders.move_to_end(digest)
        return self._lenders[digest]
