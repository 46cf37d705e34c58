"""Scores as one table: types down, engines across."""

from __future__ import annotations

from collections.abc import Sequence

from benchmarks.redaction.scores import Score


def printed(title: str, scores: Sequence[Score]) -> str:
    """Return a Markdown table of recall by type, then of precision, leaks and speed."""
    kinds = sorted({kind for score in scores for kind in score.labelled})
    lines = [f"## {title}", "", _row("type", [f"{s.engine}: recall" for s in scores]), "|---|" + "---:|" * len(scores)]
    lines += [_row(kind, [_recall(score, kind) for score in scores]) for kind in kinds]
    lines.append(_row("all", [_all(score) for score in scores]))
    lines.append(_row("character precision", [f"{score.precision:.3f}" for score in scores]))
    lines.append(_row("rows with a leak", [_share(s.rows_with_leak, s.rows) for s in scores]))
    lines.append(_row("sessions with a leak", [_share(s.sessions_with_leak, s.sessions) for s in scores]))
    lines.append(_row("MB a CPU second", [f"{score.mb_per_second:.3f}" for score in scores]))
    return "\n".join(lines) + "\n"


def _recall(score: Score, kind: str) -> str:
    labelled = score.labelled.get(kind, 0)
    found = score.found.get(kind, 0)
    return f"{found / labelled:.4f} ({found}/{labelled})" if labelled else ""


def _all(score: Score) -> str:
    labelled, found = sum(score.labelled.values()), sum(score.found.values())
    return f"{found / max(1, labelled):.4f} ({found}/{labelled})"


def _share(part: int, whole: int) -> str:
    return f"{part / max(1, whole):.2%} ({part}/{whole})"


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {name} | " + " | ".join(cells) + " |"
