"""Every exported byte is scanned once more, by the policy that its session was redacted by.

A store may hold sessions of several policies; each pair is scanned by its own. What was compiled with the policy `off` is not
scanned: its reason is stored, and the caller says how many such pairs there were.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.pipeline.stored_policies import stored_policy
from trajectory_compiler.redaction import Policy
from trajectory_compiler.redaction.outbound import Outbound, kept_values
from trajectory_compiler.store import Store

_TAG = re.compile(r"<style.*?</style>|<[^>]*>", re.DOTALL)


class Outgoing:
    """The scan of one export. `goal` is what it is for, as errors put it: `write 'pairs.jsonl'`."""

    def __init__(self, store: Store, goal: str) -> None:
        self._store = store
        self._goal = goal
        self._scans: dict[str, tuple[Policy, Outbound]] = {}
        self._allowed: tuple[str, tuple[str, ...]] = ("", ())

    def kept(self, trajectory: Trajectory) -> tuple[str, ...]:
        """Return the texts of a session that pass because its policy keeps their fields."""
        return kept_values(trajectory, self._of(trajectory.policy_hash)[0])

    def check(self, data: bytes, pair: Pair, trajectory: Trajectory, lent: tuple[str, ...] = ()) -> None:
        """Look through the bytes of one pair. Raises BoundaryError where they hold what may not leave.

        `lent` are texts that pass because the same policy keeps them in sessions that lent pieces.
        """
        policy, scan = self._of(trajectory.policy_hash)
        if self._allowed[0] != trajectory.digest:
            self._allowed = (trajectory.digest, kept_values(trajectory, policy))
        scan(data, f"pair {pair.id[:12]}", (*self._allowed[1], *lent))

    def check_rest(self, data: bytes, place: str) -> None:
        """Look through bytes that belong to no single pair, by every policy of the pairs that were looked through before."""
        for _, scan in list(self._scans.values()):
            scan(data, place)

    def check_page(self, page: str, trajectories: Sequence[Trajectory]) -> None:
        """Look through what a reader of a page sees, whose turns come from several sessions.

        What the policy of one of them keeps passes. Raises BoundaryError where something else may not leave.
        """
        text = html.unescape(_TAG.sub(" ", page))
        allowed = [value for t in trajectories for value in kept_values(t, self._of(t.policy_hash)[0])]
        hashes = {trajectory.policy_hash for trajectory in trajectories}
        if any(self._of(policy_hash)[0].is_off for policy_hash in hashes):
            return
        for policy_hash in sorted(hashes):
            self._of(policy_hash)[1](text.encode(), "the page", allowed)

    def _of(self, policy_hash: str) -> tuple[Policy, Outbound]:
        if policy_hash not in self._scans:
            policy = stored_policy(self._store, policy_hash)
            self._scans[policy_hash] = (policy, Outbound(policy, self._goal))
        return self._scans[policy_hash]
