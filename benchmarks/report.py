"""Measures as tables that read the same in a terminal and in Markdown."""

from __future__ import annotations

from benchmarks.suites import Line, Table

_HEAD = ("log", "rows", "MB", "what", "pairs", "seconds", "CPU s", "rows/CPU s", "MB/CPU s", "x floor", "peak MB")
_LEFT = (0, 3)


def printed(table: Table) -> str:
    """Return a table with its title and notes."""
    cells = [table.head, *table.cells] if table.head else [_HEAD, *(_cells(line) for line in table.lines)]
    left = (0, 1) if table.head else _LEFT
    widths = [max(len(row[i]) for row in cells) for i in range(len(cells[0]))]
    rows = [_row(row, widths, left) for row in cells]
    rule = "|" + "|".join("-" * (w + 1) + ("-" if i in left else ":") for i, w in enumerate(widths)) + "|"
    body = [rows[0], rule, *rows[1:]] if len(rows) > 1 else []
    return "\n".join([f"## {table.title}", "", *body, *([""] if body else []), *table.notes]).rstrip() + "\n"


def _row(row: tuple[str, ...], widths: list[int], left: tuple[int, ...]) -> str:
    padded = [text.ljust(w) if i in left else text.rjust(w) for i, (text, w) in enumerate(zip(row, widths, strict=True))]
    return "| " + " | ".join(padded) + " |"


def _cells(line: Line) -> tuple[str, ...]:
    measure = line.measure
    pairs = measure.counts.get("pairs")
    return (
        measure.job.log.name,
        f"{measure.job.log.rows:,}",
        f"{measure.job.log.bytes / 1e6:.1f}",
        line.what,
        "" if pairs is None else f"{pairs:,}",
        f"{measure.wall_seconds:.2f}",
        f"{measure.cpu_seconds:.2f}",
        f"{measure.rows_per_second:,.0f}",
        f"{measure.mb_per_second:.1f}",
        f"{line.times_floor:.1f}",
        _memory(line),
    )


def _memory(line: Line) -> str:
    """Name the main process and each worker apart: what they share is counted in both."""
    measure = line.measure
    text = f"{measure.peak_bytes / 1e6:.0f}"
    return f"{text} + {measure.workers} x {measure.worker_peak_bytes / 1e6:.0f}" if measure.workers else text
