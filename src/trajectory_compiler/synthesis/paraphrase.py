"""The wording of dataflow questions, rewritten by a model; the program, its answer and its proof stay what they are.

A rewrite is kept only if it passes three hurdles, else the template stays: the rules of `rewording`; a round trip, in which the
model is shown the session's questions and says which of them a rewrite means; and the proof, which is made anew for the new
wording (`prove`, a parameter: proofs live in a layer above this one).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from typing import TypeVar

import msgspec

from trajectory_compiler.dataflow.index import SessionIndex
from trajectory_compiler.errors import ModelError
from trajectory_compiler.model import Finding, Pair, short_hash
from trajectory_compiler.models.protocol import CallPlace, ModelClient, ModelName, Request
from trajectory_compiler.synthesis.answers import Matches, Rewrites
from trajectory_compiler.synthesis.options import SynthesisOptions
from trajectory_compiler.synthesis.prompts import fenced, instructions
from trajectory_compiler.synthesis.reasons import PARAPHRASE, failure_reason
from trajectory_compiler.synthesis.rewording import fault_of, parts_of, values_of

REWRITE_PROMPT, MATCH_PROMPT = "paraphrase-1", "roundtrip-1"
BATCH = 10  # questions of one call
MAX_ORIGINALS = 24  # among which a rewrite must be told
_Typed = TypeVar("_Typed")
Prove = Callable[[Pair], Pair | None]


class Paraphrased(msgspec.Struct, frozen=True, kw_only=True):
    """The pairs in their order, with the same ids. `reworded` lists those with a new question; `failed`: a call failed."""

    pairs: tuple[Pair, ...]
    reworded: tuple[str, ...]
    findings: tuple[Finding, ...]
    failed: bool


async def paraphrase(
    pairs: Sequence[Pair], index: SessionIndex, client: ModelClient, options: SynthesisOptions, prove: Prove
) -> Paraphrased:
    """Reword the questions of one session's dataflow pairs where that is safe. `prove` returns the pair proved, or None.

    Equal questions get one wording, so that an unanswerable one cannot be told from its answerable base. Two calls for ten
    questions. Raises: BudgetError, BoundaryError, and ModelError where the next call would fail, too.
    """
    work = _Rewording(pairs, index, client, options)
    await work.run()
    kept: list[Pair] = []
    reworded: list[str] = []
    for pair in pairs:
        question = work.rewritten.get(parts_of(pair.question)[0])
        if question is None:
            kept.append(pair)
            continue
        form = parts_of(pair.question)[1]
        proved = prove(msgspec.structs.replace(pair, question=f"{question} {form}".strip()))
        if proved is None:
            work.dropped["rewrite_not_proved"] += 1
        else:
            reworded.append(pair.id)
        kept.append(proved or pair)
    session_id = index.trajectory.session_id
    findings = tuple(
        Finding(stage=PARAPHRASE, reason=reason, session_id=session_id, count=times)
        for reason, times in sorted(work.dropped.items())
    )
    return Paraphrased(pairs=tuple(kept), reworded=tuple(reworded), findings=findings, failed=work.failed)


class _Rewording:
    """The questions of one session on their way to the model and back. `rewritten` maps templates to what passed."""

    def __init__(self, pairs: Sequence[Pair], index: SessionIndex, client: ModelClient, options: SynthesisOptions) -> None:
        self.index, self.client, self.options = index, client, options
        self.model = ModelName.parse(options.model)
        self.values = values_of(index)
        self.askers: dict[str, list[Pair]] = {}
        for pair in pairs:
            if pair.program is not None and pair.origin == "dataflow":
                self.askers.setdefault(parts_of(pair.question)[0], []).append(pair)
        self.rewritten: dict[str, str] = {}
        self.dropped: Counter[str] = Counter()
        self.failed = False

    async def run(self) -> None:
        templates = list(self.askers)
        for start in range(0, len(templates), BATCH):
            batch = templates[start : start + BATCH]
            passed = self._passed(batch, await self._rewrite(batch))
            if passed:
                await self._match(passed, templates)

    async def _rewrite(self, batch: list[str]) -> dict[int, str]:
        lines = "\n".join(f"{number}. {question}" for number, question in enumerate(batch, start=1))
        answer = await self._ask(REWRITE_PROMPT, (lines, f"Reword these {len(batch)} questions."), Rewrites, batch)
        return {} if answer is None else {r.number: " ".join(r.question.split()) for r in answer.rewrites}

    def _passed(self, batch: list[str], rewrites: dict[int, str]) -> dict[str, str]:
        """Return what the rules let through: template to rewrite."""
        passed: dict[str, str] = {}
        for number, template in enumerate(batch, start=1):
            rewrite = rewrites.get(number)
            if rewrite is None:
                self.dropped["rewrite_missing"] += 1
                continue
            faults = (fault_of(rewrite, pair, self.values) for pair in self.askers[template])
            fault = next((found for found in faults if found is not None), None)
            if fault is not None:
                self.dropped[fault] += 1
            elif rewrite != template:
                passed[template] = rewrite
        return passed

    async def _match(self, passed: dict[str, str], templates: list[str]) -> None:
        """Ask which original each rewrite means, the originals and the rewrites in an order that gives nothing away."""
        others = [t for t in templates if t not in passed][: max(0, MAX_ORIGINALS - len(passed))]
        originals = sorted([*passed, *others], key=lambda t: short_hash("original", t))
        letters = dict(zip("ABCDEFGHIJ", sorted(passed, key=lambda t: short_hash("rewrite", t)), strict=False))
        numbered = "\n".join(f"{number}. {question}" for number, question in enumerate(originals, start=1))
        lettered = "\n".join(f"{letter}. {passed[template]}" for letter, template in letters.items())
        data = f"Originals:\n{numbered}\n\nRewrites:\n{lettered}"
        answer = await self._ask(MATCH_PROMPT, (data, f"Match these {len(letters)} rewrites."), Matches, originals)
        matched = {} if answer is None else {m.rewrite.strip(" ."): m.original for m in answer.matches}
        for letter, template in letters.items():
            if matched.get(letter) == originals.index(template) + 1:
                self.rewritten[template] = passed[template]
            else:
                self.dropped["rewrite_not_recognised"] += 1

    async def _ask(self, version: str, content: tuple[str, str], form: type[_Typed], questions: Sequence[str]) -> _Typed | None:
        """Ask once; a call that fails for itself alone is counted."""
        data, task = content
        trajectory = self.index.trajectory
        turns = sorted({turn for q in questions for pair in self.askers[q] for turn in pair.supporting_turns})
        request = Request(
            model=self.model,
            instructions=instructions(version),
            prompt=fenced(data, task),
            answer_type=form,
            max_output_tokens=self.options.max_output_tokens,
            temperature=self.options.temperature,
            seed=self.options.seed,
        )
        place = CallPlace(
            stage=PARAPHRASE,
            prompt_version=version,
            source=trajectory.source,
            session_id=trajectory.session_id,
            row_ids=tuple(self.index.turns[turn].row_id for turn in turns),
        )
        try:
            return (await self.client.ask(request, place)).answer
        except ModelError as error:
            if error.stops:
                raise
            self.failed = True
            self.dropped[failure_reason(error)] += 1
            return None
