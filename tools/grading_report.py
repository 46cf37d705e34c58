"""What graders accept: `python -m tools.grading_report`, with `--judge local:PATH.gguf` a model's word on a seeded part.

Over the proved pairs of the recorded logs, whose right answers are known, wrong answers are made: *topical* ones (other values
of the session from where the answer stands), *near* misses, *longer* lists and hedges, *partial* forms, *contrary* ones; and
right answers in other *forms*. A table gives the share of the wrong ones that each grader accepts and of the right ones that it
refuses. The judge is asked about all kinds of answers, those that the rules decide, too: it shows what it would do alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from random import Random
from typing import NamedTuple

from tools.draw_sample import LOGS, ROOT
from trajectory_compiler.config import CompileOptions, ModelOptions
from trajectory_compiler.errors import ModelError
from trajectory_compiler.model import Pair, decimal_text, number_of, plain
from trajectory_compiler.models import ModelName, open_client
from trajectory_compiler.pipeline import compile_into
from trajectory_compiler.store import PairQuery, Store
from trajectory_compiler.verification.grading import grade, token_f1
from trajectory_compiler.verification.readers.judging import ModelJudge
from trajectory_compiler.verification.readers.scripted import topical
from trajectory_compiler.verification.readers.views import Visible

WRONG = ("topical", "near", "longer", "partial", "contrary")
TOPICAL_EACH = 3


class Answer(NamedTuple):
    """An answer to be graded: what is done to the right one (`form`: nothing, it is written otherwise)."""

    pair: Pair
    kind: str
    text: str


Grader = Callable[[Pair, str], bool]


def by_type(pair: Pair, text: str) -> bool:
    """Grade by the rules alone; what they leave to a judge is not accepted."""
    verdict = grade(pair.answer, text, pair.answer_type)
    return verdict is not None and verdict.right


GRADERS: dict[str, Grader] = {
    "typed": by_type,
    "exact match": lambda pair, text: text.strip() == pair.answer,
    "normalised words": lambda pair, text: plain(text) == plain(pair.answer),
    "token F1 >= 0.5": lambda pair, text: token_f1(pair.answer, text) >= 0.5,
    "token F1 >= 0.8": lambda pair, text: token_f1(pair.answer, text) >= 0.8,
    "gold in answer": lambda pair, text: pair.answer.casefold() in text.casefold(),
    "answer in gold or gold in answer": lambda pair, text: (
        plain(text).strip() in plain(pair.answer) or plain(pair.answer).strip() in plain(text)
    ),
}


def answers_to(pair: Pair, visible: Visible, draw: Random) -> Iterator[Answer]:
    """Yield wrong answers of each kind that a pair allows, and right ones in other forms."""
    others = [text for text in topical(pair, pair.answer, visible) if not _is_same(pair.answer, text)]
    number = number_of(pair.answer)
    if number is not None:
        others = [text for text in others if number_of(text) is not None] or [str(n) for n in range(2, 12) if n != number]
    for text in draw.sample(others, min(TOPICAL_EACH, len(others))):
        yield Answer(pair, "topical", text)
        yield Answer(pair, "longer", f"{pair.answer} or {text}")
        yield Answer(pair, "longer", f"{text}, {pair.answer}")
    yield Answer(pair, "contrary", f"not {pair.answer}")
    yield Answer(pair, "contrary", f"Anything but {pair.answer}.")
    if number is not None:
        yield Answer(pair, "near", decimal_text(number + 1))
        yield Answer(pair, "near", decimal_text(number * 10))
        yield from (Answer(pair, "form", form) for form in _forms_of_number(number))
        return
    yield Answer(pair, "near", f"{pair.answer}2")
    yield Answer(pair, "near", pair.answer[:-1])
    words = pair.answer.split()
    if len(words) > 1:
        yield Answer(pair, "partial", " ".join(words[: len(words) // 2]))
    if pair.answer_type == "change":
        old, new = pair.answer.split(" -> ", 1)
        yield from (Answer(pair, "partial", side) for side in (old, new))
        yield Answer(pair, "contrary", f"{new} -> {old}")
        yield Answer(pair, "form", f"from {old} to {new}")
    for form in (f"`{pair.answer}`", f"{pair.answer}.", f'"{pair.answer}"', f"The answer is {pair.answer}."):
        yield Answer(pair, "form", form)


def _is_same(one: str, other: str) -> bool:
    return plain(one) == plain(other) or (number_of(one) is not None and number_of(one) == number_of(other))


def _forms_of_number(number: Decimal) -> Iterator[str]:
    yield f"{number:,.2f}"
    yield f"{number:,}"
    yield f"${decimal_text(number)}"
    yield f"The answer is {decimal_text(number)}."
    yield f"`{decimal_text(number)}`"


def all_answers(log: Path, seed: int) -> list[Answer]:
    """Compile a log and return the answers to all of its pairs that have one."""
    found: list[Answer] = []
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db") as store:
        compile_into(store, str(log), CompileOptions())
        shown: dict[tuple[str, int | None, tuple[int, ...]], Visible] = {}
        for pair in store.pairs(PairQuery(limit=100_000)):
            if pair.answer_type == "abstention":
                continue
            key = (pair.trajectory_digest, pair.context_end, pair.withheld_turns)
            if key not in shown:
                shown[key] = Visible(pair, store.trajectory_of(pair).turns)
            found += answers_to(pair, shown[key], Random(f"{seed}/{pair.id}"))
    return found


def table(answers: Sequence[Answer], said: Mapping[str, Sequence[bool]]) -> Iterator[str]:
    """Yield the rows: for each grader, how many wrong answers of each kind it accepts and how many right ones it refuses."""
    count: dict[str, int] = defaultdict(int)
    for answer in answers:
        count[answer.kind] += 1
    yield (
        "| grader | "
        + " | ".join(f"{kind} accepted (of {count[kind]})" for kind in WRONG)
        + f" | right refused (of {count['form']}) |"
    )
    yield "|---" * (len(WRONG) + 2) + "|"
    for name, accepted in said.items():
        cells = []
        for kind in (*WRONG, "form"):
            of_kind = [took for answer, took in zip(answers, accepted, strict=True) if answer.kind == kind]
            hits = sum(of_kind) if kind != "form" else len(of_kind) - sum(of_kind)
            cells.append(f"{hits} ({hits / max(1, len(of_kind)):.0%})")
        yield f"| {name} | " + " | ".join(cells) + " |"


async def judged(answers: Sequence[Answer], model: str) -> list[bool | None]:
    """Ask a model about each answer, one after another; None where it gave no usable one."""
    said: list[bool | None] = []
    with tempfile.TemporaryDirectory() as folder, Store.open(Path(folder) / "store.db") as store:
        run = store.begin_run("grading_report", "logs", "{}", "1")
        async with open_client(ModelOptions(), store.call_ledger(run), None) as client:
            judge = ModelJudge(client, ModelName.parse(model))
            for answer in answers:
                try:
                    said.append(await judge.judge(answer.pair, answer.text) == "right")
                except ModelError as error:
                    if error.stops:
                        raise
                    said.append(None)
                print(f"{len(said)} of {len(answers)}: {answer.kind}: {said[-1]}", flush=True)
    return said


def drawn(answers: Sequence[Answer], size: int, seed: int) -> list[Answer]:
    """Return about `size` answers, as many of each kind as there are, each of another pair where that is possible."""
    draw, found = Random(seed), list[Answer]()
    for kind in (*WRONG, "form"):
        of_kind = [answer for answer in answers if answer.kind == kind]
        draw.shuffle(of_kind)
        seen: dict[str, Answer] = {}
        for answer in of_kind:
            seen.setdefault(answer.pair.id, answer)
        found += list(seen.values())[: size // (len(WRONG) + 1)]
    return found


def main(arguments: Sequence[str] | None = None) -> None:
    """Grade and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--logs", type=Path, default=ROOT.parent / "shared" / "data", help="the folder of recorded logs")
    parser.add_argument("--judge", default=None, help="a model that grades a part of the answers, too: local:PATH.gguf")
    parser.add_argument("--answers", type=int, default=60, help="how many answers the judge is asked about")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args(arguments)
    answers = [answer for log in LOGS for answer in all_answers(options.logs / log, options.seed)]
    print(f"{len(answers)} answers to {len({answer.pair.id for answer in answers})} pairs\n")
    print(
        "\n".join(table(answers, {name: [take(a.pair, a.text) for a in answers] for name, take in GRADERS.items()})), flush=True
    )
    if options.judge:
        part = drawn(answers, options.answers, options.seed)
        said = asyncio.run(judged(part, options.judge))
        usable = [(answer, word) for answer, word in zip(part, said, strict=True) if word is not None]
        print(f"\n{options.judge} on {len(part)} of them, {len(part) - len(usable)} without a usable answer\n")
        words = {"the judge": [word for _, word in usable]}
        words |= {name: [take(a.pair, a.text) for a, _ in usable] for name, take in GRADERS.items()}
        print("\n".join(table([answer for answer, _ in usable], words)))


if __name__ == "__main__":
    main()
