"""Options that several commands share, and how their values are read."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from trajectory_compiler.config import CompileOptions, DataflowOptions, SessionOptions, SourceOptions
from trajectory_compiler.model import FAMILIES

Command = TypeVar("Command", bound=Callable[..., Any])
DEFAULT_STORE = ".trajc/store.db"  # as `store.DEFAULT_STORE`, which is not imported: help must come at once
CONFIG_NAME = "trajc.toml"  # as `redaction.policy_file.CONFIG_NAME`
POLICY_NAMES = ("standard", "strict", "off")
_YES_NO = {"yes": True, "no": False}

store_option = click.option(
    "--store",
    "store",
    metavar="PATH|URL",
    default=DEFAULT_STORE,
    show_default=True,
    help="The store: where pairs and sessions are kept; a file, or postgresql://USER@HOST/DATABASE?schema=NAME.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
workers_option = click.option(
    "--workers",
    type=click.IntRange(min=0),
    metavar="N",
    default=0,
    show_default=True,
    help="How many processes; 0 is one a core.",
)
policy_option = click.option(
    "--policy",
    metavar="standard|strict|off|FILE",
    callback=lambda *given: _policy_name(given[2]),
    help="What is redacted before anything else sees it; FILE is a policy of your own (.toml).  "
    "[default: the table [redaction] of ./trajc.toml where there is one, else standard]",
)
policy_reason_option = click.option(
    "--policy-reason", metavar="TEXT", default="", help="Why nothing is redacted: --policy off needs it, and it is stored."
)
families_option = click.option(
    "--qa-type",
    "qa_types",
    multiple=True,
    type=click.Choice(FAMILIES),
    metavar="TYPE",
    help=f"Only pairs of this type ({', '.join(FAMILIES)}); repeatable.",
)


def named_store(store: str) -> str:
    """Return how a command that is suggested names the store: not at all where it is the usual one."""
    return "" if store == DEFAULT_STORE else f" --store {printed_store(store)}"


def printed_store(store: str) -> str:
    """Return a store as it may be printed: an address without its password."""
    if "://" not in store:
        return store
    from trajectory_compiler.sources.postgres import without_password  # noqa: PLC0415  # only where there is an address

    return without_password(store)


def example(*lines: str) -> str:
    r"""Return an epilog of examples, kept as it is by click's `\b`."""
    return "\b\nExamples:\n" + "\n".join(f"  {line}" for line in lines)


def _policy_name(value: str | None) -> str:
    """Return the policy that was named, or the one of the folder's config file; the program's defaults come last."""
    if value is not None:
        if value not in POLICY_NAMES and not value.endswith(".toml"):
            raise click.BadParameter(f"'{value}' is not one of {', '.join(POLICY_NAMES)}, nor a .toml file")
        return value
    if Path(CONFIG_NAME).exists():
        from trajectory_compiler.redaction.policy_file import has_policy  # noqa: PLC0415  # only where there is a file

        return CONFIG_NAME if has_policy(Path(CONFIG_NAME)) else "standard"
    return "standard"


def policy_reason(policy: str, reason: str) -> str:
    """Return the reason for redacting nothing. Raises UsageError where `off` has none, or another policy has one."""
    if policy == "off" and not reason.strip():
        raise click.UsageError('--policy off lets personal data and secrets through, so it needs a --policy-reason "...".')
    if policy != "off" and reason:
        raise click.UsageError("--policy-reason belongs to --policy off.")
    return reason.strip()


def _named_columns(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    columns: dict[str, str] = {}
    for value in values:
        role, equals, name = value.partition("=")
        if not equals or not role:
            raise click.BadParameter(f"'{value}' is not of the form ROLE=NAME, such as session_id=conversation")
        columns[role.strip()] = name
    return columns


def _named_effects(_: click.Context, __: click.Parameter, values: tuple[str, ...]) -> dict[str, bool]:
    effects: dict[str, bool] = {}
    for value in values:
        tool, equals, answer = value.rpartition("=")
        if not equals or not tool or answer not in _YES_NO:
            raise click.BadParameter(f"'{value}' is not of the form TOOL=yes or TOOL=no, such as send_email=yes")
        effects[tool] = _YES_NO[answer]
    return effects


def _named_families(_: click.Context, __: click.Parameter, value: str | None) -> tuple[str, ...]:
    names = tuple(name.strip() for name in (value or "").split(",") if name.strip())
    unknown = [name for name in names if name not in FAMILIES]
    if unknown:
        raise click.BadParameter(f"there is no family '{unknown[0]}'; there are {', '.join(FAMILIES)}")
    return names


def _expression(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    try:
        re.compile(value or "")
    except re.error as error:
        raise click.BadParameter(f"'{value}' is no regular expression: {error}") from error
    return value


def columns_option(command: Command) -> Command:
    """Add `--column`."""
    return click.option(
        "--column",
        "columns",
        multiple=True,
        metavar="ROLE=NAME",
        callback=_named_columns,
        help="Which column serves a role (session_id, tool, id, created_at, agent, arguments, response, ...); repeatable.",
    )(command)


def _source_and_session_options() -> list[Callable[[Command], Command]]:
    return [
        click.option(
            "--min-turns",
            type=click.IntRange(min=1),
            metavar="N",
            default=6,
            show_default=True,
            help="Leave out shorter sessions.",
        ),
        click.option("--agent", metavar="NAME", help="Only sessions in which this agent acts."),
        click.option("--tool", metavar="NAME", help="Only sessions in which this tool is called."),
        click.option("--since", metavar="DATE", help="Leave out sessions that ended before this date or stamp."),
        click.option("--limit", type=click.IntRange(min=0), metavar="N", help="Stop after this many sessions."),
        columns_option,
        click.option("--table", metavar="NAME", help="The table or view inside a database."),
        click.option("--query", metavar="SQL", help="Read the rows of this SELECT instead of a table."),
        click.option("--source-name", metavar="NAME", help="Name of the log in pair ids.  [default: its file or table name]"),
        click.option(
            "--effect",
            "effects",
            multiple=True,
            metavar="TOOL=yes|no",
            callback=_named_effects,
            help="Say whether a tool changes the world, where the guess is wrong; repeatable.",
        ),
    ]


def log_options(command: Command) -> Command:
    """Add the options that say how a log is read and which of its sessions qualify."""
    for option in reversed(_source_and_session_options()):
        command = option(command)
    return command


def daily_log_options(command: Command) -> Command:
    """Add the same options but those that choose a part of the log: an incremental run has its own."""
    for option in reversed(_source_and_session_options()[:3] + _source_and_session_options()[5:]):
        command = option(command)
    return command


def dataflow_options(command: Command) -> Command:
    """Add the options that say which pairs are made and how."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--max-pairs",
            type=click.IntRange(min=0),
            metavar="N",
            help="Pairs a session.  [default: 5, or a quarter of its turns if that is more]",
        ),
        click.option("--families", callback=_named_families, metavar="A,B", help=f"Only these kinds: {', '.join(FAMILIES)}."),
        click.option("--walk", is_flag=True, help="Make walk questions too."),
        click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Seed of the selection."),
        policy_option,
        policy_reason_option,
        workers_option,
        click.option(
            "--split-pattern",
            metavar="REGEX",
            callback=_expression,
            help="Keep sessions whose ids share what this matches in one split.",
        ),
        click.option("--new-snapshot", is_flag=True, help="Take the value statistics anew; recompiles every session."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def compile_options(given: dict[str, Any]) -> CompileOptions:
    """Put the values of `log_options` and `dataflow_options` into their type."""
    return CompileOptions(
        source=source_options(given),
        sessions=session_options(given),
        dataflow=DataflowOptions(
            max_pairs=given["max_pairs"], families=given["families"], walk=given["walk"], seed=given["seed"]
        ),
        policy=given["policy"],
        policy_reason=policy_reason(given["policy"], given["policy_reason"]),
        workers=given["workers"],
        split_pattern=given["split_pattern"],
        new_snapshot=given["new_snapshot"],
        effects=given["effects"],
    )


def source_options(given: dict[str, Any]) -> SourceOptions:
    """Put the values of `log_options` that say how a log is read into their type."""
    return SourceOptions(columns=given["columns"], table=given["table"], query=given["query"], name=given["source_name"])


def session_options(given: dict[str, Any]) -> SessionOptions:
    """Put the values of `log_options` that choose sessions into their type."""
    return SessionOptions(
        min_turns=given["min_turns"], agent=given["agent"], tool=given["tool"], since=given["since"], limit=given["limit"]
    )
