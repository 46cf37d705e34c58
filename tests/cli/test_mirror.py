"""`trajc mirror`: catch up, compare, the config file, the role of least rights, and no password anywhere."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

from tests.cli.conftest import Trajc
from tests.postgres_server import new_database
from trajectory_compiler.cli.mirroring import mirror_after
from trajectory_compiler.store import Store


def _as(user: str, address: str) -> str:
    return address.replace("postgres:@", f"{user}:s3cr3t@")


def test_mirror_and_check(trajc: Trajc, store: Path) -> None:
    """A run says what it sent, a check lists every table; a changed row is found with exit code 1; no password is printed."""
    url = _as("postgres", new_database())
    first, second = trajc("mirror", url), trajc("mirror", url, "--json")
    assert (first.code, second.code, json.loads(second.out)["written"]) == (0, 0, 0)
    equal = trajc("mirror", url, "--check")
    assert (equal.code, equal.out.rstrip().rpartition(": ")[2]) == (0, "equal")
    with psycopg.connect(url) as connection:
        connection.execute("UPDATE trajc.pairs SET answer = '' WHERE id = (SELECT min(id) FROM trajc.pairs)")
    unequal = trajc("mirror", url, "--check", "--json")
    assert unequal.code == 1
    assert [line["table"] for line in json.loads(unequal.out)["tables"] if line["differing"]] == ["pairs"]
    assert "s3cr3t" not in "".join(one.out + one.err for one in (first, second, equal, unequal))


def test_the_config_names_the_mirror(trajc: Trajc, store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A line, or a table that names a variable, serves the command and what follows a run; a missing variable is a sentence."""
    url, config = new_database(), tmp_path / "trajc.toml"
    assert trajc("mirror").code == 2
    with Store.open(store) as opened:
        assert mirror_after(opened, config) is None
    config.write_text(f'mirror = "{url}"\n')
    assert trajc("mirror").code == 0
    config.write_text('[mirror]\nurl_env = "TRAJC_MIRROR_URL"\nschema = "own"\n')
    assert "which is not set" in trajc("mirror").err
    monkeypatch.setenv("TRAJC_MIRROR_URL", url)
    with Store.open(store) as opened:
        done = mirror_after(opened, config)
        assert done is not None
        assert done.code == 0
        assert done.line.startswith("Mirror postgresql://")
        monkeypatch.setenv("TRAJC_MIRROR_URL", "postgresql://me:s3cr3t@127.0.0.1:1/db")
        lost = mirror_after(opened, config)
    assert lost is not None
    assert (lost.code, lost.report) == (2, None)
    assert lost.line.startswith("Cannot mirror into 'postgresql://127.0.0.1:1/db?schema=own': nothing answers")


def test_the_role_writes_the_mirror_and_nothing_else(trajc: Trajc, store: Path) -> None:
    """The printed SQL makes a role that mirrors and checks; it makes and drops no table and reads no other schema."""
    address = new_database()
    script = trajc("mirror", "--print-role", "--schema", "own").out
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("DROP ROLE IF EXISTS trajc_mirror")
        owner.execute("CREATE TABLE public.salaries (amount INTEGER)")
        owner.execute(script)
    url = _as("trajc_mirror", address)
    assert trajc("mirror", url, "--schema", "own").code == 0
    assert trajc("mirror", url, "--schema", "own", "--check").code == 0
    for statement in (
        "SELECT * FROM public.salaries",
        "CREATE TABLE own.more (x INTEGER)",
        "DROP TABLE own.pairs",
        "TRUNCATE own.pairs",
        "UPDATE own.meta SET value = '99'",
        "CREATE SCHEMA another",
        "CREATE ROLE another",
    ):
        with psycopg.connect(url, autocommit=True) as role, pytest.raises(psycopg.errors.InsufficientPrivilege):
            role.execute(statement)
    other = trajc("mirror", url, "--schema", "another")
    assert (other.code, "--print-role" in other.err) == (2, True)
    with psycopg.connect(address, autocommit=True) as owner:
        owner.execute("DROP OWNED BY trajc_mirror; DROP ROLE trajc_mirror")
