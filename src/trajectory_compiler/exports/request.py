"""What an export is asked for, and what its manifest says about it."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

from trajectory_compiler.config import PurposeOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.exports.terms import Restriction
from trajectory_compiler.model import Family, State
from trajectory_compiler.store import SHOWN_STATES, PairQuery
from trajectory_compiler.synthesis.acc import ORIGIN

ExportFormat = Literal["jsonl", "inspect", "acc", "chat"]
FORMATS: tuple[ExportFormat, ...] = ("jsonl", "inspect", "acc", "chat")
THOUSAND = 1000  # `16k` is 16,000 tokens: the smaller reading always fits a model whose window means 16,384
MANIFEST_VERSION = 1
ACC_STATES: tuple[State, ...] = ("candidate", "tested", "reviewed")  # no acc pair is proved: there is no program
_TOKENS = re.compile(r"([1-9][0-9]{0,8})(k?)")


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the session an item shows. `tokens` is the budget of kind `budget`; `label` is how the user wrote it."""

    kind: Literal["none", "evidence", "full", "budget"]
    label: str
    tokens: int = 0


NO_CONTEXT = Context(kind="none", label="none")


class ExportRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to export and how.

    `bare` leaves the intermediate steps out of `chat` and `acc` answers. `limit` with `seed` draws a random sample; the file
    is in the order of sessions all the same. `seed` also fixes which pieces a pair of origin `acc` is shown among. `created_at`
    and `actor` go into the manifest and the store's list of actions. `force` overwrites files that exist. `purpose` is what the
    config says now; `observations_only` leaves out of contexts what the agent's model said and thought.
    """

    format: ExportFormat
    created_at: str
    context: Context = NO_CONTEXT
    states: tuple[State, ...] = SHOWN_STATES
    splits: tuple[str, ...] = ()
    origins: tuple[str, ...] = ()
    qa_types: tuple[Family, ...] = ()
    source: str | None = None
    session: str | None = None
    limit: int | None = None
    seed: int | None = None
    bare: bool = False
    force: bool = False
    actor: str = ""
    purpose: PurposeOptions = PurposeOptions()
    observations_only: bool = False


class ExportedFile(msgspec.Struct, frozen=True, kw_only=True):
    """One file of an export by name (relative to the manifest), with its digest."""

    name: str
    sha256: str
    bytes: int


class Writers(msgspec.Struct, frozen=True, kw_only=True):
    """The models whose words an export holds: those behind the agents of its contexts, and those that wrote pairs.

    `unnamed_agents` acted in contexts and the log does not say by which model.
    """

    context: tuple[str, ...] = ()
    pairs: tuple[str, ...] = ()
    unnamed_agents: tuple[str, ...] = ()


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What an export holds and where it came from. It lies beside the export as `NAME.manifest.json`.

    `pairs` lists the ids in the order of the lines, so that whoever must erase a session finds the files that hold it.
    `lenders` are the digests of redacted sessions of which pieces stand in contexts of others.
    `counts` are by qa_type, state, split, origin; `left_out` by reason. `policies` are the hashes of the redaction policies.
    `models` names whose words it holds, `terms` what their providers say about training on them. `purpose` is the one in the
    config when it was made, `purposes` those of the runs, by source.
    """

    manifest_version: int
    format: ExportFormat
    created_at: str
    program_version: str
    compiler_version: str
    context: str
    token_rule: str
    answers: Literal["reasoned", "bare"]
    filters: dict[str, list[str]]
    files: tuple[ExportedFile, ...]
    records: int
    sessions: int
    counts: dict[str, dict[str, int]]
    left_out: dict[str, int]
    policies: tuple[str, ...]
    pairs: tuple[str, ...]
    lenders: tuple[str, ...] = ()
    purpose: PurposeOptions = PurposeOptions()
    purposes: dict[str, PurposeOptions] = {}
    observations_only: bool = False
    models: Writers = Writers()
    terms: tuple[Restriction, ...] = ()


def parse_context(text: str) -> Context:
    """Read `none`, `evidence`, `full` or a number of tokens such as `4096` or `16k`. Raises OptionError for anything else."""
    if text in ("none", "evidence", "full"):
        return msgspec.convert({"kind": text, "label": text}, Context)
    match = _TOKENS.fullmatch(text)
    if match is None:
        raise OptionError(
            "read --context", f"'{text}' is neither none, evidence, full nor a number of tokens", "Give a number such as 16k."
        )
    return Context(kind="budget", label=text, tokens=int(match[1]) * (THOUSAND if match[2] else 1))


def states_of(origin: str | None) -> tuple[State, ...]:
    """Return the states that an export of an origin holds: candidates only where `acc` is asked for by name."""
    return ACC_STATES if origin == ORIGIN else SHOWN_STATES


def query_of(request: ExportRequest) -> PairQuery:
    """Return the store's query for a request. Raises OptionError where it asks for states that are never exported."""
    allowed = ACC_STATES if request.origins == (ORIGIN,) else SHOWN_STATES
    hidden = [state for state in request.states if state not in allowed]
    if hidden or not request.states:
        raise OptionError(
            "export pairs",
            f"pairs in state '{hidden[0] if hidden else ''}' are never exported",
            f"Choose among {', '.join(allowed)}.",
        )
    return PairQuery(
        states=request.states,
        qa_types=request.qa_types,
        splits=request.splits,
        origins=request.origins,
        source=request.source,
        session=request.session,
        limit=request.limit,
        seed=request.seed if request.limit is not None else None,
    )
