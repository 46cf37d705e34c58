"""The redaction boundary: the only place where a `RawTrajectory` becomes a `Trajectory`.

Two passes over a session. *Find*: rules and key names, on parsed JSON, give the values to hide. *Replace*: every
occurrence of every found value in the whole session becomes its pseudonym, numbered by first appearance. Then the result
is scanned again: a hit is redacted in another round, and a session that does not come clean is blocked. Nothing that could
not be scanned passes: it becomes `<UNSCANNED_n>`, or blocks its session where the policy says so.

    {"to": "amy@example.com", "api_key": "k-81x0a7"}    ->    {"to": "<EMAIL_1>", "api_key": "<SECRET_1>"}
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable
from functools import lru_cache

import msgspec

from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, RawTrajectory, Row, Trajectory, Turn, canonical, short_hash
from trajectory_compiler.redaction.fields import Fields, Path, leaves, with_value, without
from trajectory_compiler.redaction.findings import PARTS, Findings
from trajectory_compiler.redaction.keyfile import derive, keyed_hash
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.pseudonyms import LOG_DIGITS, Named
from trajectory_compiler.redaction.replacement import Replacement
from trajectory_compiler.redaction.scan import LABEL, Scanner

_ROUNDS = 3
HIDDEN = "(hidden: its id may be personal)"


class Boundary(msgspec.Struct, frozen=True):
    """What redaction needs from outside: which calls change the world, in how many sessions a raw value occurs, a key.

    The key is needed for log-stable pseudonyms only; session scope gives the same bytes with and without one.
    """

    effect: Callable[[Row], bool]
    frequency: Callable[[str], int]
    key: bytes | None = None


class Redaction(msgspec.Struct, frozen=True):
    """A redacted session and what its pseudonyms stand for. `named` holds raw values: it never leaves the boundary as it is."""

    trajectory: Trajectory
    named: tuple[Named, ...]


class _Kept(msgspec.Struct, frozen=True):
    """A field that the policy keeps: where it stood, and its value."""

    row: int
    path: Path
    value: Json


def redact(raw: RawTrajectory, policy: Policy, boundary: Boundary) -> Trajectory:
    """Return the session with everything that the policy finds replaced by session-stable pseudonyms.

    Deterministic: the same rows and policy give the same bytes on any machine. Idempotent: redacted content passes unchanged.
    Raises: BoundaryError: the session cannot be redacted, so nothing of it passes; it names the session and a row, no content.
    Cost: one JSON encoding and a few substring searches for a row in which nothing is suspicious.
    """
    return redact_and_name(raw, policy, boundary).trajectory


def redact_and_name(raw: RawTrajectory, policy: Policy, boundary: Boundary) -> Redaction:
    """Do what `redact` does and return what the pseudonyms stand for, too: for keyed hashes, a vault, or a report."""
    findings = Findings(scanner_of(policy))
    failure = ""
    try:
        return _redact(raw, findings, boundary)
    except BoundaryError:
        raise
    except Exception as error:  # noqa: BLE001  fail closed: whatever went wrong, the session is blocked
        failure = type(error).__name__
    # Raised out here, so that the error does not carry the original one, whose text may quote the log.
    raise _blocked(raw, findings, f"{failure} at row '{_safe(findings, findings.at_row)}'")


def _redact(whole: RawTrajectory, findings: Findings, boundary: Boundary) -> Redaction:
    policy = findings.policy
    if policy.scope == "log" and boundary.key is None:
        raise _blocked(whole, findings, "log-stable pseudonyms need a key and there is none")
    key = derive(boundary.key, "pseudonyms") if policy.scope == "log" and boundary.key else None
    raw, kept = _without_fields(whole, findings)
    findings.find(raw)
    unclean: list[int] = []
    for _ in range(_ROUNDS):
        replacement = Replacement(findings, key)
        turns = replacement.turns(raw, boundary.effect)
        session_id = replacement.session_id(raw, turns)
        # Documents that did not change were scanned by the same rules before, and hold none of the values that were found.
        unclean = [number for number, part in replacement.changed if not findings.is_clean(getattr(turns[number], part))]
        if not unclean:
            named = replacement.pseudonyms.named()
            _refuse_types(whole, findings, named)
            turns = _with_fields(turns, whole, kept)
            trajectory = Trajectory(
                source=raw.source,
                session_id=session_id,
                turns=turns,
                digest=_digest(session_id, turns),
                raw_digest=raw.digest,
                policy_hash=findings.scanner.policy_hash,
                pseudonym_frequency=_frequencies(replacement, findings, boundary),
            )
            return Redaction(trajectory, named)
    raise _blocked(whole, findings, f"{len(unclean)} fields still hold what the rules find after {_ROUNDS} rounds")


def _frequencies(replacement: Replacement, findings: Findings, boundary: Boundary) -> dict[str, int]:
    """Return in how many sessions each name's value occurs.

    Numbered names that stand in the log already (it is a redacted copy) mean another value in every session: they link within
    their own, however many sessions have an `<EMAIL_1>`.
    """
    own = {name: 1 for name in sorted(findings.reserved) if len(name.rpartition("_")[2]) < LOG_DIGITS}
    return own | replacement.pseudonyms.frequencies(boundary.frequency)


def _without_fields(raw: RawTrajectory, findings: Findings) -> tuple[RawTrajectory, list[_Kept]]:
    """Do what the policy says about fields before anything is looked for; return the session without those that are kept."""
    fields = Fields(findings.policy.fields)
    if not fields:
        return raw, []
    depth = findings.policy.limits.max_depth
    kept: list[_Kept] = []
    rows: list[Row] = []
    for number, row in enumerate(raw.rows):
        findings.at_row = row.id
        changed: dict[str, Json] = {}
        for part in PARTS:
            document = getattr(row, part)
            for path, treatment, value in fields.places(part, document, depth):
                if treatment == "keep":
                    kept.append(_Kept(number, path, value))
                    changed[part] = without(changed.get(part, document), path)
                elif treatment != "block":
                    _mark_leaves(findings, (number, part), value, treatment)
                elif value is not None:
                    raise _blocked(raw, findings, f"row '{_safe(findings, row.id)}' holds a field that the policy blocks")
        rows.append(msgspec.structs.replace(row, **changed) if changed else row)
    return msgspec.structs.replace(raw, rows=tuple(rows)), kept


def _mark_leaves(findings: Findings, document: tuple[int, str], value: Json, kind: str) -> None:
    for leaf in leaves(value, findings.policy.limits.max_depth):
        text = canonical(leaf)
        if text and not findings.is_unscannable(leaf) and not LABEL.fullmatch(text):
            findings.mark(document, text, kind)


def _with_fields(turns: tuple[Turn, ...], raw: RawTrajectory, kept: list[_Kept]) -> tuple[Turn, ...]:
    changed = list(turns)
    for item in kept:
        part = item.path[0]
        document = with_value(getattr(changed[item.row], part), getattr(raw.rows[item.row], part), item.path, item.value)
        changed[item.row] = msgspec.structs.replace(changed[item.row], **{part: document})
    return tuple(changed)


def _refuse_types(raw: RawTrajectory, findings: Findings, named: tuple[Named, ...]) -> None:
    """Block a session in which something was found, or could not be scanned, that the policy does not let pass at all."""
    counts = Counter(item.identity.kind for item in named)
    for kind in sorted(counts):
        if findings.policy.types.get(kind) == "block":
            raise _blocked(raw, findings, f"it holds {counts[kind]} of type {kind}, which the policy blocks")
    if counts["UNSCANNED"] and findings.policy.unscanned == "block":
        seen = f"{counts['UNSCANNED']} fields could not be scanned (too long, too deep, or no text), which the policy blocks"
        raise _blocked(raw, findings, seen)


def _digest(session_id: str, turns: tuple[Turn, ...]) -> str:
    hasher = hashlib.blake2b(short_hash("trajectory", session_id).encode(), digest_size=16)
    encoder = msgspec.json.Encoder()
    for turn in turns:
        hasher.update(encoder.encode(turn))
        hasher.update(b"\n")
    return hasher.hexdigest()


def _blocked(raw: RawTrajectory, findings: Findings, seen: str) -> BoundaryError:
    name = _safe(findings, raw.session_id)
    return BoundaryError(f"redact session '{name}'", seen, "The session is left out; look at it with `trajc inspect`.")


def _safe(findings: Findings, identifier: str, key: bytes | None = None) -> str:
    """Return an identifier for an error message, or a keyed hash where it may be an address or a secret itself."""
    is_plain = len(identifier) <= 200 and identifier.isprintable() and not findings.scanner.spans(identifier)
    if is_plain:
        return identifier
    return keyed_hash(derive(key, "identifiers"), identifier)[:12] if key else HIDDEN


def safe_identifier(identifier: str, policy: Policy, key: bytes | None) -> str:
    """Return an identifier of the raw log as it may be stored and shown: as it is, or hidden where the rules find something."""
    return _safe(Findings(scanner_of(policy)), identifier, key)


def masked(text: str, policy: Policy) -> str:
    """Return a sentence about the raw log, which may name its ids, with everything that the rules find in it as `<EMAIL>`."""
    found = {text[span.start : span.end]: span.kind for span in scanner_of(policy).spans(text)}
    for surface in sorted(found, key=len, reverse=True):
        text = text.replace(surface, f"<{found[surface]}>")
    return text


@lru_cache(maxsize=8)
def _scanner_of(encoded: bytes) -> Scanner:
    return Scanner(msgspec.json.decode(encoded, type=Policy))


def scanner_of(policy: Policy) -> Scanner:
    """Return the compiled form of a policy; the same policy is compiled once."""
    return _scanner_of(msgspec.json.encode(policy))
