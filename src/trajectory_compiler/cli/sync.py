"""`trajc sync`: what came into a log since the last run, into the store."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.asking import ask_model, exit_code, model_options, run_line, take_model_options
from trajectory_compiler.cli.compiling import note_reading
from trajectory_compiler.cli.mirroring import mirror_after
from trajectory_compiler.cli.options import CONFIG_NAME
from trajectory_compiler.cli.screen import counted, print_json, progress_bar, say
from trajectory_compiler.cli.sync_options import LOG_VARIABLE, ConfiguredCommand, named_log, sync_options, take_sync_options
from trajectory_compiler.config import CompileOptions, SyncOptions
from trajectory_compiler.models import usd_of
from trajectory_compiler.pipeline import RunSummary
from trajectory_compiler.pipeline.model_pairs import ModelRun
from trajectory_compiler.pipeline.sync import Preview, SyncSummary, preview, sync_into
from trajectory_compiler.sources import open_source
from trajectory_compiler.store import Store
from trajectory_compiler.store.clock import utc_now

BASIS_WORDS = {
    "transactions": "by transaction: no row of a slow writer is missed",
    "rows": "by row number",
    "stamps": "by stamp, less the lag; the rows before it are counted",
    "counts": "by the counts of every session",
    "files": "by the size and time of the files",
    "whole": "the whole log is read each time",
}


@click.command(
    name="sync",
    cls=ConfiguredCommand,
    epilog=shared.example(
        "trajc sync agent_log.db",
        "TRAJC_LOG=postgresql://reader@db/ops trajc sync --table audit_log --quiet 2h",
        "trajc sync agent_log.db --dry-run",
        "trajc sync agent_log.db --reconcile",
        "trajc sync agent_log.db --since 2026-01-01 --until 2026-02-01",
    ),
)
@click.argument("log", required=False, envvar=LOG_VARIABLE)
@sync_options
@shared.daily_log_options
@shared.dataflow_options
@model_options
@shared.store_option
@shared.json_option
def command(log: str | None, store: str, as_json: bool, **given: Any) -> int:
    """Bring the store up to date with LOG: read the sessions that got rows since the last run, compile what changed.

    One shot, safe to run again at any time, made for a scheduler (trajc schedule print). LOG may stand in the variable
    TRAJC_LOG; every option may stand under [sync] in trajc.toml. What an interrupted run left is taken up by the next.
    """
    location = named_log(log)
    sync = take_sync_options(given)
    is_dry = bool(given["dry_run"])
    given["dry_run"] = False
    choice = take_model_options(given)
    options = shared.compile_options(given | {"since": None, "limit": None})
    if is_dry:
        return _show_preview(store, location, options, sync, as_json=as_json)
    runs: list[ModelRun] = []
    with Store.open(store) as opened:
        with progress_bar("sessions") as progress:
            done = sync_into(opened, location, options, sync, utc_now(), progress)
        note_reading(opened, open_source(location, options.source), options)
        if choice is not None:
            runs = ask_model(opened, _all_stored(opened, done.run), options, choice)
        mirrored = mirror_after(opened, Path(CONFIG_NAME))
    if as_json:
        spent = [run.cost_pico_usd for run in runs]
        cost = None if None in spent else float(usd_of(sum(filter(None, spent))))
        more: dict[str, Any] = {"model": [msgspec.structs.asdict(run) for run in runs]} if runs else {}
        more |= {"mirror": mirrored} if mirrored is not None else {}
        print_json(done.counts() | {"store": shared.printed_store(store), "cost_usd": cost} | more)
    else:
        for line in lines_of(done, store, asked=bool(runs)):
            say(line)
        for run, work in zip(runs, choice.works if choice is not None else (), strict=False):
            say(run_line(run, work))
        if mirrored is not None:
            say(mirrored.line)
    failed = 1 if done.run.failed or done.run.blocked else 0
    return exit_code(runs) or failed or (0 if mirrored is None else mirrored.code)


# The option is the model stage's, where it says what the model would be sent; here nothing at all is done.
next(
    param for param in command.params if isinstance(param, click.Option) and param.name == "dry_run"
).help = "Say what would be compiled now; compile and ask nothing."


def _all_stored(store: Store, run: RunSummary) -> RunSummary:
    """Return the run as if it had chosen every stored session: a model is asked for what it was not asked for before, too."""
    return msgspec.structs.replace(run, selected=frozenset(session.raw_digest for session in store.sessions(run.source)))


def lines_of(done: SyncSummary, store: str, *, asked: bool) -> list[str]:
    """Return what a run says at its end."""
    run = done.run
    touched = "the whole log was read" if done.touched is None else f"{counted(done.touched, 'session')} touched"
    named = shared.named_store(store)
    parts = [f"{run.compiled:,} compiled", f"{run.skipped:,} unchanged", f"{run.proved:,} proved"]
    waiting = {"open": done.open, "failed, tried again": done.failing, "given up": done.given_up}
    parts += [f"{count:,} {words}" for words, count in waiting.items() if count]
    cost = "" if asked else ", $0, nothing left this machine"
    lines = [f"{run.source}: {touched}; {', '.join(parts)}{cost}. More: trajc status{named}"]
    if done.disturbed:
        lines.append("Rows came later than --lag allows, or are gone: every session was compared with the store.")
    if done.compared:
        found = f"{counted(done.compared, 'session')} compared, {done.differing:,} differed"
        lines.append(f"{found}, {counted(done.vanished, 'stored session')} no longer in the log.")
    if done.beyond:
        lines.append(f"{counted(done.beyond, 'session')} left: they go on at or after --until.")
    return lines


def _show_preview(store: str, location: str, options: CompileOptions, sync: SyncOptions, *, as_json: bool) -> int:
    with _readable(store) as opened:
        found = preview(opened, location, options, sync, utc_now())
    if as_json:
        print_json(found)
    else:
        say(_preview_line(found))
    return 0


def _preview_line(found: Preview) -> str:
    touched = "the whole log is read" if found.touched is None else f"{counted(found.touched, 'session')} touched"
    parts = [f"{found.compiled:,} would be compiled", f"{found.unchanged:,} are unchanged", f"{found.open:,} are open"]
    first = "; the statistics would be taken first" if found.takes_statistics else ""
    return f"{found.source}: {touched} ({BASIS_WORDS[found.basis]}); {', '.join(parts)}{first}. Nothing was written."


@contextmanager
def _readable(store: str) -> Iterator[Store]:
    """Open the store, or an empty one that is gone afterwards where there is none yet."""
    if Path(store).exists():
        with Store.open(store, create=False) as opened:
            yield opened
        return
    with tempfile.TemporaryDirectory(prefix="trajc-") as folder, Store.open(Path(folder) / "store.db") as opened:
        yield opened
