"""`trajc schedule print`: the nightly `trajc sync` for the scheduler that you have, with your own options filled in."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path
from typing import Any

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.schedule_files import SCHEDULERS, Nightly
from trajectory_compiler.cli.screen import print_json
from trajectory_compiler.cli.sync import command as sync
from trajectory_compiler.cli.sync_options import named_log
from trajectory_compiler.cli.who import actor
from trajectory_compiler.errors import OptionError
from trajectory_compiler.models import address_of, read_model_options, resolve_model
from trajectory_compiler.sources.postgres import ADDRESSES, without_password

_TIME = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)")


@click.command(
    name="print",
    context_settings={"ignore_unknown_options": True},
    epilog=shared.example(
        "trajc schedule print systemd",
        "trajc schedule print cron agent_log.db --at 02:30",
        "trajc schedule print kubernetes postgresql://reader@db/ops --table audit_log --quiet 2h",
    ),
)
@click.argument("scheduler", type=click.Choice(sorted(SCHEDULERS)))
@click.argument("arguments", metavar="[LOG] [OPTIONS OF SYNC]...", nargs=-1, type=click.UNPROCESSED)
@click.option("--at", metavar="HH:MM", default="03:10", show_default=True, help="When, in UTC.")
@shared.json_option
def command(scheduler: str, arguments: tuple[str, ...], at: str, as_json: bool) -> None:
    """Print what runs `trajc sync` every night: files for systemd, a line for cron, YAML for Kubernetes or GitHub Actions.

    LOG and options are those of `trajc sync`, checked here; what stands in TRAJC_LOG and in the [sync] table of ./trajc.toml is
    filled in. Nothing printed holds a password or a key: they are read from the environment when the run begins.
    """
    text = SCHEDULERS[scheduler](nightly(arguments, at))
    if as_json:
        print_json({"scheduler": scheduler, "text": text})
    else:
        click.echo(text, nl=False)


def nightly(arguments: tuple[str, ...], at: str) -> Nightly:
    """Return the run that the arguments of `trajc sync` describe. Raises UsageError and OptionError as that command does."""
    hours = _TIME.fullmatch(at)
    if hours is None:
        raise click.UsageError(f"--at '{at}' is no time; write it as 03:10.")
    parsed = sync.make_context("sync", list(arguments), click.get_current_context(silent=True))  # its help option is the top's
    given: dict[str, Any] = parsed.params
    log = named_log(given["log"])
    is_server = "://" in log and not log.startswith("sqlite:///")
    folder = Path.cwd()
    return Nightly(
        program=_program(),
        options=_options(parsed, arguments),
        folder=str(folder),
        user=actor(),
        log=_shown(log) if is_server else str((folder / log.removeprefix("sqlite:///")).absolute()),
        is_secret_log=is_server,
        store=str((folder / given["store"]).absolute()),
        hour=int(hours.group(1)),
        minute=int(hours.group(2)),
        secrets=_key_of(given["model"]),
        has_config=Path(shared.CONFIG_NAME).exists(),
    )


def _options(parsed: click.Context, arguments: tuple[str, ...]) -> tuple[str, ...]:
    """Return the options that were typed, without the log and the store: those in trajc.toml are found there at night, too."""
    typed = list(arguments)
    if parsed.get_parameter_source("log") is click.core.ParameterSource.COMMANDLINE:
        typed.remove(parsed.params["log"])
    kept: list[str] = []
    while typed:
        word = typed.pop(0)
        if word == "--store":
            typed.pop(0)
        elif not word.startswith("--store="):
            kept.append(word)
    if "--dry-run" in kept:
        raise OptionError("print a schedule", "--dry-run would compile nothing, every night", "Leave it out.")
    return tuple(kept)


def _key_of(model: str | None) -> tuple[str, ...]:
    """Return the variable that holds the key of a model, if it needs one."""
    if model is None:
        return ()
    models = read_model_options(Path(shared.CONFIG_NAME))
    return address_of(resolve_model(model, models), models).key_envs[:1]


def _shown(address: str) -> str:
    """Return an address without what may be a secret; of an unknown kind, nothing but the kind is shown."""
    return without_password(address) if address.startswith(ADDRESSES) else f"{address.partition('://')[0]}://..."


def _program() -> str:
    """Return where this program lies: on the path, else beside the interpreter, where no scheduler would look by itself."""
    beside = Path(sys.executable).with_name("trajc")
    return shutil.which("trajc") or (str(beside) if beside.exists() else "trajc")
