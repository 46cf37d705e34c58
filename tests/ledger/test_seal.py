"""Sealing and verifying tables of six kinds: clean logs stay clean, and tampering is named."""

from __future__ import annotations

import random
from pathlib import Path

import pytest

from tests.ledger import tampering
from tests.ledger.sealed import KINDS, SealedLog, make, named


@pytest.fixture(params=KINDS)
def log(request: pytest.FixtureRequest, tmp_path: Path) -> SealedLog:
    """Return a log of 40 rows of each kind, not sealed yet."""
    return make(request.param, tmp_path)


@pytest.mark.parametrize("tamper", tampering.KINDS, ids=lambda tamper: tamper.__name__)
def test_each_tampering_is_named(log: SealedLog, tamper: tampering.Tamper) -> None:
    """What an owner did is found and named by row, and nothing else is; put back, the log is clean again."""
    log.seal()
    log.keep()
    for seed in range(3):
        expected = tamper(log, random.Random(seed))
        report = log.verify()
        assert named(report) == expected
        assert not report.is_sound
        log.restore()
        assert log.verify().is_sound
