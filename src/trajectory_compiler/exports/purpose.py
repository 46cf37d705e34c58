"""The purpose at the door: what is excluded never leaves, and what the agent's model wrote leaves only where it may.

Excluded sessions give no pair and lend no piece. Turns of excluded agents and tools are in no context; a pair that needs one of
them, whose question or answer was made of it, is left out and counted. With `observations_only` the same holds for what the
agent said and thought: thinking turns are hidden, messages keep what the user said. The arguments of tool calls stay: they are
what was done, and without them no call could be told from another.

Exclusions are those of the config now and of the last run that compiled the source: leaving one out takes both.
"""

from __future__ import annotations

from fnmatch import fnmatchcase

import msgspec

from trajectory_compiler.config import PurposeOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.exports.context import NO_VEIL, Veil
from trajectory_compiler.exports.request import ExportFormat
from trajectory_compiler.model import Pair, Trajectory, Turn
from trajectory_compiler.store import Store

EXCLUDED_SESSION = "the session is excluded by the purpose"
EXCLUDED_TURN = "it needs a turn of an excluded agent or tool"
MODEL_WRITTEN = "it needs what the agent said or thought, and observations only were asked for"
TRAINING_FORMATS: tuple[ExportFormat, ...] = ("chat",)
COMPILING = ("compile", "sync")


class _Stored(msgspec.Struct, frozen=True):
    """What the options of a stored run say of the purpose; older runs say nothing."""

    purpose: PurposeOptions = PurposeOptions()


class Door:
    """Decides, pair by pair, what may leave in one export."""

    def __init__(self, store: Store, now: PurposeOptions, *, observations_only: bool) -> None:
        self._now = now
        self._observations_only = observations_only
        self._of_source = purposes_of(store)
        self._veils: tuple[str, Veil] = ("", NO_VEIL)

    def refuse_use(self, form: ExportFormat, sources: frozenset[str]) -> None:
        """Raise OptionError where a format that trains is asked for and the purpose is evaluation."""
        stated = [self._now, *(self._of_source[source] for source in sources if source in self._of_source)]
        if form in TRAINING_FORMATS and any(purpose.use == "evaluation" for purpose in stated):
            raise OptionError(
                f"export the format '{form}'",
                "it is for training, and the purpose of these pairs is evaluation",
                "Choose another --format, or change `use` in the table [purpose] and compile again.",
            )

    def lets_session(self, source: str, session_id: str) -> bool:
        """Say whether anything of a session may leave."""
        return not any(_matches(session_id, one.exclude_sessions) for one in self._purposes(source))

    def veil(self, trajectory: Trajectory) -> Veil:
        """Return what of a session is never shown. The last one is remembered: pairs come session by session."""
        if self._veils[0] != trajectory.digest:
            hidden = {turn.index for turn in trajectory.turns if self._excludes(trajectory.source, turn)}
            muted: set[int] = set()
            if self._observations_only:
                hidden |= {turn.index for turn in trajectory.turns if turn.kind == "thinking"}
                muted = {turn.index for turn in trajectory.turns if turn.kind == "exchange"} - hidden
            self._veils = (trajectory.digest, Veil(frozenset(hidden), frozenset(muted)))
        return self._veils[1]

    def reason_against(self, pair: Pair, trajectory: Trajectory) -> str | None:
        """Return why a pair may not leave, or None: it needs the turns that support it, are quoted, or read by its program."""
        if not self.lets_session(pair.source, pair.session_id):
            return EXCLUDED_SESSION
        veil = self.veil(trajectory)
        needed = {*pair.supporting_turns, *pair.proof.read_set, *(quote.turn for quote in pair.evidence)}
        if any(self._excludes(trajectory.source, trajectory.turns[turn]) for turn in needed if turn < len(trajectory.turns)):
            return EXCLUDED_TURN
        quoted = any(quote.turn in veil.muted and quote.path.startswith("/arguments") for quote in pair.evidence)
        # A program may look at the arguments of a message without quoting them.
        read = pair.program is not None and not veil.muted.isdisjoint(pair.proof.read_set)
        return MODEL_WRITTEN if quoted or read or not veil.hidden.isdisjoint(needed) else None

    def lends(self, trajectory: Trajectory, turn: int) -> bool:
        """Say whether a turn may stand in a context as a piece."""
        if not self.lets_session(trajectory.source, trajectory.session_id):
            return False
        return turn not in self.veil(trajectory).hidden

    def _excludes(self, source: str, turn: Turn) -> bool:
        return any(
            _matches(turn.agent, one.exclude_agents) or _matches(turn.tool, one.exclude_tools) for one in self._purposes(source)
        )

    def _purposes(self, source: str) -> tuple[PurposeOptions, ...]:
        stored = self._of_source.get(source)
        return (self._now,) if stored is None else (self._now, stored)


def purposes_of(store: Store) -> dict[str, PurposeOptions]:
    """Return the purpose that the last run that compiled each source was started with."""
    found = {}
    for run in store.runs():
        if run.kind in COMPILING:
            found[run.source] = msgspec.json.decode(run.options, type=_Stored).purpose
    return found


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(name == pattern or fnmatchcase(name, pattern) for pattern in patterns)
