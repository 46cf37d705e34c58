"""The labelled logs, in one form: raw JSON rows of sessions with the places of what is personal or secret."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import msgspec

from benchmarks.logs import RECORDED

DATA = RECORDED.parent


class Label(msgspec.Struct, frozen=True):
    """A labelled value: where it stands in the raw row, and its type in the words of the data set."""

    start: int
    end: int
    kind: str


class LabelledRow(msgspec.Struct, frozen=True):
    """One row as raw JSON, with its labels."""

    session_id: str
    raw: str
    labels: tuple[Label, ...]


# Types of the sentence set that name no single person: engines differ in what they mean by them.
_LOOSE = frozenset("ORGANIZATION GPE NRP TITLE AGE DATE_TIME DOMAIN_NAME".split())


def uk_log(path: Path = DATA / "uk_agent_log_pii.jsonl") -> Iterator[LabelledRow]:
    """Read a labelled agent log: `{"text": raw row, "spans": [[start, end, type], ...]}` a line."""
    with path.open("rb") as file:
        for line in file:
            record = msgspec.json.decode(line)
            row = msgspec.json.decode(record["text"])
            labels = tuple(Label(*span) for span in record["spans"])
            yield LabelledRow(row["session_id"], record["text"], labels)


def sentences(path: Path = DATA / "pii_synth_v2.json") -> Iterator[LabelledRow]:
    """Read the labelled sentences of presidio-research, each as a session of one row."""
    for number, record in enumerate(msgspec.json.decode(path.read_bytes())):
        text = record["full_text"]
        encoded = msgspec.json.encode({"text": text}).decode()
        raw = '{"response":' + encoded + "}"
        shift = [len('{"response":{"text":"')]
        for character in text:
            shift.append(shift[-1] + len(msgspec.json.encode(character).decode()) - 2)
        labels = tuple(
            Label(shift[span["start_position"]], shift[span["end_position"]], span["entity_type"]) for span in record["spans"]
        )
        yield LabelledRow(f"sentence-{number}", raw, labels)


def is_counted(kind: str) -> bool:
    """Say whether values of a type must be found; the others only count as no false alarm where they are replaced."""
    return kind not in _LOOSE


def half(rows: Iterable[LabelledRow], *, odd: bool) -> list[LabelledRow]:
    """Return every second session: one half to tune on, the other to report."""
    numbers: dict[str, int] = {}
    return [row for row in rows if numbers.setdefault(row.session_id, len(numbers)) % 2 == odd]
