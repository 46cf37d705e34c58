"""The last look at bytes that are about to leave: a file that is handed on, a prompt that goes to a model.

Everything that is exported was redacted when it was compiled. The scan reads the *final bytes* all the same, because what was
safe apart may be a leak together: two fields set side by side, an escape undone, a rule that was tightened since. A hit stops
the write or the send, and the error says what type of value stands where, never the value:

    Cannot write 'pairs.jsonl': pair 3f2a9c holds a value of type EMAIL at /messages/0/content. ...

Pseudonyms are no hits; nor is what the policy lets pass.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from typing import NamedTuple, Protocol

import msgspec

from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, Trajectory, canonical, escape_token
from trajectory_compiler.redaction.boundary import scanner_of
from trajectory_compiler.redaction.documents import scalars
from trajectory_compiler.redaction.fields import Fields, leaves
from trajectory_compiler.redaction.findings import PARTS, Findings
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.scan import Scanner

_LONG = 4_096  # characters from which on a text is looked at turn by turn
_TURN = re.compile(r"\n(?=#[0-9]{3,} )")
_OVERLAP = 256  # characters of the next turn that are looked at together with one
_MAX_CLEAN = 200_000  # pieces that are remembered as clean: 16 bytes each
_MAX_LIFTED_DEPTH = 20
ACTION = "Compile again, so that today's rules redact it; or name the value under [redaction.allow] if it may pass"


class OutboundScan(Protocol):
    """What whoever sends bytes asks first. Raises BoundaryError where they hold what may not leave."""

    def __call__(self, data: bytes, place: str) -> None:
        """Look through bytes; `place` names them for people: `pair 3f2a9c`, `the request for pair 3f2a9c`."""


class Hit(NamedTuple):
    """A value that may not leave: its type and where it stands (a JSON pointer, or an offset in text). Never the value."""

    kind: str
    where: str


class Outbound:
    """A policy's rules over final bytes. One for each policy; cheap to call where nothing is suspicious.

    Long texts (contexts, prompts) are looked at turn by turn, each with the beginning of the next; a piece that was clean once,
    in this very context, is not looked at again: most pairs of a session show the same turns.
    Cost: about 9 MB/s for bytes that were never seen, ten times that for turns that were.
    """

    def __init__(self, policy: Policy, goal: str) -> None:
        self._scanner: Scanner = scanner_of(policy)
        self._is_off = policy.is_off
        self._goal = goal
        self._clean: set[bytes] = set()

    def __call__(self, data: bytes, place: str, allowed: Collection[str] = ()) -> None:
        """Raise BoundaryError where the bytes hold what may not leave. Values that stand in an `allowed` text pass."""
        for hit in self.hits(data, allowed):
            raise BoundaryError(self._goal, f"{place} holds a value of type {hit.kind} at {hit.where}", f"{ACTION}.")

    def hits(self, data: bytes, allowed: Collection[str] = ()) -> Iterator[Hit]:
        """Yield what may not leave: JSON is read line by line, or as one document, everything else as text."""
        if self._is_off:
            return
        try:
            documents: list[Json] = [msgspec.json.decode(line) for line in data.splitlines() if line.strip()]
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            yield from self._hits_in_other(data, allowed)
            return
        for document in documents:
            long: list[str] = []
            short = _lifted(document, long, 0)
            for text in long:
                for piece in _pieces(text):
                    name = hashlib.blake2b(piece.encode("utf-8", "surrogatepass"), digest_size=16).digest()
                    if name in self._clean:
                        continue
                    found = list(self._hits_in(piece, allowed))
                    if found:
                        yield from (Hit(hit.kind, _around(document, text, hit.where)) for hit in found)
                    elif not allowed:
                        self._remember(name)
            yield from self._hits_in(short, allowed)

    def _remember(self, name: bytes) -> None:
        if len(self._clean) >= _MAX_CLEAN:
            self._clean.clear()
        self._clean.add(name)

    def _hits_in_other(self, data: bytes, allowed: Collection[str]) -> Iterator[Hit]:
        try:
            yield from self._hits_in(msgspec.json.decode(data), allowed)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            yield from self._hits_in(data.decode("utf-8", "replace"), allowed)

    def _hits_in(self, document: Json, allowed: Collection[str]) -> Iterator[Hit]:
        if not self._scanner.fires(msgspec.json.encode(document)):
            return
        findings = Findings(self._scanner)
        if findings.is_clean(document):
            return
        for surface, kind in findings.kinds.items():
            if not any(surface in text for text in allowed):
                where = _where(document, surface, findings.policy.limits.max_depth)
                for other in findings.kinds:  # a key on the way may be a hit of its own
                    where = where.replace(escape_token(other), "...")
                yield Hit(kind, where)
        if not findings.kinds and any(
            findings.is_unscannable(value)
            for value, _ in scalars(document, findings.policy.limits.max_depth, findings.scanner.keys)
        ):
            yield Hit("UNSCANNED", "a field that cannot be scanned")


def kept_values(trajectory: Trajectory, policy: Policy) -> tuple[str, ...]:
    """Return the texts that pass because the policy keeps their field: an outbound scan of this session allows them."""
    return kept_in(((part, getattr(turn, part)) for turn in trajectory.turns for part in PARTS), policy)


def kept_in(parts: Iterable[tuple[str, Json]], policy: Policy) -> tuple[str, ...]:
    """Return the texts of kept fields in some documents, each with its part: `arguments` or `response`."""
    fields = Fields(policy.fields)
    if not any(rule.treatment == "keep" for rule in policy.fields):
        return ()
    depth = policy.limits.max_depth
    found = [
        canonical(leaf)
        for part, document in parts
        for _, treatment, value in fields.places(part, document, depth)
        if treatment == "keep"
        for leaf in leaves(value, depth)
    ]
    return tuple(dict.fromkeys(text for text in found if text))


def _lifted(document: Json, long: list[str], depth: int) -> Json:
    """Return a document without its long texts, which go into `long`; a text that is JSON itself stays where its keys are."""
    if isinstance(document, str) and len(document) >= _LONG and document[:1] not in ("{", "["):
        long.append(document)
        return ""
    if depth >= _MAX_LIFTED_DEPTH:
        return document
    if isinstance(document, dict):
        return {key: _lifted(value, long, depth + 1) for key, value in document.items()}
    if isinstance(document, list):
        return [_lifted(value, long, depth + 1) for value in document]
    return document


def _pieces(text: str) -> Iterator[str]:
    start = 0
    for match in _TURN.finditer(text):
        yield text[start : match.end() + _OVERLAP]
        start = match.end()
    yield text[start:]


def _around(document: Json, text: str, where: str) -> str:
    """Return where a hit in a long text stands in its document."""
    return f"{_where(document, text, _MAX_LIFTED_DEPTH).partition(',')[0]}, {where} of a turn"


def _where(document: Json, surface: str, max_depth: int) -> str:
    """Return the pointer of the first leaf or key that holds a value, or of the whole where it is spread over several."""
    stack: list[tuple[str, Json, int]] = [("", document, 0)]
    while stack:
        path, value, depth = stack.pop()
        if isinstance(value, dict) and depth < max_depth:
            if any(surface in key for key in value):
                return f"a key of {path or '/'}"
            stack.extend((f"{path}/{escape_token(key)}", child, depth + 1) for key, child in reversed(value.items()))
        elif isinstance(value, list) and depth < max_depth:
            stack.extend((f"{path}/{number}", child, depth + 1) for number, child in reversed(list(enumerate(value))))
        elif surface in (canonical(value) or ""):
            place = (canonical(value) or "").index(surface)
            return f"{path}, character {place}" if path else f"character {place}"
    return "a place that spans several fields"
