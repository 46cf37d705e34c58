"""A person rewrites a question: a program is proved anew with it, prose becomes a candidate that must be read anew."""

from __future__ import annotations

from msgspec.structs import replace

from trajectory_compiler.errors import InputError
from trajectory_compiler.model import Pair
from trajectory_compiler.store import Review, Store
from trajectory_compiler.synthesis.grounds import Answered
from trajectory_compiler.synthesis.quotes import holds_answer, is_question
from trajectory_compiler.verification import claim_of, prove


def edit_question(store: Store, pair: Pair, question: str, review: Review) -> Pair:
    """Store a pair with another question and who wrote it. The answer stays: another answer would be another pair.

    Raises: InputError: the proof does not hold for the new wording, or it is not one question, or it tells the answer.
    """
    goal, action = f"edit pair '{pair.id[:12]}'", "Word it otherwise, or reject the pair."
    if pair.state == "superseded":
        raise InputError(goal, "it was superseded by a later compilation of its session", "Edit a pair that is current.")
    edited = replace(pair, question=question)
    if pair.program is None:
        if not is_question(question):
            raise InputError(goal, "the new text is not one question of one line that ends in its mark", action)
        if holds_answer(question, Answered(pair.answer, pair.answer_type)):
            raise InputError(goal, "the new question holds the answer", action)
        store.save_edit(replace(edited, state="candidate"), review)
        return edited
    proof = prove(claim_of(edited), store.trajectory_of(pair).turns)
    if not proof.passed:
        failed = next((gate for gate, went in proof.gates.items() if went is False), "unknown")
        raise InputError(goal, f"the gate '{failed}' is false for the new wording", action)
    edited = replace(edited, proof=proof)
    store.save_edit(edited, review)
    return edited
