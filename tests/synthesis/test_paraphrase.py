"""The wording of proved questions is rewritten only where rules, round trip and proof agree that the question stays."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from typing import Any

import pytest

from tests.synthesis.conftest import Telephony
from tests.synthesis.scripted import ScriptedClient, data_of
from trajectory_compiler.errors import InvalidOutputError, ModelError
from trajectory_compiler.model import Pair
from trajectory_compiler.models.protocol import Request
from trajectory_compiler.synthesis import Paraphrased, SynthesisOptions, paraphrase
from trajectory_compiler.synthesis.answers import Match, Matches, Rewrite, Rewrites
from trajectory_compiler.synthesis.reasons import REASONS
from trajectory_compiler.synthesis.rewording import fault_of, parts_of, values_of

OPTIONS = SynthesisOptions(model="test:scripted")
MANNERS = "May I ask: "


def politely(question: str) -> str:
    """Say the same in other words."""
    return MANNERS + question[0].lower() + question[1:]


def truly(rewrite: str, originals: list[str]) -> int:
    """Find the original of a polite rewrite."""
    return next((n for n, original in enumerate(originals, start=1) if politely(original) == rewrite), -1)


def rewriter(rewrite: Callable[[str], str] = politely, match: Callable[[str, list[str]], int] = truly) -> ScriptedClient:
    """Return a client that rewrites and matches by these functions."""

    def script(request: Request[Any], _number: int) -> Rewrites | Matches:
        data = data_of(request)
        numbered = re.findall(r"^\d+\. (.*)$", data, re.MULTILINE)
        if request.answer_type is Rewrites:
            return Rewrites([Rewrite(number, rewrite(question)) for number, question in enumerate(numbered, start=1)])
        lettered = re.findall(r"^([A-J])\. (.*)$", data, re.MULTILINE)
        return Matches([Match(letter, match(question, numbered)) for letter, question in lettered])

    return ScriptedClient(script)


def reworded(telephony: Telephony, client: ScriptedClient, limit: int = 25) -> Paraphrased:
    """Paraphrase the first pairs of the session."""
    pairs = telephony.pairs[:limit]
    return asyncio.run(paraphrase(pairs, telephony.session, client, OPTIONS, telephony.prove))


def reasons(result: Paraphrased) -> set[str]:
    """Return why templates stayed."""
    assert {finding.reason for finding in result.findings} <= set(REASONS)
    return {finding.reason for finding in result.findings}


def test_a_faithful_rewrite_takes_the_place_of_the_template(telephony: Telephony) -> None:
    """Most questions are reworded; ids, answers, programs and the sentence that gives the form stay, the proof holds anew."""
    result = reworded(telephony, rewriter())
    assert len(result.pairs) == 25
    assert len(result.reworded) >= 18
    for old, new in zip(telephony.pairs, result.pairs, strict=False):
        assert (old.id, old.answer, old.program, old.evidence) == (new.id, new.answer, new.program, new.evidence)
        assert parts_of(old.question)[1] == parts_of(new.question)[1]
        assert new.question.startswith(MANNERS) == (new.id in result.reworded)
        assert new.proof.passed


def test_equal_questions_get_one_wording(telephony: Telephony) -> None:
    """An unanswerable question reads like the answerable one that it was made from."""
    pair = telephony.pairs[0]
    result = asyncio.run(paraphrase([pair, pair], telephony.session, rewriter(), OPTIONS, lambda p: p))
    assert (
        result.pairs[0].question
        == result.pairs[1].question
        == f"{politely(parts_of(pair.question)[0])} {parts_of(pair.question)[1]}"
    )


def test_a_rewrite_that_is_not_recognised_is_dropped(telephony: Telephony) -> None:
    """Where the model cannot tell which question a rewrite means, or takes it for another, every template stays."""
    for match in (lambda _rewrite, _originals: -1, lambda rewrite, originals: truly(rewrite, originals) % len(originals) + 1):
        result = reworded(telephony, rewriter(match=match), limit=10)
        assert result.pairs == telephony.pairs[:10]
        assert "rewrite_not_recognised" in reasons(result)


def test_a_rewrite_that_cannot_be_proved_is_dropped(telephony: Telephony) -> None:
    """The proof has the last word: without one the template and its proof stay."""
    pairs = telephony.pairs[:10]
    result = asyncio.run(paraphrase(pairs, telephony.session, rewriter(), OPTIONS, lambda _pair: None))
    assert (result.pairs, result.reworded) == (pairs, ())
    assert "rewrite_not_proved" in reasons(result)


def test_missing_rewrites_are_counted(telephony: Telephony) -> None:
    """A model that returns nothing changes nothing, and that is said."""
    result = reworded(telephony, ScriptedClient(lambda _r, _n: Rewrites([])), limit=5)
    assert result.pairs == telephony.pairs[:5]
    assert reasons(result) == {"rewrite_missing"}


def test_a_call_that_fails_leaves_the_templates(telephony: Telephony) -> None:
    """The session is marked as failed, the pairs stay; an error that would come again is raised."""
    result = reworded(telephony, ScriptedClient(lambda _r, _n: InvalidOutputError("ask", "no JSON", "Retry.")), limit=5)
    assert result.failed
    assert result.pairs == telephony.pairs[:5]
    assert "invalid_output" in reasons(result)
    with pytest.raises(ModelError):
        reworded(telephony, ScriptedClient(lambda _r, _n: ModelError("ask", "wrong key", "Set it.", stops=True)), limit=5)


def named(telephony: Telephony) -> Pair:
    """Return a pair whose question names something and whose answer is read."""
    return next(p for p in telephony.pairs if "`" in p.question and "last" in p.question and p.answer_type == "text")


@pytest.mark.parametrize(
    ("reason", "spoil"),
    [
        ("rewrite_form", lambda q, _: q.rstrip("?")),
        ("rewrite_form", lambda q, _: f"{q} Or not?"),
        ("rewrite_form", lambda q, _: f"{'Well then, ' * 60}{q}"),
        ("rewrite_lost_anchor", lambda q, _: re.sub(r"`[^`]+`", "that thing", q)),
        ("rewrite_lost_anchor", lambda q, _: q.replace("last", "first")),
        ("rewrite_lost_anchor", lambda q, _: q.replace("last ", "")),
        ("rewrite_holds_answer", lambda q, p: q.replace("?", f", namely {p.answer}?")),
        ("rewrite_added_value", lambda q, _: q.replace("?", " for TRK-999?")),
        ("rewrite_added_value", lambda q, _: q.replace("?", " on 2026-03-01?")),
        ("rewrite_added_value", lambda q, _: q.replace("?", " of the 3?")),
        ("rewrite_added_value", lambda q, _: q.replace("?", " when it was unregistered?")),
    ],
)
def test_each_rule_catches_its_fault(telephony: Telephony, reason: str, spoil: Callable[[str, Pair], str]) -> None:
    """Form, anchors, order, the answer, another object, a date, a number, a state of the session: each is noticed."""
    pair = named(telephony)
    values = values_of(telephony.session) | {" unregistered "}
    question = parts_of(pair.question)[0]
    assert fault_of(politely(question), pair, values) is None
    assert fault_of(spoil(question, pair), pair, values) == reason
