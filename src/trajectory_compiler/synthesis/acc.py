"""The paper's own compilation: a session's task and final answer become a pair, the results of its calls its evidence.

    made = compile_acc(index, AccOptions(), split)      # one pair, or the reason why there is none

The question is the one that the agent was given, the answer the one that it gave: nobody worded either anew, no model is asked,
and nothing is proved about them. That the answer is right is the log's word (`only_success`), that it rests on several results
is found by a backward slice (`acc_trace`); therefore these pairs are candidates, of an origin of their own.

Their type is `composition`: several results, one after another or side by side, lead to one answer. It is not a finding about
the question, which may ask for anything; `hops` and `width` say what the slice saw, and the origin tells these pairs apart.

Source: ACC (arXiv:2605.21850), which keeps the question and the verified answer of an agent's run.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

import msgspec

from trajectory_compiler.dataflow.index import SessionIndex, contains
from trajectory_compiler.errors import OptionError
from trajectory_compiler.model import AnswerType, Finding, Json, Pair, Proof, Turn, canonical, json_text, number_of, plain
from trajectory_compiler.synthesis.acc_pieces import pieces_of, shows_all, terms_of
from trajectory_compiler.synthesis.acc_trace import Asked, Trace, trace
from trajectory_compiler.synthesis.compose import prose_id
from trajectory_compiler.synthesis.grounds import naming
from trajectory_compiler.synthesis.options import AccOptions

STAGE = ORIGIN = "acc"
ACC_VERSION = "acc-1"
FIRST, ALL, LAST = "first-message", "messages", "last-message"
JOINED = "\n- "  # a bare line break would make a signature of "Thank you." and the word after it
MAX_TASK = 4_000  # characters
MAX_ANSWER = 1_000
LEAST_PIECES = 2
_FIELD = re.compile(r"\S+\.[^.\s]+")
_SAID = ("content", "message", "text")
_EMPTY_WORDS = frozenset(
    "a all an and any anything are assist be been bye can cannot day do done else feel for free further glad goodbye great "
    "had happy has have help hello hi i if is it let me more my nice no none not ok okay please pleasure so sorry sure "
    "thank thanks that the there this to true false unknown very was welcome will with yes you your".split()
)

REASONS: dict[str, str] = {
    "no_task": "the user says nothing, or the tool that was named as holding the task is not called",
    "task_is_a_reply": "the first message of the user answers the agent: the log does not hold what came before",
    "task_too_long": f"the task is longer than {MAX_TASK:,} characters",
    "no_answer": "the agent says nothing, or the tool that was named as holding the answer is not called",
    "answer_before_task": "the answer stands before the task or in its turn",
    "answer_trivial": "the answer is empty, a yes or no, or a phrase of politeness",
    "answer_too_long": f"the answer is longer than {MAX_ANSWER:,} characters",
    "answer_in_task": "the task holds the answer",
    "failed_session": "the session failed, and only successful ones were asked for",
    "unknown_outcome": "nothing says how the session ended, and only successful ones were asked for",
    "too_few_pieces": f"the values of the answer lead to fewer than {LEAST_PIECES} results",
    "one_piece_suffices": "one result shows all values of the answer beside all that the task names",
}


class AccMade(msgspec.Struct, frozen=True, kw_only=True):
    """What one session gave: a pair, or a finding that says why not."""

    pairs: tuple[Pair, ...]
    findings: tuple[Finding, ...]


def check_fields(options: AccOptions) -> None:
    """Raise OptionError where a field is neither a kind of message nor of the form TOOL.ARGUMENT."""
    for option, field, words in (("--task", options.task, (FIRST, ALL)), ("--answer", options.answer, (LAST,))):
        if field not in words and not _FIELD.fullmatch(field):
            raise OptionError(
                f"read {option}",
                f"'{field}' is neither {' nor '.join(words)} nor of the form TOOL.ARGUMENT",
                "Name an argument such as submit.answer; columns outside of the mapping never cross the redaction boundary.",
            )


def compile_acc(index: SessionIndex, options: AccOptions, split: str) -> AccMade:
    """Make the pair of one redacted session. Deterministic; asks nothing. Cost: see `trace`."""
    found = find(index.turns, options)
    if isinstance(found, str):
        return _dropped(index, found)
    traced = trace(index, found)
    if len(traced.turns) < LEAST_PIECES:
        return _dropped(index, "too_few_pieces")
    pieces = pieces_of(index.trajectory, found.turn)
    terms = terms_of(found.task, pieces)
    if terms and any(shows_all(piece, (*traced.values, *terms)) for piece in pieces):
        return _dropped(index, "one_piece_suffices")
    return AccMade(pairs=(_pair(index, found, traced, split),), findings=())


def find(turns: Sequence[Turn], options: AccOptions) -> Asked | str:
    """Return the task and the answer of a session, or the reason why it has none that can be used."""
    answer = _answer(turns, options.answer)
    if answer is None:
        return "no_answer"
    end, said = answer
    task = _task(turns[:end], options.task)
    if isinstance(task, str):
        return "answer_before_task" if task == "no_task" and _task(turns, options.task) != "no_task" else task
    asked = Asked(task=task[1], answer=said, turn=end)
    return _unusable(asked) or (_outcome(turns, end) if options.only_success else "") or asked


def said(document: Json) -> str:
    """Return what a message says: the text itself, or what stands under `content`, `message` or `text`, block by block."""
    return "\n".join(text for text in _texts(document) if text)


def _texts(document: Json) -> Iterator[str]:
    if isinstance(document, str):
        yield document.strip()
    elif isinstance(document, list):
        for item in document:
            yield from _texts(item)
    elif isinstance(document, dict):
        yield from _texts(next((document[key] for key in _SAID if document.get(key)), None))


def _task(turns: Sequence[Turn], field: str) -> tuple[int, str] | str:
    if field in (FIRST, ALL):
        spoken = [(turn.index, text) for turn in turns if turn.kind == "exchange" and (text := said(turn.response))]
        if not spoken:
            return "no_task"
        if field == ALL:
            return spoken[0][0], JOINED.join(text for _, text in spoken)
        first = spoken[0][0]
        is_reply = any(turn.kind == "exchange" and said(turn.arguments) for turn in turns[: first + 1])
        return "task_is_a_reply" if is_reply else spoken[0]
    held = _held(turns, field)
    return held[0] if held else "no_task"


def _answer(turns: Sequence[Turn], field: str) -> tuple[int, str] | None:
    if field == LAST:
        spoken = [(turn.index, text) for turn in turns if turn.kind == "exchange" and (text := said(turn.arguments))]
    else:
        spoken = _held(turns, field)
    return spoken[-1] if spoken else None


def _held(turns: Sequence[Turn], field: str) -> list[tuple[int, str]]:
    """Return an argument of every call of a tool that has it."""
    tool, _, name = field.rpartition(".")
    calls = [turn for turn in turns if turn.tool == tool and isinstance(turn.arguments, dict)]
    held = [(turn.index, turn.arguments.get(name)) for turn in calls]
    return [(at, (canonical(value) or json_text(value)).strip()) for at, value in held if value not in (None, "", [], {})]


def _unusable(asked: Asked) -> str:
    if len(asked.task) > MAX_TASK:
        return "task_too_long"
    if len(asked.answer) > MAX_ANSWER:
        return "answer_too_long"
    if not set(plain(asked.answer).split()) - _EMPTY_WORDS:
        return "answer_trivial"
    return "answer_in_task" if contains(asked.task, asked.answer) or plain(asked.answer) in plain(asked.task) else ""


def _outcome(turns: Sequence[Turn], end: int) -> str:
    """Return why a session is no success, or nothing. What a message looks like says nothing good about it, but a flag may."""
    last_call = next((turn for turn in reversed(turns[: end + 1]) if turn.kind == "tool" and turn.ok is not None), None)
    if any(turn.ok is False for turn in (turns[end], turns[-1], *([last_call] if last_call else []))):
        return "failed_session"
    return "" if last_call is not None else "unknown_outcome"


def _pair(index: SessionIndex, asked: Asked, traced: Trace, split: str) -> Pair:
    trajectory = index.trajectory
    return Pair(
        id=prose_id(trajectory.source, trajectory.session_id, asked.task, traced.evidence),
        source=trajectory.source,
        session_id=trajectory.session_id,
        trajectory_digest=trajectory.digest,
        qa_type="composition",
        program=None,
        question=asked.task,
        answer=asked.answer,
        answer_type=_type(asked.answer),
        evidence=traced.evidence,
        supporting_turns=traced.turns,
        row_ids=tuple(index.turns[turn].row_id for turn in traced.turns),
        hops=traced.hops,
        width=traced.width,
        span_turns=traced.turns[-1] - traced.turns[0] + 1,
        proof=Proof(gates={}, reasons=(f"compiled by {ACC_VERSION}",)),
        origin=ORIGIN,
        split=split,
        context_end=asked.turn,
        reasoning=_steps(index, traced),
    )


def _type(answer: str) -> AnswerType:
    if number_of(answer) is not None:
        return "number"
    return "identifier" if len(answer.split()) == 1 and list(naming(answer)) == [answer] else "text"


def _steps(index: SessionIndex, traced: Trace) -> str:
    """Return what each result gave to the answer or to a later call, in time order."""
    given = {turn: [quote.quote for quote in traced.evidence if quote.turn == turn] for turn in traced.turns}
    return "; ".join(f"{index.turns[turn].tool} gives {', '.join(values)}" for turn, values in given.items() if values)


def _dropped(index: SessionIndex, reason: str) -> AccMade:
    finding = Finding(stage=STAGE, reason=reason, session_id=index.trajectory.session_id)
    return AccMade(pairs=(), findings=(finding,))
