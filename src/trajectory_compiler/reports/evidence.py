"""The evidence pack: what was processed, why, by which rules, with what proof, and what the method cannot do.

It is evidence for whoever must answer, never a claim of compliance: it says what the store holds on record and leaves every
judgement to the person whose name goes at its end. Unlike a quality report it names sources, models and people who acted, and
shows redacted pairs, so it stays inside the organisation.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import msgspec

from trajectory_compiler.ledger.verify import VerifyReport
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.reports.profile import Heading, Profile, Source
from trajectory_compiler.store import Store

STATEMENT = (
    "This pack is evidence, not a claim of compliance. It lists what the store has on record. Whether that satisfies a rule "
    "is for the person who signs it to judge, on the text of the rule itself: what stands beside a heading is a paraphrase."
)


class Sheet(msgspec.Struct, frozen=True, kw_only=True):
    """A table of text. `numeric` names the columns whose cells are numbers."""

    caption: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    numeric: tuple[int, ...] = ()


class ShownPair(msgspec.Struct, frozen=True, kw_only=True):
    """A pair of the sample. `proof` says what the checker found when the pack was made; `no_sql` why `sql` is null."""

    id: str
    source: str
    session_id: str
    state: str
    origin: str
    qa_type: str
    question: str
    answer: str
    reasoning: str
    supporting_turns: tuple[int, ...]
    session_turns: int
    row_ids: tuple[str, ...]
    program: tuple[tuple[str, str], ...]
    proof: str
    sql: str | None
    no_sql: str = ""


class Content(msgspec.Struct, frozen=True, kw_only=True):
    """What stands under a heading. A part without evidence says so in its notes; it is never left out."""

    facts: tuple[tuple[str, str], ...] = ()
    sheets: tuple[Sheet, ...] = ()
    notes: tuple[str, ...] = ()
    pairs: tuple[ShownPair, ...] = ()


class Reference(msgspec.Struct, frozen=True, kw_only=True):
    """A source of a heading with the place in it, the day it was read, and in which form."""

    title: str
    publisher: str
    place: str
    address: str
    read_on: str
    read_as: str


class Section(msgspec.Struct, frozen=True, kw_only=True):
    """One part of the pack."""

    heading: str
    asks: str
    because: tuple[Reference, ...]
    content: Content


class Signature(msgspec.Struct, frozen=True, kw_only=True):
    """The place for a name and a date. The program leaves it empty."""

    name: str = ""
    role: str = ""
    date: str = ""


class EvidencePack(msgspec.Struct, frozen=True, kw_only=True):
    """The whole pack, as `--json` prints it and as the page shows it."""

    format: Literal["trajc-evidence-pack"] = "trajc-evidence-pack"
    version: Literal[1] = 1
    profile: str
    title: str
    audience: str
    statement: str = STATEMENT
    made_at: str
    made_by: str
    program_version: str
    compiler_version: str
    store_digest: str
    sections: tuple[Section, ...]
    signature: Signature = Signature()


class Inputs(msgspec.Struct, frozen=True, kw_only=True):
    """What a pack is made of. `sql` gives a pair's query or raises InputError; `seals` is what verifying a sealed log found."""

    store: Store
    made_at: str
    made_by: str
    program_version: str
    sql: Callable[[Pair, Trajectory], str]
    seals: tuple[str, VerifyReport] | None = None
    pairs: int = 10
    seed: int = 0


def section_of(heading: Heading, sources: dict[str, Source], content: Content) -> Section:
    """Put a heading, its references and its content together."""
    return Section(
        heading=heading.heading,
        asks=heading.asks,
        because=tuple(_reference(sources[item.source], item.place) for item in heading.because),
        content=content,
    )


def _reference(source: Source, place: str) -> Reference:
    return Reference(
        title=source.title,
        publisher=source.publisher,
        place=place,
        address=source.address,
        read_on=source.read_on.isoformat(),
        read_as=source.read_as,
    )


def names_of(profile: Profile) -> tuple[str, ...]:
    """Return the contents that a profile asks for, in its order."""
    return tuple(heading.content for heading in profile.sections)
