"""The options of a run, as frozen types: nothing else in the program reads flags, files or the environment."""

from __future__ import annotations

import msgspec

COMPILER_VERSION = "1"


class SourceOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How a log is found and read.

    `columns` overrides guesses of the column mapping (`{"session_id": "conversation"}`). `table` or `query` name the data
    inside a database. `name` replaces the source name that pair ids are made from (default: the file or table name).
    """

    columns: dict[str, str] = {}
    table: str | None = None
    query: str | None = None
    name: str | None = None


class SessionOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Which sessions qualify. `since` is an ISO date or stamp: sessions whose last row is older are left out."""

    min_turns: int = 6
    agent: str | None = None
    tool: str | None = None
    since: str | None = None
    limit: int | None = None


class DataflowOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How many pairs are selected from a session and which families are made.

    `max_pairs` None means: 5, or a quarter of the session's turns where that is more.
    """

    max_pairs: int | None = None
    families: tuple[str, ...] = ()
    walk: bool = False
    seed: int = 0


class CompileOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a compile run depends on.

    `policy` is `standard`, `strict`, `off` (`policy_reason` says why) or the path of a policy file (.toml). `workers` 0 is one
    per core. `split_pattern` is a regular expression over session ids: sessions that share what it matches (its first group,
    where it has one) stay in one split. `new_snapshot` takes the statistics anew, which recompiles every session. `effects`
    overrides the guess whether a tool changes the world.
    """

    source: SourceOptions = SourceOptions()
    sessions: SessionOptions = SessionOptions()
    dataflow: DataflowOptions = DataflowOptions()
    policy: str = "standard"
    policy_reason: str = ""
    workers: int = 0
    split_pattern: str | None = None
    new_snapshot: bool = False
    effects: dict[str, bool] = {}
