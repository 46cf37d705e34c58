"""Report how well small local scorers tell that some turns support an answer: `python -m tools.scorer_report STORE...`.

Of each store's proved pairs a sample is drawn. Sound is a pair with its own turns; against it stand the same pair without one
of its needed turns, and pairs with a planted fault: a wrong answer, a near miss, a swapped turn. The proofs say which is
which. A scorer sees the question, the answer and the turns, and says one number; its figure is the area under the ROC curve
(.5: a coin; 1: some threshold tells all apart), with the 95% interval of resampled sessions ("one" where all pairs are of one
session). Two baselines need no model; models are files of the user's, `tools/scorer_models.py` says which. Writes Markdown.
"""

from __future__ import annotations

import argparse
import re
import time
from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from random import Random

import msgspec

from trajectory_compiler.model import Pair
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.verification.readers.faults import Kind, plant
from trajectory_compiler.verification.readers.views import Visible, views

FAULTS: tuple[Kind, ...] = ("wrong_answer", "near_miss", "evidence_swapped")
KINDS = ("without_one", *FAULTS)
RESAMPLES = 500
Scorer = Callable[[str, str, Sequence[str]], float]


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """What a scorer sees, with what was done to it (`sound`: nothing) and the session that it is of."""

    kind: str
    session: str
    question: str
    answer: str
    turns: tuple[str, ...]


def overlap(question: str, answer: str, turns: Sequence[str]) -> float:
    """Return the share of the question's words that the turns show."""
    del answer
    asked = set(re.findall(r"\w+", question.lower()))
    return len(asked & set(re.findall(r"\w+", " ".join(turns).lower()))) / max(1, len(asked))


def contained(question: str, answer: str, turns: Sequence[str]) -> float:
    """Return 1 if the turns show the answer and every value that the question quotes, else 0."""
    text = "\n".join(turns)
    return float(all(value in text for value in (answer, *re.findall(r"`([^`]+)`", question))))


BASELINES: dict[str, Scorer] = {"words of the question": overlap, "answer and values contained": contained}


def cases(store: Store, pairs: int, seed: int) -> list[Case]:
    """Return the sound cases of a draw of proved pairs, at most two views of each that lack a turn, and its faults."""
    drawn = store.pairs(PairQuery(states=("proved", "reviewed"), seed=seed))
    usable = (pair for pair in drawn if pair.program is not None and pair.answer_type != "abstention")
    return [case for pair, _ in zip(usable, range(pairs), strict=False) for case in _of(store, pair, seed)]


def _of(store: Store, pair: Pair, seed: int) -> Iterator[Case]:
    turns = store.trajectory_of(pair).turns
    visible = Visible(pair, turns)
    seen = list(views(pair, visible, full=False))
    lacking = [view.turns for view in seen if view.name == "without_one" and view.turns]
    yield from (_case("sound", pair, visible, view.turns) for view in seen if view.name == "supporting")
    draw = Random(f"{seed}/{pair.id}")
    yield from (_case("without_one", pair, visible, shown) for shown in draw.sample(lacking, min(2, len(lacking))))
    for kind in FAULTS:
        fault = plant(kind, pair, turns, seed)
        if fault is not None and fault.changes_truth:
            shown = next(view.turns for view in views(fault.pair, visible, full=False) if view.name == "supporting")
            yield _case(kind, fault.pair, visible, shown)


def _case(kind: str, pair: Pair, visible: Visible, shown: Sequence[int]) -> Case:
    texts = tuple(visible.text([index]) for index in shown)
    return Case(kind=kind, session=pair.session_id, question=pair.question, answer=pair.answer, turns=texts)


def area(sound: Sequence[float], faulty: Sequence[float]) -> float:
    """Return the share of (sound, faulty) couples in which the sound one scores higher, ties counted half; no couple: .5."""
    below, ties, at = 0.0, 0.0, sorted(faulty)
    counts: dict[float, tuple[int, int]] = {}
    for place, value in enumerate(at):
        counts[value] = (counts.get(value, (place, 0))[0], counts.get(value, (place, 0))[1] + 1)
    for value in sound:
        first, same = counts.get(value, (_before(at, value), 0))
        below, ties = below + first, ties + same
    return (below + ties / 2) / (len(sound) * len(faulty)) if sound and faulty else 0.5


def _before(ordered: Sequence[float], value: float) -> int:
    low, high = 0, len(ordered)
    while low < high:
        middle = (low + high) // 2
        low, high = (middle + 1, high) if ordered[middle] < value else (low, middle)
    return low


def interval(scored: Sequence[tuple[Case, float]], kind: str) -> tuple[float, float] | None:
    """Return the 95% interval of the area over resampled sessions, or None where there is one session."""
    sessions: dict[str, tuple[list[float], list[float]]] = defaultdict(lambda: ([], []))
    for case, score in scored:
        if case.kind in ("sound", kind):
            sessions[case.session][case.kind == kind].append(score)
    groups, draw = list(sessions.values()), Random(0)
    if len(groups) < 2:
        return None
    found = []
    for _ in range(RESAMPLES):
        chosen = draw.choices(groups, k=len(groups))
        found.append(area([s for one, _ in chosen for s in one], [s for _, other in chosen for s in other]))
    found.sort()
    return found[RESAMPLES * 25 // 1000], found[RESAMPLES * 975 // 1000 - 1]


def row_of(log: str, name: str, scorer: Scorer, judged: Sequence[Case]) -> str:
    """Score every case and return a row of the table."""
    begun = time.process_time()
    scored = [(case, scorer(case.question, case.answer, case.turns)) for case in judged]
    seconds = (time.process_time() - begun) / max(1, len(judged))
    cells = []
    for kind in KINDS:
        found = area([s for c, s in scored if c.kind == "sound"], [s for c, s in scored if c.kind == kind])
        bounds = interval(scored, kind)
        cells.append(f"{found:.2f} ({f'{bounds[0]:.2f} to {bounds[1]:.2f}' if bounds else 'one'})")
    return f"| {log} | {name} | {' | '.join(cells)} | {seconds:.4f} |"


def main() -> None:
    """Read the options, score, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("stores", type=Path, nargs="+", metavar="STORE")
    parser.add_argument("--pairs", type=int, default=100)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--words", type=Path, help="a folder with a table of word vectors (.safetensors) and a tokenizer")
    parser.add_argument("--sentences", type=Path, help="a folder with an ONNX sentence encoder and its tokenizer.json")
    parser.add_argument("--entailment", type=Path, help="a folder with an ONNX classifier of (premise, hypothesis) couples")
    given = parser.parse_args()
    found = dict(BASELINES)
    if given.words or given.sentences or given.entailment:
        from tools.scorer_models import scorers_of_files  # noqa: PLC0415  # numpy and onnxruntime, which the baselines do not need

        found |= scorers_of_files(given.words, given.sentences, given.entailment)
    print(f"| log | scorer | {' | '.join(KINDS)} | CPU s each |\n|---|---|{'---|' * len(KINDS)}---:|")
    for place in given.stores:
        with Store.open(place, create=False, read_only=True) as store:
            judged = cases(store, given.pairs, given.seed)
        counted = {kind: sum(case.kind == kind for case in judged) for kind in ("sound", *KINDS)}
        for name, scorer in found.items():
            print(row_of(place.stem, name, scorer, judged), flush=True)
        told = ", ".join(f"{count} {kind}" for kind, count in counted.items())
        print(f"| {place.stem} | {len({case.session for case in judged})} sessions: {told} |" + " |" * (len(KINDS) + 1))


if __name__ == "__main__":
    main()
