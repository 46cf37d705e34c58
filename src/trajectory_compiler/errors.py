"""Every error that a user can meet, as one tree.

    TrajcError                       root: the command line prints its text and exits with `exit_code`
    ├── InputError                   the log, file, table or option cannot be used (exit 2)
    │   ├── SourceError              a log cannot be opened or read
    │   ├── MappingError             a needed column is missing or ambiguous
    │   ├── OptionError              an option or the config holds a value that cannot be used
    │   ├── LedgerError              a ledger cannot be created, or its table is another's
    │   └── SealError                a seal, a key, a checkpoint or a receipt cannot be used
    │       └── RefusedError         a proof does not hold: a forged or mutated checkpoint or receipt (exit 1)
    ├── StoreError                   the store cannot be opened, read or written (exit 2)
    │   ├── StoreLockedError         another run holds the store (exit 4)
    │   └── StoreVersionError        the store was written by a newer version
    ├── ProgramError                 a question program is malformed (a defect or a hand-edited store)
    ├── BoundaryError                a session could not be redacted and was therefore blocked
    ├── MissingExtraError            an optional part is not installed; names the extra
    ├── BudgetError                  the spending limit is reached (exit 3)
    └── ModelError                   a model cannot be asked, or its provider does not answer (exit 2)
        ├── ContextOverflowError     the prompt is longer than the model reads
        ├── InvalidOutputError       what the model gave back is no answer of the asked form
        └── DeferredError            the request goes out with a batch: its answer comes with a later run

A message reads *Cannot GOAL IDENTIFIER: WHAT WAS SEEN. ONE NEXT ACTION.* It holds identifiers and counts, never the
content of a log: that may not be redacted yet.
"""

from __future__ import annotations


class TrajcError(Exception):
    """Root of the tree. `goal` is what could not be done, `seen` what stood in the way, `action` what to do next."""

    exit_code = 2

    def __init__(self, goal: str, seen: str, action: str) -> None:
        super().__init__(goal, seen, action)
        self.goal = goal
        self.seen = seen
        self.action = action

    def __str__(self) -> str:
        return f"Cannot {self.goal}: {self.seen}. {self.action}"


class InputError(TrajcError):
    """Something that the user named cannot be used."""


class SourceError(InputError):
    """A log cannot be opened or read."""


class MappingError(InputError):
    """A column that the compiler needs is missing or ambiguous."""


class OptionError(InputError):
    """An option or a line of the config holds a value that cannot be used."""


class LedgerError(InputError):
    """A ledger cannot be created, or the table of its name is something else."""


class SealError(InputError):
    """A seal, a key, a checkpoint or a receipt cannot be used."""


class RefusedError(SealError):
    """A signature, a proof or a receipt does not hold."""

    exit_code = 1


class StoreError(TrajcError):
    """The store cannot be opened, read or written."""


class StoreLockedError(StoreError):
    """Another run holds the store."""

    exit_code = 4


class StoreVersionError(StoreError):
    """The store was written by a newer version of this program."""


class ProgramError(TrajcError):
    """A question program is malformed."""


class BoundaryError(TrajcError):
    """A session could not be redacted, so nothing of it may pass."""


class MissingExtraError(TrajcError):
    """An optional part is not installed."""

    def __init__(self, goal: str, extra: str) -> None:
        super().__init__(
            goal,
            f"the optional part '{extra}' is not installed",
            f"Install it with: pip install 'trajectory-compiler[{extra}]'",
        )
        self.extra = extra


class BudgetError(TrajcError):
    """The spending limit is reached."""

    exit_code = 3


class ModelError(TrajcError):
    """A model cannot be asked, or its provider does not answer. `stops`: the next call would fail in the same way."""

    def __init__(self, goal: str, seen: str, action: str, *, stops: bool = False) -> None:
        super().__init__(goal, seen, action)
        self.stops = stops


class ContextOverflowError(ModelError):
    """The prompt is longer than the model reads."""


class InvalidOutputError(ModelError):
    """What the model gave back is no answer of the asked form, after one try to repair it."""


class DeferredError(ModelError):
    """The request goes out with a batch, or is in one: its answer comes with a later run. No failure; nothing is lost."""
