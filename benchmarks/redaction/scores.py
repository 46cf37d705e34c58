"""What is counted: a labelled value is found when each of its letters and digits is covered by something replaced."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

import msgspec

from benchmarks.redaction.labelled import LabelledRow, is_counted
from benchmarks.redaction.tracing import Interval


class Leak(msgspec.Struct, frozen=True):
    """A labelled value of which something is left, for whoever tunes the rules: test data, no log."""

    kind: str
    value: str
    around: str


class Score(msgspec.Struct, frozen=True, kw_only=True):
    """Counts over a data set. `found` and `labelled` are by type; characters are letters and digits only."""

    engine: str
    rows: int
    bytes: int
    cpu_seconds: float
    labelled: dict[str, int]
    found: dict[str, int]
    replaced_characters: int
    right_characters: int
    rows_with_leak: int
    rows_with_labels: int
    sessions_with_leak: int
    sessions: int
    leaks: tuple[Leak, ...] = ()
    wrong: tuple[str, ...] = ()

    @property
    def precision(self) -> float:
        """Share of the replaced characters that were labelled."""
        return self.right_characters / max(1, self.replaced_characters)

    @property
    def mb_per_second(self) -> float:
        """Megabytes of rows a CPU second."""
        return self.bytes / 1e6 / max(1e-9, self.cpu_seconds)


def score(engine: str, rows: Sequence[LabelledRow], found: Iterable[list[Interval]], cpu_seconds: float) -> Score:
    """Compare what an engine replaced in each row with the labels."""
    labelled, hits = Counter[str](), Counter[str]()
    replaced_characters = right = leaky_rows = 0
    leaky_sessions: set[str] = set()
    leaks: list[Leak] = []
    wrong: list[str] = []
    for row, intervals in zip(rows, found, strict=True):
        covered = _places(row.raw, intervals)
        meant = _places(row.raw, [(label.start, label.end) for label in row.labels])
        replaced_characters += len(covered)
        right += len(covered & meant)
        wrong += [_around(row.raw, start, end) for start, end in intervals if not _places(row.raw, [(start, end)]) & meant]
        is_leaky = False
        for label in row.labels:
            if not is_counted(label.kind):
                continue
            labelled[label.kind] += 1
            if _places(row.raw, [(label.start, label.end)]) <= covered:
                hits[label.kind] += 1
            else:
                is_leaky = True
                leaks.append(Leak(label.kind, row.raw[label.start : label.end], _around(row.raw, label.start, label.end)))
        if is_leaky:
            leaky_rows += 1
            leaky_sessions.add(row.session_id)
    return Score(
        engine=engine,
        rows=len(rows),
        bytes=sum(len(row.raw.encode()) for row in rows),
        cpu_seconds=cpu_seconds,
        labelled=dict(labelled),
        found=dict(hits),
        replaced_characters=replaced_characters,
        right_characters=right,
        rows_with_leak=leaky_rows,
        rows_with_labels=sum(any(is_counted(label.kind) for label in row.labels) for row in rows),
        sessions_with_leak=len(leaky_sessions),
        sessions=len({row.session_id for row in rows}),
        leaks=tuple(leaks),
        wrong=tuple(wrong),
    )


def _places(raw: str, intervals: Iterable[Interval]) -> set[int]:
    """Return the places of letters and digits; the letter of a backslash escape is none."""
    return {
        place
        for start, end in intervals
        for place in range(start, end)
        if raw[place].isalnum() and not (raw[place] in "nrtbfu" and raw[place - 1] == "\\")
    }


def _around(raw: str, start: int, end: int) -> str:
    return f"{raw[max(0, start - 40) : start]}[[{raw[start:end]}]]{raw[end : end + 20]}"
