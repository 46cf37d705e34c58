"""The pairs of an evidence pack: what is claimed of them, ten of them with their queries, and what the method cannot do."""

from __future__ import annotations

from collections import Counter

from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.errors import InputError, ProgramError
from trajectory_compiler.exports.in_words import GATE_WORDS
from trajectory_compiler.exports.program_words import program_in_words
from trajectory_compiler.model import GATES, Pair, Trajectory
from trajectory_compiler.reports.evidence import Content, Inputs, Sheet, ShownPair
from trajectory_compiler.store import PairQuery
from trajectory_compiler.verification import claim_of, prove, session_for_many

STATE_WORDS = {
    "proved": "a program gives the answer on the redacted rows, and every gate of the exact checker held",
    "tested": "written by a model; a calibrated reader passed the gates",
    "reviewed": "a person accepted it",
    "candidate": "not shown as a result",
    "rejected": "a gate or a person turned it down",
    "superseded": "its session changed, a newer one stands in its place",
}
ORIGINALS = (
    "A query gives the answer from the original rows, so where the answer was redacted it gives the original value: run it "
    "only where the log itself may be read."
)
LIMITS = (
    "A proof is about the redacted log: this program gives this answer on these rows. It does not say that the log is true.",
    "A pair is no measure of how well an agent did its work, and no decision about a person rests on it.",
    "Redaction finds what its rules know. What is stored is pseudonymised data and stays personal data.",
    "Which calls change the world, and which failed, is guessed from names and responses where the log does not say.",
    "Pairs come from values that link calls. Work that leaves none behind gives no pair: the mix is no picture of the work.",
    "Pairs written by a model rest on a reader that is a model itself; its measured rates stand above, or are missing.",
    "A seal shows changes of sealed rows. It says nothing of the time before they were sealed, or of rows that never came.",
    "Counts of what was dropped are those of the last run of each session.",
)


def proofs(inputs: Inputs) -> Content:
    """Say how many pairs are in which state, what that state means, and how the gates of the exact checker came out."""
    states = inputs.store.totals().pairs
    made = Counter((fact.state, fact.origin) for fact in inputs.store.facts(PairQuery()))
    outcomes: dict[tuple[str, str], Counter[bool | None]] = {}
    for item in inputs.store.figures().gates():
        outcomes.setdefault((item.checker, item.gate), Counter())[item.outcome] += item.count
    gates = tuple(
        (gate, checker, *(f"{count[outcome]:,}" for outcome in (True, False, None)), GATE_WORDS.get(gate, ""))
        for (checker, gate), count in sorted(outcomes.items(), key=lambda item: (item[0][0], _place(item[0][1])))
    )
    return Content(
        sheets=(
            Sheet(
                caption="Pairs by state: never added up into one figure",
                columns=("state", "pairs", "what it says"),
                rows=tuple((state, f"{count:,}", STATE_WORDS.get(state, "")) for state, count in states.items()),
                numeric=(1,),
            ),
            Sheet(
                caption="Results by state and what they were made by",
                columns=("state", "made by", "pairs"),
                rows=tuple((state, origin, f"{count:,}") for (state, origin), count in sorted(made.items())),
                numeric=(2,),
            ),
            Sheet(
                caption="Gates over all stored proofs",
                columns=("gate", "checker", "passed", "failed", "not tried", "what it says"),
                rows=gates,
                numeric=(2, 3, 4),
            ),
        ),
        notes=() if states else ("The store holds no pair.",),
    )


def _place(gate: str) -> int:
    return GATES.index(gate) if gate in GATES else len(GATES)


def pairs(inputs: Inputs) -> Content:
    """Draw pairs at random, prove each anew, and give the query of each that is one."""
    drawn = inputs.store.pairs(PairQuery(limit=inputs.pairs, seed=inputs.seed))
    shown = tuple(_shown(pair, inputs.store.trajectory_of(pair), inputs) for pair in drawn)
    if not shown:
        return Content(notes=("The store holds no pair that counts as a result.",))
    holds = sum(item.proof == HOLDS for item in shown)
    return Content(
        facts=(
            ("pairs drawn", f"{len(shown):,}"),
            ("proved again while this was written", f"{holds:,}"),
            ("with a query for the original table", f"{sum(item.sql is not None for item in shown):,}"),
            ("seed of the draw", str(inputs.seed)),
        ),
        notes=(ORIGINALS,),
        pairs=shown,
    )


HOLDS = "every gate holds"


def _shown(pair: Pair, trajectory: Trajectory, inputs: Inputs) -> ShownPair:
    sql, why_not = None, ""
    try:
        sql = inputs.sql(pair, trajectory)
    except InputError as error:
        why_not = error.seen
    return ShownPair(
        id=pair.id,
        source=pair.source,
        session_id=pair.session_id,
        state=pair.state,
        origin=pair.origin,
        qa_type=pair.qa_type,
        question=pair.question,
        answer=pair.answer,
        reasoning=pair.reasoning,
        supporting_turns=pair.supporting_turns,
        session_turns=len(trajectory.turns),
        row_ids=pair.row_ids,
        program=_program(pair),
        proof=_proof(pair, trajectory),
        sql=sql,
        no_sql=why_not,
    )


def _program(pair: Pair) -> tuple[tuple[str, str], ...]:
    if pair.program is None:
        return ()
    try:
        return tuple(program_in_words(decode(pair.program)))
    except ProgramError:
        return ()


def _proof(pair: Pair, trajectory: Trajectory) -> str:
    """Prove a pair now, on the stored session, and say how that came out."""
    if pair.program is None:
        return "no program: see its state"
    try:
        proof = prove(claim_of(pair), session_for_many(trajectory.turns))
    except ProgramError:
        return "its program cannot be read"
    failed = [gate for gate, outcome in proof.gates.items() if outcome is False]
    return HOLDS if proof.passed else f"FAILS: {', '.join(failed)}"


def limits(inputs: Inputs) -> Content:  # noqa: ARG001  # the limits are those of the method, whatever the store holds
    """Say what nothing in the pack can show."""
    return Content(notes=LIMITS)
