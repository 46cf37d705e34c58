"""A store that holds no plain value still knows in which sessions a subject stands, and by which rules it was looked for."""

from __future__ import annotations

from pathlib import Path

import msgspec

from tests.store.samples import KEY, clock, session
from trajectory_compiler.redaction.identities import IdentityHash, hashes_of
from trajectory_compiler.store import KnownIn, SessionResult, Store, StoredPolicy

OWN = b"k" * 32
AMY = IdentityHash("EMAIL", min(hashes_of("amy@example.com", (), OWN)), "<EMAIL_1>")
BOB = IdentityHash("EMAIL", min(hashes_of("bob@example.com", (), OWN)), "<EMAIL_2>")


def _save(store: Store, name: str, *identities: IdentityHash, words: str = "", key_id: str = "own") -> None:
    run = store.begin_run("compile", "log", "{}", "1")
    store.save_session(
        SessionResult(
            run_id=run,
            trajectory=session(name, words=words),
            compile_key=KEY,
            pairs=(),
            identities=identities,
            key_id=key_id,
        )
    )


def test_a_subject_is_found_in_the_sessions_that_hold_it(place: str) -> None:
    """Whoever knows a value and the key learns sessions and pseudonyms; nothing else in the file tells them."""
    with Store.open(place, clock=clock) as store:
        _save(store, "s-1", AMY, BOB)
        _save(store, "s-2", msgspec.structs.replace(AMY, name="<EMAIL_7>"))
        _save(store, "s-3")
        found = store.known_in(hashes_of("Amy@Example.com", ("EMAIL",), OWN))
        assert found == (
            KnownIn(source="log", session_id="s-1", names=("<EMAIL_1>",)),
            KnownIn(source="log", session_id="s-2", names=("<EMAIL_7>",)),
        )
        assert store.known_in(hashes_of("amy@example.com", ("EMAIL",), b"o" * 32)) == ()
        assert store.known_in(()) == ()


def test_no_plain_value_is_in_the_file(place: str) -> None:
    """The file holds the hashes of a subject and not the subject."""
    with Store.open(place, clock=clock) as store:
        _save(store, "s-1", AMY, BOB)
    assert AMY.hash.encode() in Path(place).read_bytes()
    assert b"amy@example.com" not in Path(place).read_bytes()


def test_a_session_that_changed_knows_its_new_identities_only(place: str) -> None:
    """Compiling a session anew replaces its identities, a blocked session keeps none, and a lost key is counted."""
    with Store.open(place, clock=clock) as store:
        _save(store, "s-1", AMY, key_id="lost")
        _save(store, "s-2", AMY, key_id="lost")
        assert store.sessions_under_other_keys("own") == 2
        _save(store, "s-1", BOB)
        _save(store, "s-2", BOB, words="more")
        assert [known.session_id for known in store.known_in([AMY.hash])] == []
        assert [known.session_id for known in store.known_in([BOB.hash])] == ["s-1", "s-2"]
        assert store.sessions_under_other_keys("own") == 0


def test_a_policy_is_kept_under_its_hash(place: str) -> None:
    """The rules and the reason come back as they were; the first to write them stays."""
    off = StoredPolicy(hash="h", name="off", reason="synthetic", content=b'{"name":"off"}')
    with Store.open(place, clock=clock) as store:
        assert store.policy("h") is None
        store.save_policy(off)
        store.save_policy(msgspec.structs.replace(off, reason="other"))
        assert store.policy("h") == off
