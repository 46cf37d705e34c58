"""How well a verifier tells sound pairs from planted faults: the figures that stand beside every `tested` pair.

Proved dataflow pairs are the sound ones, for their truth is known; each fault of `faults` is planted into them. The verifier
sees neither the proof nor which is which. All intervals resample whole sessions: pairs of one session stand or fall together.

Source: Cohen's kappa (1960); the cluster bootstrap as in Cameron, Gelbach and Miller (2008), section II.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from functools import partial
from random import Random

import msgspec

from trajectory_compiler.model import short_hash
from trajectory_compiler.verification.grading import GRADING_VERSION
from trajectory_compiler.verification.readers.gates import GATES_VERSION, ReaderProof
from trajectory_compiler.verification.readers.judging import JUDGE_PROMPT
from trajectory_compiler.verification.readers.reader import READER_PROMPT

SOUND = "sound"
RESAMPLES = 2_000
MIN_SOUND, MIN_FAULTS = 20, 60  # read before a calibration says anything


class Rate(msgspec.Struct, frozen=True, kw_only=True):
    """A share with its 95% interval over sessions: `hits` of `count`."""

    hits: int
    count: int
    rate: float
    low: float
    high: float


class Calibration(msgspec.Struct, frozen=True, kw_only=True):
    """What a verifier found. `detected` gives each fault's detection rate, `kappa` its agreement with the truth.

    `false_rejection` is the share of sound pairs that fell, `undecided` the share of all that could not be read. `baseline` is
    the accuracy of the better constant answer, whose kappa is 0.
    """

    reader: str
    judge: str
    key: str
    pairs: int
    sessions: int
    detected: dict[str, Rate]
    detection: Rate
    false_rejection: Rate
    undecided: Rate
    accuracy: Rate
    kappa: float
    kappa_low: float
    kappa_high: float
    baseline: float
    readings: int
    planned: int


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """One pair of a calibration: what was planted (`sound`: nothing), its session, and what the verifier said."""

    kind: str
    session: str
    found: ReaderProof


def calibration_key(*, full: bool, judge: str) -> str:
    """Return the name of everything but the reader that a calibration depends on."""
    return short_hash("calibration", READER_PROMPT, JUDGE_PROMPT, GATES_VERSION, GRADING_VERSION, judge, str(full))[:16]


def calibrated(judgements: Sequence[Judgement], reader: str, judge: str, *, full: bool, seed: int = 0) -> Calibration:
    """Add up what a verifier said of sound and faulty pairs. A pair that it could not decide is not accepted, and not rejected.

    Cost: 2,000 resamples of the sessions.
    """
    sample = _Sample(judgements, seed)
    kinds = [kind for kind in dict.fromkeys(one.kind for one in judgements) if kind != SOUND]
    kappa, low, high = sample.interval(_kappa)
    faulty = sum(one.kind != SOUND for one in judgements)
    return Calibration(
        reader=reader,
        judge=judge,
        key=calibration_key(full=full, judge=judge),
        pairs=len(judgements),
        sessions=len({one.session for one in judgements}),
        detected={kind: sample.rate(_fell, partial(_is_of, kind)) for kind in kinds},
        detection=sample.rate(_fell, lambda one: one.kind != SOUND),
        false_rejection=sample.rate(_fell, lambda one: one.kind == SOUND),
        undecided=sample.rate(lambda one: one.found.outcome == "undecided", lambda _: True),
        accuracy=sample.rate(_is_right, lambda _: True),
        kappa=kappa,
        kappa_low=low,
        kappa_high=high,
        baseline=max(faulty, len(judgements) - faulty) / max(1, len(judgements)),
        readings=sum(len(one.found.taken) for one in judgements),
        planned=sum(one.found.planned for one in judgements),
    )


def is_trusted(found: Calibration, min_detection: float, max_false_rejection: float) -> bool:
    """Say whether a verifier may move pairs: over enough pairs, it finds enough faults and rejects few sound ones."""
    enough = found.false_rejection.count >= MIN_SOUND and found.detection.count >= MIN_FAULTS
    return enough and found.detection.rate >= min_detection and found.false_rejection.rate <= max_false_rejection


def _is_of(kind: str, one: Judgement) -> bool:
    return one.kind == kind


def _fell(one: Judgement) -> bool:
    return one.found.outcome == "failed"


def _is_right(one: Judgement) -> bool:
    return one.found.outcome == ("passed" if one.kind == SOUND else "failed")


def _kappa(judgements: Sequence[Judgement]) -> float:
    """Return Cohen's kappa between accepted or not and sound or not; 0 where one side is constant."""
    total = len(judgements)
    if not total:
        return 0.0
    accepted = sum(one.found.outcome == "passed" for one in judgements) / total
    sound = sum(one.kind == SOUND for one in judgements) / total
    agree = sum((one.found.outcome == "passed") == (one.kind == SOUND) for one in judgements) / total
    chance = accepted * sound + (1 - accepted) * (1 - sound)
    return 0.0 if chance == 1 else (agree - chance) / (1 - chance)


class _Sample:
    """Judgements by session, and the resamples that all intervals share."""

    def __init__(self, judgements: Sequence[Judgement], seed: int) -> None:
        self._all = judgements
        clusters: dict[str, list[Judgement]] = defaultdict(list)
        for one in judgements:
            clusters[one.session].append(one)
        self._clusters = list(clusters.values())
        draw = Random(seed)  # noqa: S311  # a seeded draw
        count = len(self._clusters)
        self._draws = [[draw.randrange(count) for _ in range(count)] for _ in range(RESAMPLES if count > 1 else 0)]

    def rate(self, hit: Callable[[Judgement], bool], of: Callable[[Judgement], bool]) -> Rate:
        """Return the share of hits among the judgements that count, with its interval."""
        parts = [(sum(hit(one) for one in cluster if of(one)), sum(map(of, cluster))) for cluster in self._clusters]
        hits, count = sum(part[0] for part in parts), sum(part[1] for part in parts)
        found = []
        for places in self._draws:
            drawn = sum(parts[place][1] for place in places)
            if drawn:
                found.append(sum(parts[place][0] for place in places) / drawn)
        low, high = _ends(found)
        return Rate(hits=hits, count=count, rate=round(hits / count, 4) if count else 0.0, low=low, high=high)

    def interval(self, figure: Callable[[Sequence[Judgement]], float]) -> tuple[float, float, float]:
        """Return a figure of all judgements with its interval."""
        found = [figure([one for place in places for one in self._clusters[place]]) for places in self._draws[:500]]
        return round(figure(self._all), 4), *_ends(found)


def _ends(found: list[float]) -> tuple[float, float]:
    """Return the 2.5% and 97.5% points; (0, 1), which says nothing, where there is one session only."""
    if not found:
        return 0.0, 1.0
    found.sort()
    return round(found[int(0.025 * len(found))], 4), round(found[min(len(found) - 1, int(0.975 * len(found)))], 4)
