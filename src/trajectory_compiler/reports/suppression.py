"""Counts that may be published: small ones hidden, none to be had back by subtraction.

    {"count": 812, "change": 40, "walk": 2}   ->   rows: count 810, change merged with walk into `other`: 40; total 850

Three rules, all for the same smallest count `k`:

1. A figure is shown only where at least `k` things of at least `k` sessions stand behind it.
2. What is not shown goes into `other`, together with the next smallest cell as long as `other` itself is too small or holds a
   single cell, which the total would give away.
3. Every number that is shown is rounded to a multiple of `k`, and a total is the sum of what is shown, not of what was counted:
   a total rounded by itself would tell some cells exactly. So the difference of any two numbers of the report, also of two
   different tables, leaves several counts possible.

Source: primary and complementary cell suppression and rounding, as statistical offices use them for frequency tables
(Hundepool et al., Statistical Disclosure Control, 2012, chapter 5).
"""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

SMALLEST = 5


class Cell(msgspec.Struct, frozen=True):
    """An exact count with the number of sessions behind it (at least)."""

    name: str
    count: int
    sessions: int


class TableRow(msgspec.Struct, frozen=True):
    """One shown count, rounded."""

    name: str
    count: int


class Table(msgspec.Struct, frozen=True, kw_only=True):
    """Counts by name. `other` adds up what is too small to be shown; `total` is null where even the sum is too small.

    `other` null means that nothing was hidden, or, where `total` is null too, that nothing may be shown.
    """

    rows: tuple[TableRow, ...] = ()
    other: int | None = None
    total: int | None = None


def rounded(count: int, sessions: int, k: int) -> int | None:
    """Return a count to the nearest multiple of `k`, or None where it, or the number of sessions behind it, is below `k`."""
    return None if count < k or sessions < k else _nearest(count, k)


def publish(cells: Iterable[Cell], k: int, sessions: int = 0) -> Table:
    """Return the table that may be published, its rows in the order given. Cells of 0 are left out.

    `sessions` is how many stand behind all cells together, where that is known; fewer than `k` show nothing.
    """
    given = [cell for cell in cells if cell.count > 0]
    if not _may_show(given, k, sessions):
        return Table()
    hidden = [cell for cell in given if cell.count < k or cell.sessions < k]
    left = sorted((cell for cell in given if cell not in hidden), key=lambda cell: (cell.count, cell.name))
    while hidden and left and (len(hidden) < 2 or not _may_show(hidden, k)):
        hidden.append(left.pop(0))
    shown = set(left)
    rows = tuple(TableRow(cell.name, _nearest(cell.count, k)) for cell in given if cell in shown)
    other = _nearest(sum(cell.count for cell in hidden), k) if hidden else None
    return Table(rows=rows, other=other, total=sum(row.count for row in rows) + (other or 0))


def _may_show(cells: list[Cell], k: int, sessions: int = 0) -> bool:
    """Say whether a sum may be shown. One session may stand behind several cells: only the largest number is certain."""
    behind = max((cell.sessions for cell in cells), default=0)
    return sum(cell.count for cell in cells) >= k and max(behind, sessions) >= k


def _nearest(count: int, k: int) -> int:
    return (2 * count + k) // (2 * k) * k
