"""`trajc verify --queue`: a person works off the pairs about which readers disagree or doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from trajectory_compiler.cli.keys import Keys
from trajectory_compiler.cli.pair_lines import print_answer, print_question, turn_text
from trajectory_compiler.cli.screen import console, counted, print_json, say, warn
from trajectory_compiler.errors import InputError
from trajectory_compiler.model import Pair
from trajectory_compiler.pipeline.editing import edit_question
from trajectory_compiler.store import Review, Store, StoredReading
from trajectory_compiler.store.clock import utc_now
from trajectory_compiler.store.records import Verdict

AROUND_CHARACTERS = 160
DOUBTFUL = 0.75  # a score below which a pair that passed is looked at
CHOICES: dict[str, Verdict] = {"a": "accept", "r": "reject", "s": "skip", "e": "edit"}


class Doubt(msgspec.Struct, frozen=True, kw_only=True):
    """A pair that a person should look at, and why."""

    pair: Pair
    why: str
    reasons: tuple[str, ...]


def doubts(store: Store) -> list[Doubt]:
    """Return the pairs that wait for a person: proved ones that a reader let fall, then undecided and doubtful ones in prose.

    A pair that a person decided is not asked about again.
    """
    found: dict[str, tuple[int, Doubt]] = {}
    for reading in store.readings():
        rank, why = _doubt(reading)
        if rank and reading.pair_id not in found:
            pair = store.pair(reading.pair_id)
            if pair.state != "superseded" and not any(r.verdict in ("accept", "reject") for r in store.reviews(pair.id)):
                found[pair.id] = (rank, Doubt(pair=pair, why=f"{reading.checker}: {why}", reasons=reading.reasons))
    return [doubt for _, doubt in sorted(found.values(), key=lambda item: (item[0], item[1].pair.id))]


def _doubt(reading: StoredReading) -> tuple[int, str]:
    failed = [gate for gate, went in reading.gates.items() if went is False]
    if reading.origin.partition(":")[0] in ("dataflow", "program", "paraphrase"):
        return (1, f"fell at {failed[0]}, though its program is proved") if failed else (0, "")
    if not failed and None in [went for gate, went in reading.gates.items() if gate not in ("causal", "unique")]:
        return 2, "could not be read in full"
    if not failed and reading.score is not None and reading.score < DOUBTFUL:
        return 3, f"passed with a score of {reading.score:.2f}"
    return 0, ""


def work_off(store: Store, reviewer: str, *, as_json: bool) -> int:
    """Ask about each doubtful pair and store every decision at once. Returns the exit code."""
    waiting = doubts(store)
    if not waiting and not as_json:
        say("No pair waits for a person. Readers make them: trajc verify --model NAME")
    made = Counter(_decided(store, waiting, reviewer, Keys(quiet=as_json))) if waiting else Counter[str]()
    if as_json:
        print_json({"waiting": len(waiting) - made.total(), **{name: made[name] for name in CHOICES.values()}})
    elif waiting:
        told = ", ".join(f"{made[name]} {name}" for name in CHOICES.values() if made[name]) or "nothing"
        say(f"Decided: {told}. {counted(len(waiting) - made.total(), 'pair')} left.", style="bold")
    return 0


def _decided(store: Store, waiting: list[Doubt], reviewer: str, keys: Keys) -> Iterator[str]:
    for number, doubt in enumerate(waiting, start=1):
        if not keys.quiet:
            _print(store, doubt, f"{number} of {len(waiting)}")
        key = keys.choose("[a]ccept  [r]eject  [e]dit the question  [s]kip  [q]uit", (*CHOICES, "q"))
        if key in ("q", None):
            return
        verdict = CHOICES[key]
        try:
            _store(store, doubt.pair, verdict, reviewer, keys)
        except InputError as error:
            warn(str(error))
            continue
        yield verdict


def _store(store: Store, pair: Pair, verdict: Verdict, reviewer: str, keys: Keys) -> None:
    question = keys.line("The question: ").strip() if verdict == "edit" else ""
    reason = keys.line("Why (Enter for none): ") if verdict in ("reject", "edit") else ""
    review = Review(pair_id=pair.id, reviewer=reviewer, verdict=verdict, reason=reason, created_at=utc_now())
    if verdict == "edit":
        edit_question(store, pair, question, review)
    else:
        store.add_review(review)


def _print(store: Store, doubt: Doubt, place: str) -> None:
    pair = doubt.pair
    trajectory = store.trajectory_of(pair)
    say()
    console().rule(place)
    print_question(pair, trajectory)
    print_answer(pair)
    say(doubt.why, style="yellow")
    for reason in doubt.reasons:
        say(f"   {reason}", style="dim")
    for turn in sorted(set(pair.supporting_turns) - set(pair.withheld_turns)):
        console().print()
        console().print(turn_text(trajectory.turns[turn], pair.evidence, around=AROUND_CHARACTERS))
    console().print()
