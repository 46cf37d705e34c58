"""The standard policy on recorded logs: what it must find, and what it must leave alone."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tests.redaction.logs import BOUNDARY
from trajectory_compiler.model import Json, RawTrajectory, Row, render
from trajectory_compiler.redaction import load_policy, redact
from trajectory_compiler.redaction.scan import LABEL

# What stands in the recorded logs by our own reading, and the most of their characters that it may cost: people with their
# addresses in profiles, mail addresses in commits, user names in paths, session tokens and network addresses in the cloud log.
EXPECTED = {
    "tau_airline.jsonl": ({"ADDRESS", "DOB", "EMAIL", "PERSON", "POSTCODE", "USERNAME"}, 0.05),
    "coding_agent.jsonl": ({"EMAIL", "PERSON", "USERNAME"}, 0.01),  # one reviewer is named
    "cloudtrail.jsonl": ({"IP", "MAC", "SECRET", "USERNAME"}, 0.005),
}
FOUND = {"EMAIL", "PHONE", "CARD", "CARD_CVV", "API_KEY", "PASSWORD", "JWT", "PRIVATE_KEY"}


def _sessions(lines: Iterator[dict[str, Any]]) -> list[RawTrajectory]:
    rows: dict[str, list[Row]] = defaultdict(list)
    for line in lines:
        rows[line["session_id"]].append(
            Row(
                id=str(line["id"]),
                session_id=line["session_id"],
                created_at=line["created_at"],
                agent=line["agent"],
                tool=line["tool"],
                arguments=_parsed(line["arguments"]),
                response=_parsed(line["response"]),
            )
        )
    return [RawTrajectory(source="log", session_id=name, rows=tuple(found), digest="raw") for name, found in rows.items()]


def _parsed(value: Json) -> Json:
    if isinstance(value, str) and value[:1] in ("{", "["):
        try:
            return json.loads(value)
        except ValueError:
            return value
    return value


@pytest.mark.parametrize("name", EXPECTED)
def test_recorded_logs_are_not_over_redacted(recorded: Path, name: str) -> None:
    """Only the kinds that really stand in a log are found, in a small part of its characters."""
    with (recorded / name).open() as file:
        sessions = _sessions(map(json.loads, file))
    kinds: set[str] = set()
    characters = labels = 0
    for raw in sessions:
        for turn in redact(raw, load_policy("standard"), BOUNDARY).turns:
            text = render(turn)
            found = LABEL.findall(text)
            kinds.update(label[1:].split("_")[0] for label in found)
            characters += len(text)
            labels += sum(map(len, found))
    expected, share = EXPECTED[name]
    assert kinds == expected
    assert labels < characters * share, labels / characters


def test_every_labelled_value_of_the_first_policy_is_gone(recorded: Path) -> None:
    """Of the labelled British log, no address, phone, card, key, token, password or private key survives, in any turn."""
    with (recorded / "uk_agent_log_pii.jsonl").open() as file:
        labelled = [json.loads(line) for line in file]
    rows = {str(json.loads(item["text"])["id"]): item for item in labelled}
    survivors, looked_for = [], 0
    for raw in _sessions(json.loads(item["text"]) for item in labelled):
        for turn in redact(raw, load_policy("standard"), BOUNDARY).turns:
            written = msgspec.json.encode([turn.arguments, turn.response]).decode() + json.dumps(
                [turn.arguments, turn.response]
            )
            for start, end, kind in rows[turn.row_id]["spans"]:
                if kind in FOUND:
                    looked_for += 1
                    value = rows[turn.row_id]["text"][start:end]
                    if value[:40] in written or value.replace("\\\\n", "\n").replace("\\n", "\n")[:40] in written:
                        survivors.append((turn.row_id, kind))
    assert looked_for > 2000
    assert survivors == []
