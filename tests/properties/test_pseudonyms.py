"""Promises of pseudonyms over generated sessions: unlinkable, restorable, and of no consequence to what is compiled."""

from __future__ import annotations

import json

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.properties.test_redaction import documents
from tests.redaction.logs import BOUNDARY, session
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, canonical
from trajectory_compiler.redaction import Boundary, Redaction, load_policy, redact, redact_and_name
from trajectory_compiler.redaction.policy import Policy
from trajectory_compiler.redaction.report import changes_of
from trajectory_compiler.redaction.restoring import Restorer
from trajectory_compiler.redaction.scan import LABEL
from trajectory_compiler.redaction.vault import page_of

STANDARD = load_policy("standard")
LOG_STABLE = msgspec.structs.replace(STANDARD, scope="log")
FAST = settings(max_examples=50, deadline=None, suppress_health_check=[HealthCheck.too_slow])
KEY = b"k" * 32
people = st.lists(st.integers(0, 4), min_size=1, max_size=8)


def _redaction(policy: Policy, *calls: tuple[Json, Json]) -> Redaction | None:
    try:
        return redact_and_name(session(*calls), policy, Boundary(BOUNDARY.effect, BOUNDARY.frequency, KEY))
    except BoundaryError:
        return None


@FAST
@given(people, st.permutations(range(5)))
def test_sessions_are_unlinkable(order: list[int], others: list[int]) -> None:
    """Two sessions in which other people do the same things are the same bytes: no name tells who it was."""
    one, two = (
        redact(session(*(({"to": f"user{n}@example.com"}, f"wrote to user{n}@example.com") for n in who)), STANDARD, BOUNDARY)
        for who in (order, [others[n] for n in order])
    )
    assert one.turns == two.turns
    assert one.digest == two.digest


@FAST
@given(people, people)
def test_log_stable_names_say_who_is_who_in_every_session(first: list[int], second: list[int]) -> None:
    """Under one key equal values have equal names and different values different ones, in whatever session and order."""
    names: dict[int, str] = {}
    for who in (first, second):
        found = _redaction(LOG_STABLE, *(({"to": f"user{n}@example.com"}, "") for n in who))
        assert found is not None
        for n, turn in zip(who, found.trajectory.turns, strict=True):
            assert names.setdefault(n, turn.arguments["to"]) == turn.arguments["to"]
    assert len(set(names.values())) == len(names)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(documents, documents, st.sampled_from([STANDARD, LOG_STABLE]))
def test_restoring_gives_the_original_values(arguments: Json, response: Json, policy: Policy) -> None:
    """What a vault puts back equals the original, leaf by leaf and key by key, but for secrets and what was not scanned."""
    found = _redaction(policy, (arguments, response))
    if found is None:
        return
    raw = session((arguments, response))
    page = page_of("s", found.named, iter(changes_of(raw, found.trajectory)), policy)
    packed = msgspec.json.decode(msgspec.json.encode(page), type=type(page))  # as it goes through the file
    restorer = Restorer(packed, lambda _: True)
    turn = found.trajectory.turns[0]
    for name, before, after in (("arguments", arguments, turn.arguments), ("response", response, turn.response)):
        _assert_restored(before, restorer.field(0, name, after), {n.name for n in found.named})


def _assert_restored(before: Json, after: Json, names: set[str]) -> None:
    if isinstance(after, str) and _stays(after, names):
        return
    if isinstance(before, dict):
        assert len(before) == len(after)
        for (old_key, old), (new_key, new) in zip(before.items(), after.items(), strict=True):
            assert old_key == new_key or _stays(new_key, names)
            _assert_restored(old, new, names)
    elif isinstance(before, list):
        assert len(before) == len(after)
        for old, new in zip(before, after, strict=True):
            _assert_restored(old, new, names)
    else:
        assert type(before) is type(after)
        assert before == after or canonical(before) is None  # not a number


def _stays(text: str, names: set[str]) -> bool:
    return any(name in names and name.startswith(("<SECRET_", "<UNSCANNED_")) for name in LABEL.findall(text))


@FAST
@given(documents, documents)
def test_a_vault_holds_no_secret(arguments: Json, response: Json) -> None:
    """Whatever stands beside it, a value that was named a secret is in no page of a vault."""
    secret = "zanzibar-horse-91"  # made up
    calls = ({"password": secret, "more": arguments, "text": f"{secret} amy@example.com"}, [response, f"x{secret}"])
    found = _redaction(STANDARD, calls)
    if found is None:
        return
    page = page_of("s", found.named, iter(changes_of(session(calls), found.trajectory)), STANDARD)
    assert secret not in json.dumps(msgspec.to_builtins(page))
