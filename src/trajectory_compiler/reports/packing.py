"""From a store and a profile to an evidence pack."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from trajectory_compiler.config import COMPILER_VERSION
from trajectory_compiler.exports.outgoing import Outgoing
from trajectory_compiler.model import Pair, Trajectory, short_hash
from trajectory_compiler.reports import record, sample
from trajectory_compiler.reports.evidence import Content, EvidencePack, Inputs, section_of
from trajectory_compiler.reports.profile import load_profile
from trajectory_compiler.store import PairQuery, Store

CONTENTS: dict[str, Callable[[Inputs], Content]] = {
    "processed": record.processed,
    "purpose": record.purpose,
    "policy": record.policy,
    "models": record.models,
    "cost": record.cost,
    "dropped": record.dropped,
    "proofs": sample.proofs,
    "pairs": sample.pairs,
    "seals": record.seals,
    "actions": record.actions,
    "erasures": record.erasures,
    "limits": sample.limits,
}


def make_pack(profile: str, inputs: Inputs) -> EvidencePack:
    """Return the pack of a profile. Every pair in it is scanned once more by the policy that its session was redacted by.

    Raises: OptionError: there is no such profile. BoundaryError: a pair holds what may not leave.
    Cost: the store's sessions are read once, and each pair of the sample is proved anew.
    """
    chosen = load_profile(profile)
    with inputs.store.view():
        sections = [section_of(heading, chosen.sources, CONTENTS[heading.content](inputs)) for heading in chosen.sections]
        pack = EvidencePack(
            profile=profile,
            title=chosen.title,
            audience=chosen.audience,
            made_at=inputs.made_at,
            made_by=inputs.made_by,
            program_version=inputs.program_version,
            compiler_version=COMPILER_VERSION,
            store_digest=_digest(inputs.store),
            sections=tuple(sections),
        )
        _scan(inputs, pack)
    return pack


def sampled(inputs: Inputs) -> list[tuple[Pair, Trajectory]]:
    """Return the random pairs of a pack, each with its session: the same for the same store and seed."""
    drawn = inputs.store.pairs(PairQuery(limit=inputs.pairs, seed=inputs.seed))
    return [(pair, inputs.store.trajectory_of(pair)) for pair in drawn]


def _digest(store: Store) -> str:
    """Return a name for the pairs that the pack speaks of: their ids and states, hashed in order."""
    return short_hash("evidence", *(f"{fact.id} {fact.state}" for fact in store.facts(PairQuery())))


def _scan(inputs: Inputs, pack: EvidencePack) -> None:
    outgoing = Outgoing(inputs.store, "write the evidence pack")
    shown = {item.id: item for section in pack.sections for item in section.content.pairs}
    for pair, trajectory in sampled(inputs):
        if pair.id in shown:
            outgoing.check(msgspec.json.encode(shown[pair.id]), pair, trajectory)
