"""The redaction boundary: the only place where a `RawTrajectory` becomes a `Trajectory`.

Two passes over a session. *Find*: rules and key names, on parsed JSON, give the values to hide. *Replace*: every
occurrence of every found value in the whole session becomes its pseudonym, numbered by first appearance. Then the result
is scanned again: a hit is redacted in another round, and a session that does not come clean is blocked. Nothing that could
not be scanned passes: it becomes `<UNSCANNED_n>`.

    {"to": "amy@example.com", "api_key": "k-81x0a7"}    ->    {"to": "<EMAIL_1>", "api_key": "<SECRET_1>"}
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from functools import lru_cache

import msgspec

from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import RawTrajectory, Row, Trajectory, Turn, short_hash
from trajectory_compiler.redaction.findings import Findings
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.replacement import Replacement
from trajectory_compiler.redaction.scan import Scanner

_ROUNDS = 3


class Boundary(msgspec.Struct, frozen=True):
    """What redaction needs from outside: which calls change the world, and in how many sessions a raw value occurs."""

    effect: Callable[[Row], bool]
    frequency: Callable[[str], int]


def redact(raw: RawTrajectory, policy: Policy, boundary: Boundary) -> Trajectory:
    """Return the session with everything that the policy finds replaced by session-stable pseudonyms.

    Deterministic: the same rows and policy give the same bytes on any machine. Idempotent: redacted content passes unchanged.
    Raises: BoundaryError: the session cannot be redacted, so nothing of it passes; it names the session and a row, no content.
    Cost: one JSON encoding and a few substring searches for a row in which nothing is suspicious.
    """
    findings = Findings(_scanner(policy))
    failure = ""
    try:
        return _redact(raw, findings, boundary)
    except BoundaryError:
        raise
    except Exception as error:  # noqa: BLE001  fail closed: whatever went wrong, the session is blocked
        failure = type(error).__name__
    # Raised out here, so that the error does not carry the original one, whose text may quote the log.
    raise _blocked(raw, findings, f"{failure} at row '{_safe(findings, findings.at_row)}'")


def _redact(raw: RawTrajectory, findings: Findings, boundary: Boundary) -> Trajectory:
    findings.find(raw)
    for _ in range(_ROUNDS):
        replacement = Replacement(findings)
        turns = replacement.turns(raw, boundary.effect)
        session_id = replacement.session_id(raw, turns)
        # Documents that did not change were scanned by the same rules before, and hold none of the values that were found.
        unclean = [number for number, part in replacement.changed if not findings.is_clean(getattr(turns[number], part))]
        if not unclean:
            return Trajectory(
                source=raw.source,
                session_id=session_id,
                turns=turns,
                digest=_digest(session_id, turns),
                raw_digest=raw.digest,
                policy_hash=findings.scanner.policy_hash,
                pseudonym_frequency=replacement.pseudonyms.frequencies(boundary.frequency),
            )
    raise _blocked(raw, findings, f"{len(unclean)} fields still hold what the rules find after {_ROUNDS} rounds")


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


def _safe(findings: Findings, identifier: str) -> str:
    """Return an identifier for an error message, or its hash where it may be an address or a secret itself."""
    is_plain = len(identifier) <= 200 and identifier.isprintable() and not findings.scanner.spans(identifier)
    return identifier if is_plain else short_hash("identifier", identifier)[:12]


@lru_cache(maxsize=8)
def _scanner_of(encoded: bytes) -> Scanner:
    return Scanner(msgspec.json.decode(encoded, type=Policy))


def _scanner(policy: Policy) -> Scanner:
    return _scanner_of(msgspec.json.encode(policy))
