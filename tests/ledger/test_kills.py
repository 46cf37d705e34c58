"""The kill campaign: agent, database and disk of the spool fail at random points; no acknowledged row is lost or doubled."""

from __future__ import annotations

import random
import signal
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from tests.ledger.chaos import Database, Disk, start_agent
from tests.ledger.written import Written, postgres_written, sqlite_written
from trajectory_compiler.ledger.counts import Counts
from trajectory_compiler.ledger.recorder import GAP_TOOL

ROUNDS, LONG_ROUNDS = 8, 200


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """What one round came to. `recorded` is None where the agent was killed before its spool could count."""

    acknowledged: int
    kept: int
    lost: int
    recorded: int | None
    trouble: tuple[str, ...]


class Campaign:
    """Plays rounds on one ledger. Everything random comes from the seed of the round."""

    def __init__(self, written: Written, database: Database | None, disk: Disk) -> None:
        self.written, self.database, self.disk = written, database, disk
        self.spool = disk.place / "spool"

    def play(self, number: int) -> Round:
        """Start an agent, let things fail, kill it, mend everything, let a successor deliver, and count."""
        chance = random.Random(number)
        session = f"round-{number}"
        plan = self._plan(chance)
        agent = start_agent(self.written.address, self.spool, session, number)
        assert agent.stdout is not None
        said = [int(agent.stdout.readline())]  # it is at work; what it says from here on is read after its end
        for what in plan:
            time.sleep(chance.random() * 0.12)
            self._do(what, agent.pid)
            if what.startswith("agent"):
                agent.send_signal(signal.SIGTERM if what == "agent ends" else signal.SIGKILL)
        said += [int(line) for line in agent.stdout.read().split()]
        agent.wait(60)
        agent.stdout.close()
        for what in ("disk is freed", "database starts"):
            self._do(what, agent.pid)
        recorded = self._recorded()
        lost = self._deliver()
        if lost:
            assert self._gaps()[-1]["lost"] == lost, "the ledger does not say what is missing"
        numbers = [row["arguments"]["n"] for row in self.written.rows(session)]
        assert numbers == list(range(len(numbers))), "rows are missing, doubled or out of order"
        return Round(acknowledged=max(said), kept=len(numbers), lost=lost, recorded=recorded, trouble=plan)

    def _plan(self, chance: random.Random) -> tuple[str, ...]:
        plan = []
        if self.database is not None and chance.random() < 0.5:
            plan += ["database dies", *chance.choice([(), ("database starts",)])]
        if chance.random() < 0.5:
            where = chance.randrange(len(plan) + 1)
            plan[where:where] = ["disk is full", *chance.choice([(), ("disk is freed",)])]
        where = len(plan) if chance.random() < 0.5 else chance.randrange(len(plan) + 1)
        plan.insert(where, chance.choice(["agent is killed"] * 4 + ["agent ends"]))
        return tuple(plan[: where + 1])

    def _do(self, what: str, agent_pid: int) -> None:
        if what == "disk is full":
            self.disk.fill(agent_pid)
        elif what == "disk is freed":
            self.disk.free(agent_pid)
        elif what == "database dies" and self.database is not None:
            self.database.kill(signal.SIGQUIT)
        elif what == "database starts" and self.database is not None:
            self.database.start()

    def _recorded(self) -> int | None:
        """Return what the dead agent's own count says, or None where it left no spool: then all was delivered or never kept."""
        found = None
        for folder in self.spool.glob("*/2*"):
            counts = Counts.adopt(folder)
            if counts is not None:
                found = counts.get("recorded")
                counts.close()
        return found

    def _gaps(self) -> list[dict[str, int]]:
        """Return what the ledger itself says of rows that were lost, the latest last."""
        return [row["response"] for row in self.written.rows("process-%") if row["tool"] == GAP_TOOL]

    def _deliver(self) -> int:
        """Let another process of the same agent send what is left, and return how many rows it says are lost."""
        successor = self.written.recorder(exit_seconds=30)
        successor.status()
        deadline = time.monotonic() + 60
        while any(path.name != successor._name for path in self.spool.glob("*/2*")) and time.monotonic() < deadline:
            time.sleep(0.02)
        status = successor.close()
        assert status.uncommitted == 0
        left = [str(path.relative_to(self.spool)) for path in self.spool.glob("*/2*/*")]
        assert not left, f"rows are left in the spool: {left}"
        return status.lost_before


def check(rounds: list[Round]) -> Counter[str]:
    """Check what must hold of each round and return the sums."""
    sums: Counter[str] = Counter()
    for each in rounds:
        assert each.kept >= each.acknowledged, f"acknowledged rows are lost: {each}"
        if each.recorded is not None:
            assert each.kept + each.lost >= each.recorded, f"rows are missing and nobody says so: {each}"
            if "disk is full" not in each.trouble:
                assert each.kept + each.lost == each.recorded, f"the count of lost rows is wrong: {each}"
        if "agent ends" in each.trouble and not {"disk is full", "database dies"} <= set(each.trouble):
            assert each.lost == 0, f"a clean end lost rows that disk or database would have taken: {each}"
        sums += Counter(rounds=1, acknowledged=each.acknowledged, kept=each.kept, lost=each.lost)
        sums += Counter(each.trouble)
    return sums


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Disk]:
    """Give a spool a disk of its own."""
    made = Disk(tmp_path / "disk")
    yield made
    made.remove()


@pytest.fixture
def database() -> Iterator[Database]:
    """Give a server of its own."""
    made = Database()
    yield made
    made.remove()


def on_postgres(database: Database, disk: Disk, folder: Path, rounds: int) -> Counter[str]:
    """Play rounds on PostgreSQL."""
    campaign = Campaign(msgspec.structs.replace(postgres_written(database.address, folder), folder=disk.place), database, disk)
    return check([campaign.play(number) for number in range(rounds)])


def on_sqlite(disk: Disk, folder: Path, rounds: int) -> Counter[str]:
    """Play rounds on SQLite, where there is no server to kill."""
    campaign = Campaign(msgspec.structs.replace(sqlite_written(folder), folder=disk.place), None, disk)
    return check([campaign.play(number) for number in range(rounds)])


def test_kills_on_postgres(database: Database, disk: Disk, tmp_path: Path) -> None:
    """Agent, server and disk fail at eight random points: every acknowledged row is there once, the lost ones are counted."""
    assert on_postgres(database, disk, tmp_path, ROUNDS)["kept"] > 0


def test_kills_on_sqlite(disk: Disk, tmp_path: Path) -> None:
    """Agent and disk fail at four random points: the same holds for a file."""
    assert on_sqlite(disk, tmp_path, ROUNDS // 2)["kept"] > 0


@pytest.mark.long
def test_two_hundred_kills(database: Database, disk: Disk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The same two hundred times, 150 of them on PostgreSQL; prints the sums."""
    postgres = on_postgres(database, disk, tmp_path, LONG_ROUNDS * 3 // 4)
    sqlite = on_sqlite(disk, tmp_path, LONG_ROUNDS // 4)
    assert postgres["rounds"] + sqlite["rounds"] == LONG_ROUNDS
    with capsys.disabled():
        sys.stdout.write(f"\nPostgreSQL {dict(postgres)}\nSQLite {dict(sqlite)}\n")
