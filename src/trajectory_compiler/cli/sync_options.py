"""The options of incremental runs, and where their values come from: the command line, the environment, `trajc.toml`.

[sync]                      # the same names as the options of `trajc sync`; what stands there need not be typed
log = "agent_log.db"        # an address with a password belongs into the variable TRAJC_LOG instead
quiet = "2h"
max-open = "36h"
table = "audit_log"
column = ["session_id=conversation"]
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import click

from trajectory_compiler.cli.options import CONFIG_NAME
from trajectory_compiler.config import SyncOptions
from trajectory_compiler.errors import OptionError

Command = TypeVar("Command", bound=Callable[..., Any])
LOG_VARIABLE = "TRAJC_LOG"
_UNITS = {"": 1.0, "s": 1.0, "m": 60.0, "h": 3_600.0, "d": 86_400.0}
_DURATION = re.compile(r"(\d+(?:\.\d+)?)\s*([smhd]?)")
DEFAULTS = SyncOptions()


def duration(_: click.Context, __: click.Parameter, value: str | None) -> float | None:
    """Return the seconds of a duration such as `90s`, `30m`, `1h` or `2d`."""
    if value is None:
        return None
    found = _DURATION.fullmatch(str(value).strip())
    if found is None:
        raise click.BadParameter(f"'{value}' is no duration; write it as 90s, 30m, 1h or 2d")
    return float(found.group(1)) * _UNITS[found.group(2)]


class ConfiguredCommand(click.Command):
    """A command whose defaults stand in the table `[sync]` of the folder's `trajc.toml`, where there is one."""

    def make_context(
        self, info_name: str | None, args: list[str], parent: click.Context | None = None, **extra: Any
    ) -> click.Context:
        """Read the config file before the options."""
        if not {"-h", "--help"} & set(args):  # help comes whatever the file holds
            extra.setdefault("default_map", configured(Path(CONFIG_NAME), self.params))
        return super().make_context(info_name, args, parent, **extra)


def configured(path: Path, params: list[click.Parameter]) -> dict[str, Any]:
    """Return the values of `[sync]` by the names of parameters. Raises OptionError for a key that is no option."""
    goal = f"use the config file '{path}'"
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8")).get("sync", {})
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise OptionError(goal, f"it cannot be read as TOML ({type(error).__name__})", "Correct the file.") from None
    names = {name: param.name or "" for param in params for name in _written(param)}
    if not isinstance(table, Mapping):
        raise OptionError(goal, "'sync' is no table", "Write it as [sync]; docs/daily.md shows its form.")
    unknown = [key for key in table if key.replace("_", "-") not in names]
    if unknown:
        seen = f"[sync] holds '{unknown[0]}', which is no option of trajc sync"
        raise OptionError(goal, seen, f"Use one of: {', '.join(sorted(names))}.")
    return {names[key.replace("_", "-")]: value for key, value in table.items()}


def _written(param: click.Parameter) -> list[str]:
    """Return how a parameter is named in the file: as its option without the dashes."""
    if isinstance(param, click.Argument):
        return [param.name or ""]
    return [option.removeprefix("--") for option in param.opts if option.startswith("--") and option != "--help"]


def sync_options(command: Command) -> Command:
    """Add the options that say what is new and what is finished."""
    options: list[Callable[[Command], Command]] = [
        click.option(
            "--lag", callback=duration, metavar="TIME", default="1h", show_default=True, help="How late a row may come."
        ),
        click.option(
            "--quiet",
            callback=duration,
            metavar="TIME",
            default="1h",
            show_default=True,
            help="A session is finished once no row came for so long.",
        ),
        click.option(
            "--max-open",
            callback=duration,
            metavar="TIME",
            default="24h",
            show_default=True,
            help="Open for longer, it is compiled as far as it goes, and again later.",
        ),
        click.option(
            "--tries",
            type=click.IntRange(min=1),
            metavar="N",
            default=DEFAULTS.tries,
            show_default=True,
            help="How often a session that fails is tried.",
        ),
        click.option("--since", metavar="DATE", help="Leave out sessions that ended before this date or stamp."),
        click.option("--until", metavar="DATE", help="Leave sessions that go on after this; with both, only this window."),
        click.option("--reconcile", is_flag=True, help="Compare every session of the log with the store first."),
    ]
    for option in reversed(options):
        command = option(command)
    return command


def take_sync_options(given: dict[str, Any]) -> SyncOptions:
    """Take the values of `sync_options` out of a command's."""
    return SyncOptions(
        lag_seconds=given.pop("lag"),
        quiet_seconds=given.pop("quiet"),
        max_open_seconds=given.pop("max_open"),
        tries=given.pop("tries"),
        since=given.pop("since"),
        until=given.pop("until"),
        reconcile=given.pop("reconcile"),
    )


def named_log(log: str | None) -> str:
    """Return the log that was named. Raises UsageError where none was, in any of the three places."""
    if not log:
        raise click.UsageError(f'Name a LOG, set {LOG_VARIABLE}, or write  log = "..."  under [sync] in {CONFIG_NAME}.')
    return log
