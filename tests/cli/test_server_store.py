"""Every command takes a store on a PostgreSQL server where it takes a file, and none prints its password."""

from __future__ import annotations

import json
from pathlib import Path

from tests.cli.conftest import Trajc
from tests.postgres_server import new_database


def test_a_store_on_a_server_serves_every_command(trajc: Trajc, small_log: Path, compiled: Path, tmp_path: Path) -> None:
    """Compile, compile again, verify, stats, sample, export: the pairs of a file, from a server; the key lies here."""
    address = new_database().replace("postgres:@", "postgres:s3cr3t@")
    first = trajc("compile", small_log, "--workers", 2, "--store", address)
    assert first.code == 0
    (key,) = (tmp_path / ".trajc").glob("store-*.key")
    assert f"The store's key stays on this machine: .trajc/{key.name}" in first.out
    again = trajc("compile", small_log, "--store", address, "--json")
    assert json.loads(again.out)["skipped"] == json.loads(again.out)["sessions"] > 0
    verified = trajc("verify", "--store", address, "--workers", 2, "--json")
    assert (verified.code, json.loads(verified.out)["sound"]) == (0, True)
    there, here = (
        trajc("export", "--store", store, "--output", name) for store, name in ((address, "a.jsonl"), (compiled, "b.jsonl"))
    )
    assert (there.code, here.code) == (0, 0)
    assert (tmp_path / "a.jsonl").read_bytes() == (tmp_path / "b.jsonl").read_bytes() != b""
    rest = [trajc(*words, "--store", address) for words in (("stats",), ("costs",), ("sample", "--json"), ("audit", "--json"))]
    assert [one.code for one in rest] == [0, 0, 0, 0]
    assert "s3cr3t" not in "".join(one.out + one.err for one in (first, again, verified, there, *rest))


def test_an_absent_server_is_one_sentence(trajc: Trajc, small_log: Path) -> None:
    """A server that does not answer ends the run with code 2 and a sentence without the password."""
    result = trajc("compile", small_log, "--store", "postgresql://me:s3cr3t@127.0.0.1:1/db")
    assert result.code == 2
    assert result.err.startswith("Cannot open store 'postgresql://127.0.0.1:1/db?schema=trajc': nothing answers")
    assert result.err.count("\n") == 1
    assert "s3cr3t" not in result.err
