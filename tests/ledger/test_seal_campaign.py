"""Campaigns on seals: tamperings found and located, clean logs left in peace, forgeries refused.

By default each runs at a small size; `--long` runs 1,000 tamperings, 100 clean logs and 1,000 forgeries, and prints the counts.
"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path

import msgspec
import pytest

from tests.ledger import tampering
from tests.ledger.forging import flipped, forged_note, forged_receipt
from tests.ledger.sealed import KINDS, make, named
from tests.ledger.test_merkle import Kept, leaves_of
from trajectory_compiler.errors import RefusedError
from trajectory_compiler.ledger import merkle
from trajectory_compiler.ledger.checkpoint import open_checkpoint
from trajectory_compiler.ledger.note import Verifier, read_verifier
from trajectory_compiler.ledger.receipt import Receipt, check_receipt, make_receipt, parse_receipt
from trajectory_compiler.ledger.seal_store import SealStore

FULL = pytest.param(True, marks=pytest.mark.long, id="full")
SMALL = pytest.param(False, id="small")


@pytest.mark.parametrize("full", [SMALL, FULL])
def test_tamperings_are_found_and_located(full: bool, tmp_path: Path) -> None:
    """Every tampering of eight kinds, on tables of six kinds, is named by row, and nothing else is."""
    chance = random.Random(20260301)
    logs = [make(kind, tmp_path / kind, rows=60, seed=1) for kind in KINDS]
    for log in logs:
        log.seal()
        log.keep()
    counts: Counter[str] = Counter()
    for number in range(1_000 if full else 96):
        log, tamper = logs[number % len(logs)], tampering.KINDS[number // len(logs) % len(tampering.KINDS)]
        expected = tamper(log, chance)
        report = log.verify()
        counts["done"] += 1
        counts["found"] += not report.is_sound
        counts["located"] += named(report) == expected
        log.restore()
    print(f"\ntamperings: {dict(counts)}")  # noqa: T201
    assert counts["done"] == counts["found"] == counts["located"]
    assert all(log.verify().is_sound for log in logs)


@pytest.mark.parametrize("full", [SMALL, FULL])
def test_clean_logs_raise_no_alarm(full: bool, tmp_path: Path) -> None:
    """Logs that only grew, sealed in random steps under changing settings of the server, are sound at every checkpoint."""
    alarms = 0
    logs = 100 if full else 12
    for number in range(logs):
        chance = random.Random(number)
        log = make(KINDS[number % len(KINDS)], tmp_path / str(number), rows=chance.randrange(1, 30), seed=number)
        notes, written = [], len(log.ids())
        for _ in range(chance.randrange(1, 5)):
            log.seal()
            notes.append(log.checkpoint.read_text())
            more = chance.randrange(0, 300)
            log.write(written + 1, more, seed=number)
            written += more
            log.unsettle(chance)
        report = log.verify(*notes)
        alarms += not report.is_sound or report.intact + report.new != written
    print(f"\nclean logs: {logs}, false alarms: {alarms}")  # noqa: T201
    assert alarms == 0


@pytest.fixture(scope="module")
def receipts(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Receipt], Verifier]:
    """Return true receipts of tables of every kind, and the key that they were signed with."""
    found = []
    for kind in KINDS:
        folder = tmp_path_factory.mktemp(kind)
        log = make(kind, folder, rows=37)
        log.seal()
        verifier = read_verifier(str(folder / "key.pub"))
        with SealStore.open(log.seals) as store:
            found += [make_receipt(store, str(row_id), None, verifier, log.opened(store)) for row_id in log.ids()[3:30:4]]
    return found, verifier  # one seed, so one key name a table: each receipt is checked with the key of its own note


@pytest.mark.parametrize("full", [SMALL, FULL])
def test_forgeries_are_refused(full: bool, receipts: tuple[list[Receipt], Verifier]) -> None:
    """Forged or mutated checkpoints, receipts and proofs are refused, every one, and the true ones are not."""
    held, key = receipts
    keys = {receipt.checkpoint: Verifier(receipt.checkpoint.split("\n")[0], key.public) for receipt in held}
    for receipt in held:
        check_receipt(parse_receipt(msgspec.json.encode(receipt)), keys[receipt.checkpoint])
    chance = random.Random(7)
    refused: Counter[str] = Counter()
    total = 1_000 if full else 120
    for number in range(total):
        receipt, other = chance.sample(held, 2)
        verifier = keys[receipt.checkpoint]
        what = ("checkpoint", "receipt", "proof")[number % 3]
        if what == "proof":
            refused[what] += not _holds_mutated(chance)
            continue
        try:
            if what == "checkpoint":
                open_checkpoint(forged_note(receipt.checkpoint, chance), verifier)
            else:
                check_receipt(parse_receipt(forged_receipt(receipt, other, chance)), verifier)
        except RefusedError:
            refused[what] += 1
    print(f"\nforgeries refused: {dict(refused)} of {total}")  # noqa: T201
    assert sum(refused.values()) == total


def _holds_mutated(chance: random.Random) -> bool:
    """Say whether a mutated inclusion or consistency proof is accepted."""
    size = chance.randrange(2, 600)
    kept = Kept(leaves_of(size))
    if chance.random() < 0.5:
        index = chance.randrange(size)
        path = merkle.inclusion_proof(index, size, kept)
        place = chance.randrange(len(path))
        path[place] = flipped(path[place], chance)
        return merkle.includes(kept.rows[0][index], index, size, path, kept.root)
    old = chance.randrange(1, size)
    roots = [merkle.root_at(old, kept), kept.root]
    path = merkle.consistency_proof(old, size, kept)
    changed = path if chance.random() < 0.7 else roots
    place = chance.randrange(len(changed))
    changed[place] = flipped(changed[place], chance)
    return merkle.is_consistent(old, size, path, (roots[0], roots[1]))
