"""What cannot be scanned does not pass."""

from __future__ import annotations

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY, session, standard
from trajectory_compiler.model import Json
from trajectory_compiler.redaction import load_policy, redact
from trajectory_compiler.redaction.policy import Limits


@pytest.mark.parametrize("leaf", ["\x01\x02\x03\x04 data", "PNG\ufffd\ufffd\ufffd\ufffd\x1a", "half \ud83d a pair", "\udc80"])
def test_binary_and_broken_texts_become_unscanned(leaf: str) -> None:
    """Control characters, replacement characters and lone surrogates are no text; equal ones share their pseudonym."""
    trajectory = standard(({"a": leaf}, [leaf, "fine"]))
    assert trajectory.turns[0].arguments == {"a": "<UNSCANNED_1>"}
    assert trajectory.turns[0].response == ["<UNSCANNED_1>", "fine"]


@pytest.mark.parametrize("leaf", ["a\x00b\x00c", "\x1b[31mred\x1b[0m", "tab\there\r\n", "naïve 日本語 🙂"])
def test_ordinary_texts_pass(leaf: str) -> None:
    """Terminal colours, NUL-separated lists, line ends and every script are text."""
    assert standard(({}, leaf)).turns[0].response == leaf


def test_a_leaf_over_the_limit_becomes_unscanned() -> None:
    """The size limit is the policy's; a leaf under it is scanned."""
    policy = msgspec.structs.replace(load_policy("standard"), limits=Limits(max_leaf_characters=100))
    turn = redact(session(({"a": "x" * 101}, "y" * 99 + "\n")), policy, BOUNDARY).turns[0]
    assert turn.arguments == {"a": "<UNSCANNED_1>"}
    assert turn.response == "y" * 99 + "\n"


@pytest.mark.parametrize("policy", ["standard", "off"])
@pytest.mark.parametrize("depth", [201, 10_000])
def test_deep_json_is_cut_without_recursion(policy: str, depth: int) -> None:
    """What lies below 200 levels is replaced; the rest of the document and the session pass."""
    deep: Json = "amy@example.com"
    for _ in range(depth):
        deep = [deep]
    turn = redact(session(({"deep": deep, "ok": 1}, "fine")), load_policy(policy), BOUNDARY).turns[0]
    text = msgspec.json.encode(turn.arguments).decode()
    assert "<UNSCANNED_1>" in text
    assert "amy" not in text
    assert turn.arguments["ok"] == 1


def test_deep_json_under_the_limit_is_scanned_to_its_end() -> None:
    """At 199 levels the address is found and the document keeps its shape."""
    deep: Json = "amy@example.com"
    for _ in range(199):
        deep = {"k": deep}
    turn = standard((deep, "")).turns[0]
    assert msgspec.json.encode(turn.arguments) == msgspec.json.encode(deep).replace(b"amy@example.com", b"<EMAIL_1>")


def test_deep_json_inside_a_string_is_harmless() -> None:
    """A string of a million brackets is a text like any other."""
    text = "[" * 500_000 + "]" * 500_000
    assert standard(({}, text)).turns[0].response == text
