"""`trajc forget`: erase sessions and everything that was made from them, and leave a tombstone."""

from __future__ import annotations

import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.forgetting import (
    clean_vaults,
    derived_files,
    erased_before,
    plan_record,
    print_done,
    print_plan,
)
from trajectory_compiler.cli.screen import counted, print_json, say
from trajectory_compiler.cli.subjects import subject_option
from trajectory_compiler.cli.who import actor
from trajectory_compiler.errors import OptionError
from trajectory_compiler.pipeline.forget import Order, OrderKind, Plan, carry_out, order_mark, plan_erasure, refuse_held
from trajectory_compiler.pipeline.options_file import read_retention
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Store

STAMP = "%Y-%m-%dT%H:%M:%SZ"


def _instant(_: click.Context, __: click.Parameter, value: str | None) -> str | None:
    if value is None:
        return None
    try:
        given = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no date such as 2026-01-31") from error
    return (
        value if len(value) == len("2026-01-31") else given.replace(tzinfo=given.tzinfo or UTC).astimezone(UTC).strftime(STAMP)
    )


@click.command(
    name="forget",
    epilog=shared.example(
        'trajc forget --session s-41 --reason "request 2026-17" --dry-run',
        'trajc forget --subject - --reason "request 2026-17" --yes < subject.txt',
        "trajc forget --before 2025-11-01",
        "trajc forget --retention --yes",
    ),
)
@click.option("--session", "sessions", multiple=True, metavar="ID", help="This session; repeatable.")
@click.option("--agent", metavar="NAME", help="Every session in which this agent acts.")
@click.option("--before", metavar="DATE", callback=_instant, help="Every session whose last row is older.")
@subject_option
@click.option("--retention", is_flag=True, help="What is older than retention_days of the table [retention] of ./trajc.toml.")
@click.option("--source", metavar="NAME", help="Of this log only.")
@click.option("--reason", default="", metavar="TEXT", help="Why, for the tombstone: a case number, never a name.")
@click.option("--except-held", is_flag=True, help="Where some sessions are under legal hold, erase the rest (exit code 1).")
@click.option("--keep-backups", is_flag=True, help="Leave older copies of the store alone, which hold what is erased.")
@click.option("--dry-run", is_flag=True, help="Show what would go; write nothing.")
@click.option("--finish", is_flag=True, help="Only clean the file after an erasure that was cut.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@shared.store_option
@shared.json_option
def command(store: str, as_json: bool, dry_run: bool, finish: bool, yes: bool, **given: Any) -> int:
    """Erase sessions with everything that was made from them: turns, pairs, proofs, answers of models, reviews, data set items.

    What goes is shown first. Legal holds (trajc hold) stop it. The costs of model calls keep their sums. Files that were
    exported are listed: they must be deleted by hand. An erased session stays out while the log still has it; the log itself is
    not touched.
    """
    with Store.open(store, create=False) as opened:
        if finish:
            return _finish(opened, as_json=as_json)
        order = _order(given)
        key = load_key(key_path(opened.path), create=not dry_run)
        plan = plan_erasure(opened, key, order)
        files = derived_files(opened, plan)
        if not dry_run and plan.sessions:
            refuse_held(plan)
        if dry_run or not plan.sessions:
            return _nothing(opened, key, plan) if not as_json and not plan.sessions else _shown(plan, files, as_json=as_json)
        if not as_json:
            print_plan(plan, files)
        if not yes:
            _agree(plan)
        vaults = clean_vaults(opened, plan)
        done = carry_out(opened, key, plan)
    if as_json:
        print_json(plan_record(plan, files) | {"vaults": vaults, "tombstone": done})
    else:
        print_done(done, vaults)
    failed = any(vault.problem for vault in vaults) or (bool(plan.held) and order.kind != "retention")
    return 1 if failed else 0


def _order(given: dict[str, Any]) -> Order:
    """Put the options into an order. Raises UsageError where not exactly one of them chooses sessions."""
    kinds: dict[OrderKind, Any] = {
        "session": given["sessions"],
        "agent": given["agent"],
        "before": given["before"],
        "subject": given["subjects"],
        "retention": given["retention"],
    }
    chosen = [kind for kind, value in kinds.items() if value]
    if len(chosen) != 1:
        raise click.UsageError("Say what to forget by one of --session, --agent, --before, --subject, --retention.")
    before = _limit() if given["retention"] else given["before"] or ""
    return Order(
        kind=chosen[0],
        sessions=given["sessions"],
        agent=given["agent"] or "",
        before=before,
        subjects=given["subjects"],
        source=given["source"],
        reason=given["reason"] or ("retention" if given["retention"] else ""),
        actor=actor(),
        except_held=given["except_held"] or given["retention"],
        keep_backups=given["keep_backups"],
    )


def _limit() -> str:
    days = read_retention(Path(shared.CONFIG_NAME)).retention_days
    if days is None:
        seen = f"./{shared.CONFIG_NAME} has no retention_days in a table [retention]"
        raise OptionError("apply the retention period", seen, "Write it there, or name a date with --before.")
    return (datetime.now(UTC) - timedelta(days=days)).strftime(STAMP)


def _shown(plan: Plan, files: Any, *, as_json: bool) -> int:
    if as_json:
        print_json(plan_record(plan, files) | {"vaults": [], "tombstone": None})
    else:
        print_plan(plan, files)
        say("Nothing was erased; leave --dry-run out to erase.")
    return 0


def _nothing(store: Store, key: bytes, plan: Plan) -> int:
    """Say that there is nothing to erase, and whether it was erased before or is held."""
    mark = order_mark(key, plan.order)
    for one in store.erasure.tombstones():
        if one.subject == mark:
            say(erased_before(one))
    held = f"; {counted(len(plan.held), 'session')} under legal hold stay" if plan.held else ""
    say(f"The store holds nothing that this would erase{held}.")
    refuse_held(plan)
    return 0


def _agree(plan: Plan) -> None:
    if not sys.stdin.isatty():
        seen = f"{counted(len(plan.sessions), 'session')} would be erased for ever, and nobody agreed to that"
        raise OptionError("erase", seen, "Add --yes if it is meant; --dry-run shows what goes.")
    click.confirm(f"Erase {counted(len(plan.sessions), 'session')} for ever?", abort=True, err=True)


def _finish(store: Store, *, as_json: bool) -> int:
    pending = store.erasure.is_pending()
    with store.lock("clean after an erasure"):
        store.erasure.clean()
    if as_json:
        print_json({"cleaned": pending})
    else:
        say("The file was rebuilt without what was erased." if pending else "There was nothing to finish.")
    return 0
