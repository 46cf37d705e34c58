"""The options of a run, as frozen types: nothing else in the program reads flags, files or the environment."""

from __future__ import annotations

from decimal import Decimal
from typing import Literal

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


class PurposeOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the pairs are for, on which ground, and what never leaves. Stored with every run, enforced at every export.

    `use` None is undecided. `lawful_basis` and `dpia` are references of the user's own, such as a register entry. Names of
    agents, tools and sessions are exact, or patterns with `*`.
    """

    use: Literal["evaluation", "training"] | None = None
    lawful_basis: str = ""
    dpia: str = ""
    exclude_agents: tuple[str, ...] = ()
    exclude_tools: tuple[str, ...] = ()
    exclude_sessions: tuple[str, ...] = ()


class RetentionOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How long sessions are kept, in days after their last row; None is without end."""

    retention_days: int | None = None


class CompileOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that a compile run depends on.

    `policy` is `standard`, `strict`, `off` (`policy_reason` says why) or the path of a policy file (.toml). `workers` 0 is one
    per core. `split_pattern` is a regular expression over session ids: sessions that share what it matches (its first group,
    where it has one) stay in one split. `new_snapshot` takes the statistics anew, which recompiles every session. `effects`
    overrides the guess whether a tool changes the world. `purpose` changes no pair: it is kept with the run.
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
    purpose: PurposeOptions = PurposeOptions()


class SyncOptions(msgspec.Struct, frozen=True, kw_only=True):
    """How an incremental run decides what is new and what is finished.

    Rows may come `lag_seconds` after their stamp. A session is compiled once nothing came for `quiet_seconds`, or as far as it
    goes once it has been open for `max_open_seconds`. One that fails is tried `tries` times. Sessions that ended before `since`
    are left out, those that go on at or after `until` are left to another run (ISO dates or stamps); with both, a run is over
    that window instead of over what is new. `reconcile` compares every session with the store first.
    """

    lag_seconds: float = 3_600.0
    quiet_seconds: float = 3_600.0
    max_open_seconds: float = 86_400.0
    tries: int = 3
    since: str | None = None
    until: str | None = None
    reconcile: bool = False


class ProviderOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A server of models: where it listens, what it speaks, which environment variable holds its key, what it charges.

    `speaks` None is the provider's own protocol for google, openai and anthropic, and OpenAI's chat completions for all others.
    Prices are dollars for a million tokens; without them the price list decides, and what is not on it has no known price.
    """

    base_url: str | None = None
    key_env: str | None = None
    speaks: Literal["google", "openai", "anthropic"] | None = None
    input_usd_per_million: Decimal | None = None
    output_usd_per_million: Decimal | None = None
    context_tokens: int | None = None


class SpendingLimits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Dollars that may be spent: by this run, by this run on one session, by all runs of the store on one day (UTC)."""

    run_usd: Decimal | None = None
    session_usd: Decimal | None = None
    day_usd: Decimal | None = None


class LocalOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a model file is run on this machine. `context_tokens` None is what the model was made for, at most 16,384.

    More threads than idle cores make it slower, not faster: on two busy cores one thread beats two by eight times. A call may
    take `timeout_seconds`: ten times as long as one to a provider, because reading a long prompt here takes minutes.
    """

    context_tokens: int | None = None
    threads: int = 1
    timeout_seconds: float = 1_200.0


class VerificationOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a reader may move pairs in prose to `tested` or `rejected`: after a calibration with figures like these.

    `require_calibration` false lets any reader move them. `full_share` of the pairs are read in full context, twice.
    """

    require_calibration: bool = True
    min_detection: float = 0.8
    max_false_rejection: float = 0.3
    full_share: float = 0.1


class ModelOptions(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Which models are meant by their tiers, how they are reached, how long and how often one is asked, and for how much.

    `tries` counts the first: seven ride out an outage of a minute. `timeout_seconds` is for one try; `max_concurrency` is for
    each model.
    """

    cheap: str = "google:gemini-3.5-flash-lite"
    strong: str = "google:gemini-3.5-flash"
    local: str = "local:"
    providers: dict[str, ProviderOptions] = {}
    limits: SpendingLimits = SpendingLimits()
    on_this_machine: LocalOptions = LocalOptions()
    timeout_seconds: float = 120.0
    tries: int = 7
    max_concurrency: int = 8


class MirrorOptions(msgspec.Struct, frozen=True, kw_only=True):
    """Where a store is mirrored to: postgresql://USER@HOST/DATABASE, and the schema in it where not the usual one."""

    url: str
    schema: str | None = None

    def __repr__(self) -> str:
        return "MirrorOptions(...)"  # the address may hold a password
