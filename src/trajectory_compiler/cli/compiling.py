"""What `compile` and `demo` share: the run with its progress bar, the line that it ends in, the page."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import msgspec

from trajectory_compiler import __version__
from trajectory_compiler.cli.options import DEFAULT_STORE, named_store
from trajectory_compiler.cli.screen import counted, progress_bar
from trajectory_compiler.cli.who import actor
from trajectory_compiler.config import CompileOptions
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.files import new_file
from trajectory_compiler.exports.outgoing import Outgoing
from trajectory_compiler.exports.page import PAGE_PAIRS, PageReport, render_page
from trajectory_compiler.pipeline import RunSummary, compile_into
from trajectory_compiler.sources import Source, open_source
from trajectory_compiler.store import Action, PairQuery, Store
from trajectory_compiler.store.clock import utc_now


def compile_log_into(store: Store, log: str, options: CompileOptions) -> RunSummary:
    """Compile a log into an open store and note how its columns were read: `trajc show --sql` needs to know."""
    source = open_source(log, options.source)
    with progress_bar("sessions") as progress:
        summary = compile_into(store, log, options, progress)
    note_reading(store, source, options)
    return summary


def note_reading(store: Store, source: Source, options: CompileOptions) -> None:
    """Note how the columns of a log are read; a reading that is noted already is not noted again."""
    detail = {
        "format": source.format,
        "table": options.source.table or "",
        "query": options.source.query or "",
        "columns": msgspec.json.encode(source.mapping.columns).decode(),
        "joins": "yes" if source.mapping.joins else "no",
    }
    noted = [action.detail for action in store.actions() if action.kind == "compile" and action.target == source.name]
    if not noted or noted[-1] != detail:
        store.record_action(Action(kind="compile", actor=actor(), target=source.name, detail=detail, created_at=utc_now()))


def summary_line(summary: RunSummary, store: str = DEFAULT_STORE, *, asked: bool = False) -> str:
    """Return the one line that a run ends in; `asked` says that a model was asked, whose line follows."""
    named = named_store(store)
    unchanged = f" ({summary.skipped:,} unchanged)" if summary.skipped else ""
    blocked = f", {summary.blocked:,} blocked" if summary.blocked else ""
    following = f"trajc audit{named}" if summary.proved or summary.skipped else "trajc inspect LOG"
    proved = f"{summary.proved:,} {'newly ' if summary.skipped else ''}proved"
    nothing = "" if asked else "$0, " if "://" in store else "$0, nothing left this machine, "
    return (
        f"{counted(summary.sessions, 'session')}{unchanged}, {proved}{blocked}, "
        f"{summary.dropped:,} dropped (why: trajc stats{named}), {nothing}next: {following}"
    )


def refuse_place(path: Path) -> None:
    """Raise InputError for a file that cannot be written, before the run instead of after it."""
    if path.is_dir():
        raise InputError(f"write '{path}'", "it is a folder", "Name a file.")
    if not path.absolute().parent.is_dir():
        raise InputError(f"write '{path}'", "its folder does not exist", "Make the folder, or name another file.")


def write_page(store: Store, summary: RunSummary, path: Path, *, seed: int) -> None:
    """Write thirty pairs of the compiled log, drawn at random, and its drops as one HTML file."""
    facts = list(store.facts(PairQuery(source=summary.source)))
    report = PageReport(
        source=summary.source,
        version=__version__,
        sessions=summary.sessions,
        turns=summary.rows,
        pairs=len(facts),
        families=dict(Counter(str(fact.qa_type) for fact in facts)),
        drops=store.drops(source=summary.source),
        blocked=summary.blocked,
    )
    drawn = store.pairs(PairQuery(source=summary.source, limit=PAGE_PAIRS, seed=seed))
    shown = [(pair, store.trajectory_of(pair)) for pair in drawn]
    page = render_page(report, shown)
    Outgoing(store, f"write '{path}'").check_page(page, [trajectory for _, trajectory in shown])
    with new_file(path) as write:
        write(page.encode("utf-8", "replace"))
