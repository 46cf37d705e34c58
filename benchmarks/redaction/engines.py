"""The engines that are compared: this project's boundary, and Presidio in an environment of its own."""

from __future__ import annotations

import subprocess
import tempfile
import time
from collections.abc import Sequence
from itertools import groupby
from pathlib import Path

import msgspec

from benchmarks.redaction.labelled import LabelledRow
from benchmarks.redaction.tracing import Interval, Leaf, content_leaves, replaced
from trajectory_compiler.errors import BoundaryError
from trajectory_compiler.model import Json, RawTrajectory, Row
from trajectory_compiler.redaction import Boundary, Policy, redact

_BOUNDARY = Boundary(effect=lambda row: False, frequency=lambda value: 1)  # noqa: ARG005  nothing is compiled here


class Outcome(msgspec.Struct, frozen=True):
    """What an engine replaced in each row, what it cost, and how many sessions it refused."""

    intervals: list[list[Interval]]
    cpu_seconds: float
    blocked: int = 0


def by_boundary(rows: Sequence[LabelledRow], policy: Policy) -> Outcome:
    """Redact each session and trace what was replaced. A blocked session leaks nothing and counts as wholly replaced."""
    found: list[list[Interval]] = []
    seconds, blocked = 0.0, 0
    for session_id, group in groupby(rows, key=lambda row: row.session_id):
        members = list(group)
        parsed = [msgspec.json.decode(row.raw) for row in members]
        raw = RawTrajectory(
            source="benchmark",
            session_id=session_id,
            rows=tuple(_row(number, session_id, row) for number, row in enumerate(parsed)),
            digest="",
        )
        began = time.process_time()
        try:
            turns = redact(raw, policy, _BOUNDARY).turns
        except BoundaryError as error:
            print(error)
            blocked += 1
            found += [[(0, len(row.raw))] for row in members]
            continue
        finally:
            seconds += time.process_time() - began
        for row, original, turn in zip(members, parsed, turns, strict=True):
            changed = {"arguments": turn.arguments, "response": turn.response}
            found.append(replaced(row.raw, {key: changed.get(key, value) for key, value in original.items()}))
    return Outcome(found, seconds, blocked)


def by_presidio(rows: Sequence[LabelledRow], python: Path) -> Outcome:
    """Run Presidio over every leaf of the same rows, in the environment that has it."""
    leaves: list[list[Leaf]] = [list(content_leaves(row.raw)) for row in rows]
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "texts.json", Path(folder) / "spans.json"
        source.write_bytes(msgspec.json.encode([[leaf.text for leaf in row] for row in leaves]))
        script = Path(__file__).with_name("presidio_child.py")
        subprocess.run([python, script, source, target], check=True)
        answer = msgspec.json.decode(target.read_bytes())
    found = [
        [(leaf.places[a], leaf.places[b]) for leaf, spans in zip(row, row_spans, strict=True) for a, b in spans]
        for row, row_spans in zip(leaves, answer["spans"], strict=True)
    ]
    return Outcome(found, answer["cpu_seconds"])


def _row(number: int, session_id: str, row: dict[str, Json]) -> Row:
    return Row(
        id=str(row.get("id", number)),
        session_id=session_id,
        created_at=row.get("created_at"),
        agent=row.get("agent", ""),
        tool=row.get("tool", ""),
        arguments=row.get("arguments"),
        response=row.get("response"),
    )
