"""What `forget` shows and does around the store: the plan on the terminal, vaults, files that somebody must delete."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

from trajectory_compiler.cli.pair_lines import SHORT_ID
from trajectory_compiler.cli.screen import add_row, counted, say, show, table
from trajectory_compiler.errors import TrajcError
from trajectory_compiler.exports.derived import DerivedFile, files_with
from trajectory_compiler.pipeline.forget import Plan
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.redaction.vault import Vault
from trajectory_compiler.store import Store
from trajectory_compiler.store.erasure import Tombstone

LISTED = 20
NAMES = {
    "dataset_items": "items of data sets",
    "lent_items": "items of data sets with pieces of them",
    "model_calls": "model calls (their costs stay)",
    "cached_answers": "answers of models",
    "batched_calls": "calls in a batch (abandoned)",
    "identities": "keyed hashes",
}


class VaultWork(msgspec.Struct, frozen=True, kw_only=True):
    """A vault that was noted: how many pages were taken out of it, or why that was not possible."""

    path: str
    pages: int
    problem: str = ""


def derived_files(store: Store, plan: Plan) -> tuple[DerivedFile, ...]:
    """Return the files and models that were made from the sessions of a plan, which nobody can delete but their owners."""
    pairs = [pair for session in plan.sessions for pair in session.pairs]
    return (
        files_with(store, pairs, {digest for session in plan.sessions for digest in session.digests}) if plan.sessions else ()
    )


def clean_vaults(store: Store, plan: Plan) -> tuple[VaultWork, ...]:
    """Take the pages of the sessions out of every vault that the store knows of. Running it again changes nothing."""
    ids = [session.session_id for session in plan.sessions]
    done = []
    for target in dict.fromkeys(action.target for action in store.actions() if action.kind == "vault"):
        path = Path(target)
        if not path.exists():
            continue
        try:
            pages = Vault(load_key(key_path(path), create=False)).forget(path, ids)
            done.append(VaultWork(path=target, pages=pages))
        except TrajcError as error:
            done.append(VaultWork(path=target, pages=0, problem=str(error)))
    return tuple(done)


def print_plan(plan: Plan, files: tuple[DerivedFile, ...]) -> None:
    """Print what goes, what a hold keeps, and what must be deleted by hand."""
    shown = table("source", "session", "state", "turns", "pairs", right=(3, 4))
    for one in plan.sessions[:LISTED]:
        add_row(shown, one.source, one.session_id, one.state, one.turns, len(one.pairs))
    if plan.sessions:
        show(shown)
    if len(plan.sessions) > LISTED:
        say(f"... and {len(plan.sessions) - LISTED:,} more sessions (--json lists them)", style="dim")
    for table_name, count in plan.counts.items():
        if count:
            say(f"{count:>9,}  {NAMES.get(table_name, table_name)}")
    for held in plan.held:
        holds = ", ".join(hold[:SHORT_ID] for hold in held.holds)
        say(f"Under legal hold, stays: session {held.session_id} of {held.source} ({holds})")
    for name in plan.data_sets:
        say(f"Data set version {name} loses items: its digest no longer says what it holds.")
    for path in plan.backups:
        say(f"Older copy of the store, erased whole: {path}")
    _print_by_hand(plan, files)


def _print_by_hand(plan: Plan, files: tuple[DerivedFile, ...]) -> None:
    """Print what is out of reach: files that were handed on, mirrors, batches at a provider."""
    if files:
        say("\nTo be deleted by hand:", style="bold")
    for file in files:
        say(f"  {file.kind} {file.target}: {file.certainty} ({file.why}){'' if file.exists else '; it is not there any more'}")
    for target in plan.mirrors:
        say(f"  mirror {target}: run trajc mirror, which erases there what was erased here")
    if plan.counts.get("batched_calls"):
        say("  a batch at a provider: cancel it there, its answers are not collected any more")


def plan_record(plan: Plan, files: tuple[DerivedFile, ...]) -> dict[str, Any]:
    """Return what `--json` prints of a plan."""
    sessions = [
        {"source": one.source, "session_id": one.session_id, "state": one.state, "turns": one.turns, "pairs": one.pairs}
        for one in plan.sessions
    ]
    return {
        "sessions": sessions,
        "counts": plan.counts,
        "held": plan.held,
        "data_sets": plan.data_sets,
        "mirrors": plan.mirrors,
        "backups": plan.backups,
        "by_hand": files,
    }


def print_done(tombstone: Tombstone, vaults: tuple[VaultWork, ...]) -> None:
    """Print the tombstone and what became of vaults."""
    gone = f"{counted(tombstone.counts['sessions'], 'session')}, {counted(tombstone.counts['pairs'], 'pair')}"
    say(f"Erased: {gone}. Tombstone {tombstone.id[:SHORT_ID]}, {tombstone.created_at}.", style="bold")
    for vault in vaults:
        taken = f"{counted(vault.pages, 'page')} taken out"
        say(f"Vault {vault.path}: {vault.problem or taken}")


def erased_before(tombstone: Tombstone) -> str:
    """Return the line that tells of an earlier erasure."""
    gone = counted(tombstone.counts.get("sessions", 0), "session")
    return f"Erased before: {gone} on {tombstone.created_at} (tombstone {tombstone.id[:SHORT_ID]})."
