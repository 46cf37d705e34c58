"""Why something that a model wrote was not kept: the closed list of reasons, each with what it means."""

from __future__ import annotations

from trajectory_compiler.errors import ContextOverflowError, InvalidOutputError

STAGE, PARAPHRASE, PROPOSALS = "synthesis", "paraphrase", "proposals"

REASONS: dict[str, str] = {
    # calls
    "nothing_proposed": "the model answered a window with no pair",
    "call_failed": "the provider did not answer a window, or refused",
    "context_overflow": "a window was longer than the model reads",
    "invalid_output": "what came back was no answer of the asked form, after one repair try",
    # turns and quotes
    "too_few_turns": "a pair cites fewer than two turns",
    "turn_not_shown": "a pair cites a turn that its window did not show",
    "quote_missing": "a cited turn has no quote, or one without a letter or digit",
    "quote_not_found": "a quote does not stand in its turn to the letter",
    "adjacent": "the cited turns stand next to each other",
    # question and answer
    "question_form": "not one question of one line and at most 600 characters that ends in a question mark",
    "answer_form": "the answer is empty, longer than 200 characters or not one line",
    "turn_number": "question or answer names a turn by its number",
    "names_the_window": "the question speaks of the log, the excerpt or the window instead of the work",
    "yes_or_no": "the answer is yes or no, or the question offers a choice of two",
    "abstention": "the answer is that the log does not say",
    "answer_in_question": "the question holds the answer",
    "answer_not_supported": "the answer neither stands in a quote nor follows from the quotes by a rule of `grounds`",
    "foreign_value": "question or answer names something that no cited turn shows",
    "one_turn_suffices": "one turn shows the answer and all that the question names",
    # other pairs
    "same_question": "the session has a pair with this question already",
    "same_evidence": "the session has a pair that rests on the same places already, or on the same turns with this answer",
    "paraphrase": "the session has a pair with this answer and nearly this question already",
    "beyond_limit": "the session has as many pairs as were asked for",
    # kept, but not as it was
    "reasoning_dropped": "the reasoning was too long or named what no cited turn shows: the pair is kept without it",
    # question programs that a model proposed
    "program_malformed": "a proposed program names a tool, call or field that there is not, or has a form that no family has",
    "program_undefined": "a proposed program has no answer on the session",
    "program_not_worth_asking": "a proposed program answers with a stamp, a truth value or a made-up number",
    "program_weak": "a proposed program needs no two turns that lie apart, or another turn shows its answer",
    "program_not_proved": "a gate of the proof fails for a proposed program",
    "program_known": "the session has this program already",
    # paraphrases of dataflow questions: the question stays as it was
    "rewrite_missing": "no rewrite came back for a question",
    "rewrite_form": "a rewrite is not one question of one line, or more than twice as long as the original",
    "rewrite_lost_anchor": "a rewrite lacks a literal of the program, a number, or a word that fixes order or form",
    "rewrite_added_value": "a rewrite names something that the original does not",
    "rewrite_holds_answer": "a rewrite holds the answer or a value that leads to it",
    "rewrite_not_proved": "the proof does not hold for the new wording",
    "rewrite_not_recognised": "asked which question a rewrite means, the model picked another one",
}


def failure_reason(error: BaseException) -> str:
    """Return the reason that stands for a call without a usable answer."""
    if isinstance(error, ContextOverflowError):
        return "context_overflow"
    return "invalid_output" if isinstance(error, InvalidOutputError) else "call_failed"
