"""The types that carry a log from its rows to proved pairs. Reading this file explains the product.

Row             one line of the audit log, as the source gives it (not redacted)
RawTrajectory   the rows of one session in time order (not redacted)
---------------- the redaction boundary: only `redaction.redact` crosses it ----------------
Turn            a row inside a session, redacted; 0-based index, printed `#012`
Trajectory      the turns of one session: what models, stores, exports and pages may see
Evidence        a quoted value: turn, RFC 6901 path from the turn object, optional span
Proof           the outcome of every gate for one pair
Pair            question, answer, program, evidence, proof: the object code
Finding         something that was dropped, with its reason
"""

from __future__ import annotations

import hashlib
import re
from decimal import Decimal
from typing import Any, Literal

import msgspec

Json = Any  # a parsed JSON value: None, bool, int, float, str, list or dict of the same
TurnKind = Literal["tool", "exchange", "thinking"]
State = Literal["candidate", "proved", "tested", "reviewed", "rejected", "superseded"]
Family = Literal[
    "composition",
    "next_argument",
    "precondition",
    "state_change",
    "aggregation",
    "temporal",
    "comparison",
    "provenance",
    "unanswerable",
    "recall",
    "walk",
]
FAMILIES: tuple[Family, ...] = (
    "composition",
    "next_argument",
    "precondition",
    "state_change",
    "aggregation",
    "temporal",
    "comparison",
    "provenance",
    "unanswerable",
    "recall",
    "walk",
)
AnswerType = Literal["identifier", "number", "amount", "date", "path", "url", "text", "tool", "change", "list", "abstention"]
GATES: tuple[str, ...] = (
    "holds",
    "sufficient",
    "necessary",
    "distant",
    "unique",
    "unleaked",
    "unshortcut",
    "causal",
    "well_formed",
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One tool call (or message) of the log, before redaction.

    `created_at` is ISO 8601 in UTC with a `Z`, or None where the log has no usable stamp. `arguments` and `response`
    are parsed JSON; a response that is not JSON is a string. `success` is None where the log does not say.
    `kind` is `exchange` for messages between agent and user (arguments: what the agent said, response: what the user
    said), `thinking` for a scratch pad, `tool` for everything else.
    """

    id: str
    session_id: str
    created_at: str | None
    agent: str
    tool: str
    arguments: Json
    response: Json
    cost_usd: float | None = None
    duration_ms: float | None = None
    success: bool | None = None
    kind: TurnKind = "tool"
    extra: dict[str, Json] = {}


class RawTrajectory(msgspec.Struct, frozen=True, kw_only=True):
    """The rows of one session, ordered by stamp, then id. Not redacted: it may enter `redaction` only."""

    source: str
    session_id: str
    rows: tuple[Row, ...]
    digest: str


class Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A redacted row inside a session. `effect` says that the call changes the world (guessed, shown, overridable)."""

    index: int
    row_id: str
    created_at: str | None
    agent: str
    tool: str
    kind: TurnKind
    arguments: Json
    response: Json
    ok: bool | None
    effect: bool
    cost_usd: float | None = None
    duration_ms: float | None = None


class Trajectory(msgspec.Struct, frozen=True, kw_only=True):
    """One redacted session. `digest` names the redacted content, `raw_digest` the rows that it came from.

    `pseudonym_frequency` gives, for each pseudonym, in how many sessions of the log its raw value occurs: the
    statistics snapshot cannot know, since it sees a different pseudonym in each session.
    """

    source: str
    session_id: str
    turns: tuple[Turn, ...]
    digest: str
    raw_digest: str
    policy_hash: str
    pseudonym_frequency: dict[str, int] = {}


class Evidence(msgspec.Struct, frozen=True, kw_only=True):
    """A value quoted from a turn. `path` is an RFC 6901 pointer from the turn object (see `turn_object`).

    `span` counts code points inside the string at `path`, end exclusive; None means the whole value.
    """

    turn: int
    path: str
    quote: str
    span: tuple[int, int] | None = None


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What the checker found for one pair. A gate is true, false, or None where it does not apply.

    `read_set` holds every turn that a selector of the program matches, `supporting` those whose removal changes the
    answer. `guess_rate` averages, over the supporting turns, the chance to guess the answer with that turn hidden.
    """

    gates: dict[str, bool | None]
    read_set: tuple[int, ...] = ()
    supporting: tuple[int, ...] = ()
    guess_rate: float = 1.0
    reasons: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """A pair is proved when no gate is false and every gate was tried or does not apply."""
        return all(self.gates.get(gate, False) is not False for gate in GATES)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """One question with its answer, its program and its proof."""

    id: str
    source: str
    session_id: str
    trajectory_digest: str
    qa_type: Family
    program: msgspec.Raw | None
    question: str
    answer: str
    answer_type: AnswerType
    evidence: tuple[Evidence, ...]
    supporting_turns: tuple[int, ...]
    row_ids: tuple[str, ...]
    hops: int
    width: int
    span_turns: int
    proof: Proof
    state: State = "candidate"
    origin: str = "dataflow"
    split: str = "train"
    context_end: int | None = None
    withheld_turns: tuple[int, ...] = ()
    reasoning: str = ""


class Finding(msgspec.Struct, frozen=True, kw_only=True):
    """Something that was dropped: which stage, why, how often. `detail` holds identifiers and places, never content."""

    stage: str
    reason: str
    session_id: str | None = None
    count: int = 1
    detail: str = ""


MAX_BITS = 14_000  # of an integer: Python prints no more than 4,300 digits


def canonical(value: Json) -> str | None:
    """Return the text by which two scalars are compared; None for null, lists, objects, and integers too long to print.

    The number 5, the float 5.0 and the string "5" are the same value: agents copy numbers into text and back.
    """
    if isinstance(value, str):
        return value
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value) if value.bit_length() <= MAX_BITS else None
    if isinstance(value, float):
        return decimal_text(Decimal(repr(value))) if value == value and abs(value) != float("inf") else None
    return None


def decimal_text(number: Decimal) -> str:
    """Print a decimal without exponent and without trailing zeros: `Decimal("1.50")` gives `1.5`."""
    text = format(number, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def turn_object(turn: Turn) -> dict[str, Json]:
    """Return what a reader sees of a turn, as the JSON object that evidence paths start from."""
    return {
        "tool": turn.tool,
        "agent": turn.agent,
        "created_at": turn.created_at,
        "arguments": turn.arguments,
        "response": turn.response,
    }


def render(turn: Turn) -> str:
    """Return the one text form of a turn that contexts, prompts and pages use."""
    stamp = f" {turn.created_at}" if turn.created_at else ""
    return (
        f"#{turn.index:03d}{stamp} {turn.agent} {turn.tool}\n"
        f"arguments: {json_text(turn.arguments)}\n"
        f"response: {json_text(turn.response)}"
    )


def key_of(pointer: str) -> str:
    """Return the last step, as written, that is no list index: `/response/legs/0/price` gives `price`."""
    return next((step for step in reversed(pointer.split("/")) if not step.isdigit()), "")


_NUMBER = re.compile(r"-?[0-9]+(\.[0-9]+)?")


def number_of(text: str) -> Decimal | None:
    """Return the number that a canonical text stands for, as programs understand numbers."""
    return Decimal(text) if _NUMBER.fullmatch(text) else None


def plain(text: str) -> str:
    """Return the words of a text, case folded, each between spaces; a capital after a small letter begins a word."""
    pairs = zip(" " + text, text, strict=False)
    spaced = "".join(" " * (c.isupper() and p.islower()) + (c if c.isalnum() else " ") for p, c in pairs)
    return f" {' '.join(spaced.casefold().split())} "


def json_text(value: Json) -> str:
    """Return a string as it is and everything else as compact JSON with its keys in the log's order."""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def resolve(document: Json, pointer: str) -> Json:
    """Return the value at an RFC 6901 pointer, or `MISSING` where the document has none or the text is no pointer."""
    value = document if pointer[:1] in ("", "/") else MISSING
    for token in pointer.split("/")[1:]:
        if isinstance(value, dict):
            value = value.get(token.replace("~1", "/").replace("~0", "~") if "~" in token else token, MISSING)
        elif isinstance(value, list) and re.fullmatch("[0-9]{1,9}", token) and int(token) < len(value):
            value = value[int(token)]
        else:
            return MISSING
    return value


class _Missing:
    """The absence of a value, which JSON's null is not."""

    def __repr__(self) -> str:
        return "MISSING"


MISSING: Json = _Missing()


def escape_token(key: str) -> str:
    """Escape one key for use in an RFC 6901 pointer."""
    return key.replace("~", "~0").replace("/", "~1")


def short_hash(*parts: str) -> str:
    """Return 128 bits of BLAKE2b over the parts, as hex; parts are separated so that they cannot run together."""
    hasher = hashlib.blake2b(digest_size=16)
    for part in parts:
        data = part.encode("utf-8", "surrogatepass")
        hasher.update(len(data).to_bytes(8, "big"))
        hasher.update(data)
    return hasher.hexdigest()
