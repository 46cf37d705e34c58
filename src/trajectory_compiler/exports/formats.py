"""One exported line for one pair, in each format. A record holds no nulls but a whole value's `span`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from trajectory_compiler.exports.context import tokens
from trajectory_compiler.exports.prompt import answer_text, request_text
from trajectory_compiler.exports.request import THOUSAND, Context, ExportFormat
from trajectory_compiler.model import GATES, Pair
from trajectory_compiler.synthesis.acc import ORIGIN
from trajectory_compiler.synthesis.options import TokenCount

Record = dict[str, Any]
FILLED = 0.75  # of its budget: the share from which on a context of pieces counts as one of that length


class Item(msgspec.Struct, frozen=True, kw_only=True):
    """A pair with the text that it is shown in."""

    pair: Pair
    context: str
    setting: Context
    bare: bool
    count: TokenCount = tokens


def jsonl_record(item: Item) -> Record:
    """Return the full record: everything that is known of the pair but its program."""
    pair = item.pair
    record: Record = {
        "id": pair.id,
        "session_id": pair.session_id,
        "row_ids": pair.row_ids,
        "question": pair.question,
        "answer": pair.answer,
        "answer_type": pair.answer_type,
        "qa_type": pair.qa_type,
        "supporting_turns": pair.supporting_turns,
        "evidence": [{"turn": e.turn, "path": e.path, "span": e.span, "quote": e.quote} for e in pair.evidence],
        "origin": pair.origin,
        "state": pair.state,
        "hops": pair.hops,
        "width": pair.width,
        "span_turns": pair.span_turns,
        "guess_rate": pair.proof.guess_rate,
        "proof": _outcomes(pair),
        "split": pair.split,
        "context": item.context,
    }
    return record | ({"withheld_turns": pair.withheld_turns} if pair.withheld_turns else {})


def inspect_record(item: Item) -> Record:
    """Return a sample as Inspect AI's `json_dataset` reads it; the metadata serve clustering and grouping of scores."""
    pair = item.pair
    metadata: Record = {
        "session_id": pair.session_id,
        "qa_type": pair.qa_type,
        "answer_type": pair.answer_type,
        "origin": pair.origin,
        "state": pair.state,
        "split": pair.split,
        "hops": pair.hops,
        "width": pair.width,
        "span_turns": pair.span_turns,
        "guess_rate": pair.proof.guess_rate,
        "supporting_turns": pair.supporting_turns,
        "row_ids": pair.row_ids,
        "context": item.setting.label,
        "context_tokens": item.count(item.context),
    }
    if pair.withheld_turns:
        metadata["withheld_turns"] = pair.withheld_turns
    return {
        "input": request_text(pair, item.context, bare=item.bare),
        "target": pair.answer,
        "id": pair.id,
        "metadata": metadata,
    }


def acc_record(item: Item) -> Record:
    """Return the columns of the ACC data set (arXiv:2605.21850): two messages, the gold answer, the length class."""
    return {
        "dialogs": _messages(item),
        "ground_truth_answer": item.pair.answer,
        "context_length": _length_class(item),
    }


def chat_record(item: Item) -> Record:
    """Return messages for fine-tuning: one user message, one answer; no system message, which some chat templates refuse."""
    return {"messages": _messages(item)}


RECORDS: dict[ExportFormat, Callable[[Item], Record]] = {
    "jsonl": jsonl_record,
    "inspect": inspect_record,
    "acc": acc_record,
    "chat": chat_record,
}


def _messages(item: Item) -> list[dict[str, str]]:
    return [
        {"role": "user", "content": request_text(item.pair, item.context, bare=item.bare)},
        {"role": "assistant", "content": answer_text(item.pair, bare=item.bare)},
    ]


def _outcomes(pair: Pair) -> dict[str, bool]:
    """Return the gates that apply, in the order of the design."""
    return {gate: outcome for gate in GATES if (outcome := pair.proof.gates.get(gate)) is not None}


def _length_class(item: Item) -> str:
    """Return the budget as the user wrote it, or the context's own length in thousands of tokens, rounded up.

    Where the log did not have pieces enough for the budget, the own length is the true one.
    """
    length = item.count(item.context)
    if item.setting.kind == "budget" and (item.pair.origin != ORIGIN or length >= FILLED * item.setting.tokens):
        return item.setting.label
    return f"{-(-length // THOUSAND)}k"
