"""What a run keeps beside the pairs: keyed hashes, the policy, and nothing that tells whether a guess is right."""

from __future__ import annotations

import stat
import time
from pathlib import Path

import msgspec
import pytest
import zstandard

from tests.cli.logs import row, write_rows, write_small_log
from trajectory_compiler import CompileOptions, compile_log
from trajectory_compiler.config import SessionOptions, SourceOptions
from trajectory_compiler.errors import OptionError
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.pipeline.deadline import deadline
from trajectory_compiler.redaction.identities import hashes_of
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.sessions import open_sessions
from trajectory_compiler.sources import open_source
from trajectory_compiler.store import Store

LOG_SCOPE = "[redaction]\nscope = 'log'\n"


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Write two sessions of eight turns that share one address; the second has one of its own, too."""
    rows = []
    for session, own in (("s-1", "zed@example.com"), ("s-2", "amy@example.com")):
        rows += [row(n, session, response={"owner": f"o-{n}", "mail": own if n == 3 else "bob@example.com"}) for n in range(8)]
    return write_rows(tmp_path / "log.jsonl", rows)


def test_a_subject_is_found_after_a_run(log: Path, tmp_path: Path) -> None:
    """The run hashes what it found with the key beside the store: who has both finds the subject's sessions and names."""
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(log), CompileOptions(workers=1))
        key = load_key(key_path(store.path), create=False)
        amy = store.known_in(hashes_of("Amy@Example.com", ("EMAIL",), key))
        assert [(known.session_id, known.names) for known in amy] == [("s-2", ("<EMAIL_2>",))]
        bob = store.known_in(hashes_of("bob@example.com", ("EMAIL",), key))
        assert [known.session_id for known in bob] == ["s-1", "s-2"]
    assert stat.S_IMODE(key_path(tmp_path / "store.db").stat().st_mode) == 0o600


def test_no_unkeyed_digest_is_kept(tmp_path: Path) -> None:
    """Neither the digest of a session's rows nor the key of the counters, which is made from one, stands in the file."""
    log = write_small_log(tmp_path / "log.jsonl", sessions=3)
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(log), CompileOptions(workers=1))
        trajectories = [store.trajectory_of(pair) for pair in store.pairs()]
        snapshot = store.snapshot("log")
    assert trajectories
    assert snapshot is not None
    digests = {raw.digest for raw in open_sessions(open_source(str(log), SourceOptions()), SessionOptions())}
    assert not digests & {trajectory.raw_digest for trajectory in trajectories}
    content = (tmp_path / "store.db").read_bytes() + zstandard.ZstdDecompressor().decompress(snapshot[1][16:])
    for digest in digests:
        assert digest.encode() not in content
        assert bytes.fromhex(digest) not in content


def test_a_lost_key_costs_a_recompile_and_no_pair(log: Path, tmp_path: Path) -> None:
    """Without its key the store takes its statistics anew and hashes every session again; the pairs are the same."""
    with Store.open(tmp_path / "store.db") as store:
        first = compile_into(store, str(log), CompileOptions(workers=1))
        before = {pair.id for pair in store.pairs()}
        key_path(store.path).unlink()
        second = compile_into(store, str(log), CompileOptions(workers=1))
        assert (second.compiled, second.skipped) == (first.compiled, 0)
        assert {pair.id for pair in store.pairs()} == before
        key = load_key(key_path(store.path), create=False)
        assert len(store.known_in(hashes_of("bob@example.com", ("EMAIL",), key))) == 2
        assert compile_into(store, str(log), CompileOptions(workers=1)).skipped == first.compiled


def test_the_policy_of_a_run_is_kept_with_its_reason(tmp_path: Path) -> None:
    """Every trajectory names its policy by hash, and the store says what that was and why nothing was redacted."""
    log = write_small_log(tmp_path / "log.jsonl", sessions=6)
    with Store.open(tmp_path / "store.db") as store:
        compile_into(store, str(log), CompileOptions(workers=1, policy="off", policy_reason="synthetic log"))
        used = {store.trajectory_of(pair).policy_hash for pair in store.pairs()}
        assert len(used) == 1
        kept = store.policy(used.pop())
        assert kept is not None
        assert (kept.name, kept.reason) == ("off", "synthetic log")
        assert msgspec.json.decode(kept.content)["reason"] == "synthetic log"


def test_log_scope_links_sessions_of_one_store_only(log: Path, tmp_path: Path) -> None:
    """With scope `log` one address has one name in both sessions; another store has another key, so other names."""
    policy = tmp_path / "policy.toml"
    policy.write_text(LOG_SCOPE, encoding="utf-8")
    names = []
    for folder in ("a", "b"):
        with Store.open(tmp_path / folder / "store.db") as store:
            compile_into(store, str(log), CompileOptions(workers=1, policy=str(policy)))
            key = load_key(key_path(store.path), create=False)
            found = [known.names for known in store.known_in(hashes_of("bob@example.com", ("EMAIL",), key))]
            assert len(found) == 2
            assert found[0] == found[1]
            names.append(found[0])
    assert names[0] != names[1]
    with pytest.raises(OptionError, match="needs a store's key"):
        list(compile_log(str(log), CompileOptions(policy=str(policy))))


def test_personal_ids_of_what_was_left_out_are_not_kept(tmp_path: Path) -> None:
    """Sessions that are blocked, too short or in conflict may have an address for an id: none stands in the store."""
    rows = [row(n, "amy@example.com", response="\x01\x02\x03" if n == 3 else {"n": n}) for n in range(8)]
    rows += [row(0, "bob@example.com"), row(0, "bob@example.com", response="another")]
    rows += [row(n, "eve@example.com", response="\x01\x02\x03") for n in range(8)]
    policy = tmp_path / "careful.toml"
    policy.write_text("[redaction]\nunscanned = 'block'\n", encoding="utf-8")
    with Store.open(tmp_path / "store.db") as store:
        log = write_rows(tmp_path / "log.jsonl", rows)
        summary = compile_into(store, str(log), CompileOptions(workers=1, policy=str(policy)))
        assert summary.blocked == 2
        findings = list(store.findings())
        assert {finding.reason for finding in findings} >= {"blocked", "too_few_turns", "conflicting_id"}
        assert len({finding.session_id for finding in findings if finding.reason == "blocked"}) == 2
        assert compile_into(store, str(log), CompileOptions(workers=1, policy=str(policy))).skipped == 2
    assert b"@example.com" not in (tmp_path / "store.db").read_bytes()


def test_a_session_that_takes_too_long_is_interrupted() -> None:
    """The timer ends work that would not end by itself, and is gone after the block."""
    with pytest.raises(TimeoutError), deadline(0.05):
        time.sleep(60)
    with deadline(0.05):
        pass
    time.sleep(0.1)
