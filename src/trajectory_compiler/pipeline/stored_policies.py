"""The policies that stored sessions were redacted by: by its own policy all that is made from a session is scanned again."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

import msgspec

from trajectory_compiler.model import Pair
from trajectory_compiler.redaction import Policy, load_policy
from trajectory_compiler.store import Store

Item = TypeVar("Item")


def stored_policy(store: Store, policy_hash: str) -> Policy:
    """Return the policy with this hash."""
    stored = store.policy(policy_hash)
    # Stores of version 1 did not keep their policies; there was one that redacted.
    return load_policy("standard") if stored is None else msgspec.json.decode(stored.content, type=Policy)


def by_policy(store: Store, items: Iterable[Item], pair_of: Callable[[Item], Pair]) -> dict[str, list[Item]]:
    """Group what is made of pairs by the hash of their sessions' policies. Cost: one unpacking per session."""
    known: dict[tuple[str, str, str], str] = {}
    groups: dict[str, list[Item]] = {}
    for item in items:
        pair = pair_of(item)
        key = (pair.source, pair.session_id, pair.trajectory_digest)
        if key not in known:
            known[key] = store.trajectory_of(pair).policy_hash
        groups.setdefault(known[key], []).append(item)
    return groups
