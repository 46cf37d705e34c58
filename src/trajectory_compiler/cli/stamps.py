"""Are the times of a log usable? Rows without a stamp, rows that share one, rows whose number contradicts it."""

from __future__ import annotations

from collections.abc import Sequence

from trajectory_compiler.model import Row


class Stamps:
    """Watches sessions go by, each in its order."""

    def __init__(self) -> None:
        self.without = self.equal = self.out_of_order = 0

    def see(self, rows: Sequence[Row]) -> None:
        """Take the rows of one session into account."""
        before: Row | None = None
        for row in rows:
            self.without += row.created_at is None
            if before is not None and row.created_at is not None:
                self.equal += row.created_at == before.created_at
                self.out_of_order += row.id.isdigit() and before.id.isdigit() and int(row.id) < int(before.id)
            before = row
