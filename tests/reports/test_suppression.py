"""What is hidden cannot be had back: not from a total, not from a second table."""

from __future__ import annotations

from collections import defaultdict
from itertools import product

from trajectory_compiler.reports.suppression import Cell, Table, TableRow, publish, rounded


def table(k: int = 5, **counts: int) -> Table:
    """Publish counts, each from as many sessions."""
    return publish([Cell(name, count, count) for name, count in counts.items()], k)


def test_a_small_cell_hides_with_the_next_smallest() -> None:
    """Alone it would be the total less the others."""
    assert table(a=812, b=40, c=2) == Table(rows=(TableRow("a", 810),), other=40, total=850)


def test_small_cells_hide_with_a_cell_of_enough_sessions() -> None:
    """A sum over cells that may all be of the same few sessions is shown only with one that is not."""
    assert table(a=100, b=3, c=4, d=20) == Table(rows=(TableRow("a", 100),), other=25, total=125)


def test_what_comes_from_few_sessions_is_hidden() -> None:
    """Forty pairs of one session say something about that session."""
    assert publish([Cell("a", 100, 20), Cell("b", 40, 1)], 5) == Table(rows=(), other=140, total=140)


def test_a_table_over_few_sessions_shows_nothing() -> None:
    """Not even its total."""
    assert publish([Cell("a", 100, 3), Cell("b", 40, 2)], 5) == Table()
    assert publish([Cell("a", 100, 3), Cell("b", 40, 2)], 5, sessions=4) == Table()


def test_a_cell_of_nothing_is_no_cell() -> None:
    """Zero is left out and hides nothing."""
    assert table(a=100, b=0) == Table(rows=(TableRow("a", 100),), other=None, total=100)


def test_every_number_is_a_multiple() -> None:
    """Rounding is to the nearest; what is too small to be shown is None."""
    assert [rounded(count, count, 5) for count in (4, 5, 7, 8, 12, 13)] == [None, 5, 5, 10, 10, 15]
    assert rounded(100, 4, 5) is None


def test_no_published_table_has_only_one_original() -> None:
    """Of all tables of three cells, every one that is published leaves at least two counts possible for each cell."""
    most = 15
    originals: dict[Table, list[tuple[int, ...]]] = defaultdict(list)
    for counts in product(range(most + 8), repeat=3):
        originals[table(**dict(zip("abc", counts, strict=True)))].append(counts)
    told = {made: found for made, found in originals.items() if max(map(max, found)) <= most + 2}
    assert len(told) > 50
    for made, found in told.items():
        for place, name in enumerate("abc"):
            possible = {counts[place] for counts in found}
            assert len(possible) > 1 or possible == {0}, (made, name)


def test_the_difference_of_two_tables_does_not_tell_a_small_cell() -> None:
    """A total with and without a cell of 1 to 4, each published by itself, leaves every one of these possible."""
    for small in range(1, 5):
        seen = {(table(a=n, b=n).total, table(a=n, b=n, c=small).total) for n in range(50, 60)}
        for other in range(1, 5):
            assert seen & {(table(a=n, b=n).total, table(a=n, b=n, c=other).total) for n in range(50, 60)}
