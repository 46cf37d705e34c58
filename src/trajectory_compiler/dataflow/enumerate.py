"""Enumeration: every family over one session, in a fixed order.

Near-linear: the families look things up, none compares all turns with all turns, and what each may propose is bounded.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import islice

from trajectory_compiler.config import DataflowOptions
from trajectory_compiler.dataflow.candidate import Candidate, Draft, finish
from trajectory_compiler.dataflow.families.chains import compositions, next_arguments, provenances
from trajectory_compiler.dataflow.families.changes import preconditions, state_changes, state_changes_across
from trajectory_compiler.dataflow.families.counts import aggregations, comparisons, recalls
from trajectory_compiler.dataflow.families.items import items
from trajectory_compiler.dataflow.families.tallies import tallies
from trajectory_compiler.dataflow.families.times import temporals
from trajectory_compiler.dataflow.families.walks import walks
from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.model import Family

PASSES: tuple[tuple[Family, Callable[[SessionIndex], Iterator[Draft]]], ...] = (
    ("composition", compositions),
    ("composition", items),
    ("next_argument", next_arguments),
    ("provenance", provenances),
    ("state_change", state_changes),
    ("state_change", state_changes_across),
    ("precondition", preconditions),
    ("aggregation", aggregations),
    ("aggregation", tallies),
    ("temporal", temporals),
    ("comparison", comparisons),
    ("recall", recalls),
    ("walk", walks),
)
MIN_CANDIDATES = 200
CANDIDATES_PER_TURN = 4


def enumerate_candidates(index: SessionIndex, options: DataflowOptions) -> list[Candidate]:
    """Return the candidates of every wanted family; per pass at most 200 or four a turn, whichever is more."""
    limit = max(MIN_CANDIDATES, CANDIDATES_PER_TURN * len(index.turns))
    found: list[Candidate] = []
    for family, propose in PASSES:
        if is_wanted(family, options):
            found.extend(islice(finish(index, propose(index)), limit))
    return found


def is_wanted(family: Family, options: DataflowOptions) -> bool:
    """Say whether the options ask for a family: all but `walk` by default."""
    if options.families:
        return family in options.families
    return family != "walk" or options.walk
