"""The language model: what it sees, what it adds, and what happens without it."""

from __future__ import annotations

from importlib.util import find_spec

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY, session
from trajectory_compiler.errors import MissingExtraError
from trajectory_compiler.redaction import load_policy, ner, redact
from trajectory_compiler.redaction.scan import Scanner

WITH_MODEL = msgspec.structs.replace(load_policy("standard"), names="model")
needs_model = pytest.mark.skipif(find_spec(ner.PACKAGE) is None, reason="the optional part 'ner' is not installed")


@pytest.mark.parametrize("text", ["Please tell Ngozi that Piotr moved.", "sonia wojtach"])
def test_prose_is_read(text: str) -> None:
    """Sentences and names are."""
    assert ner.is_prose(text)


@pytest.mark.parametrize(
    "text", ["HAT057", "if (a == b) { return c[0]; }", "https://example.org/a/b", "0190a5c2-8f3e-7abc-9def", ""]
)
def test_code_and_identifiers_are_not_read(text: str) -> None:
    """They hold no prose, and the model would see names in them."""
    assert not ner.is_prose(text)


def test_a_policy_that_wants_the_model_does_not_go_without(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where the model is missing nothing is redacted at all: the error names the extra."""
    monkeypatch.setattr(ner, "find_spec", lambda _: None)
    ner.load_model.cache_clear()
    with pytest.raises(MissingExtraError, match=r"trajectory-compiler\[ner\]"):
        Scanner(WITH_MODEL)
    ner.load_model.cache_clear()


@needs_model
def test_the_model_finds_people_that_no_rule_knows() -> None:
    """A name in the middle of a sentence is replaced, and found again where the model reads nothing."""
    raw = session(({"note": "Everybody in the office was glad when Ngozi came back from holiday."}, "x=Ngozi;"))
    turn = redact(raw, WITH_MODEL, BOUNDARY).turns[0]
    assert turn.arguments == {"note": "Everybody in the office was glad when <PERSON_1> came back from holiday."}
    assert turn.response == "x=<PERSON_1>;"


@needs_model
def test_other_files_than_the_tested_ones_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """The model's files are pinned by their SHA-256."""
    monkeypatch.setitem(ner.SHA256, "tokenizer.json", "0" * 64)
    ner.load_model.cache_clear()
    with pytest.raises(Exception, match="not the one that was tested"):
        ner.load_model()
    ner.load_model.cache_clear()


@needs_model
def test_redacting_twice_with_the_model_changes_nothing() -> None:
    """Pseudonyms are no names to the model."""
    once = redact(session(({}, "Please tell Ngozi Okafor that Piotr moved to 12 Mill Lane.")), WITH_MODEL, BOUNDARY).turns[0]
    twice = redact(session((once.arguments, once.response)), WITH_MODEL, BOUNDARY).turns[0]
    assert twice.response == once.response
