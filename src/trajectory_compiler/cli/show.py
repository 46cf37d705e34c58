"""`trajc show`: one pair with everything that is known of it."""

from __future__ import annotations

from typing import Any

import click
import msgspec
from rich.text import Text

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.lineage import lineage_record, print_lineage, traced
from trajectory_compiler.cli.pair_lines import print_answer, print_question, turn_text
from trajectory_compiler.cli.screen import console, print_json, printable, say
from trajectory_compiler.cli.twinning import ToldTwin, print_twins, twins_of
from trajectory_compiler.dataflow.program import decode
from trajectory_compiler.exports.context import SessionText
from trajectory_compiler.exports.formats import Item, jsonl_record
from trajectory_compiler.exports.in_words import proof_in_words
from trajectory_compiler.exports.program_words import program_in_words
from trajectory_compiler.exports.request import NO_CONTEXT, Context
from trajectory_compiler.exports.sql import DialectName, Origin, sql_of
from trajectory_compiler.model import Pair, Trajectory
from trajectory_compiler.sources.columns import ROLES, Role
from trajectory_compiler.store import Store

AROUND_CHARACTERS = 240
SHOWN_TURNS = 20
CANONICAL_ROLES: tuple[Role, ...] = ("session_id", "tool", "id", "created_at", "agent", "arguments", "response")


@click.command(
    name="show",
    epilog=shared.example(
        "trajc show 3fa2b1",
        "trajc show 3fa2b1 --twin",
        "trajc show 3fa2b1 --lineage",
        "trajc show 3fa2b1 --sql postgres --table audit_log",
    ),
)
@click.argument("pair")
@click.option("--twin", is_flag=True, help="Counterfactual twins: the edits of the log that change the answer, and to what.")
@click.option(
    "--lineage", "with_lineage", is_flag=True, help="Rows, policy, run, calls, cost, proofs, reviews, data sets, files."
)
@click.option("--log", metavar="LOG", help="With --lineage: look the rows up in this log, and say whether they have changed.")
@click.option("--context", is_flag=True, help="The turns that a reader gets, whole.")
@click.option(
    "--sql",
    "dialect",
    type=click.Choice(("postgres", "sqlite")),
    help="The query that gives the answer from the original table.",
)
@click.option("--table", metavar="NAME", help="The original table, for --sql.  [default: as it was compiled]")
@shared.columns_option
@shared.store_option
@shared.json_option
def command(
    pair: str,
    twin: bool,
    with_lineage: bool,
    log: str | None,
    context: bool,
    dialect: DialectName | None,
    table: str | None,
    columns: dict[str, str],
    store: str,
    as_json: bool,
) -> None:
    """Show a pair: question, answer, evidence in its turns, the program in words and its proof.

    PAIR is an id or its beginning, as `trajc sample` prints it.
    """
    if log is not None and not with_lineage:
        raise click.UsageError("--log belongs to --lineage.")
    with Store.open(store, read_only=True) as opened:
        found = opened.pair(pair)
        trajectory = opened.trajectory_of(found)
        lineage = traced(opened, found, log) if with_lineage else None
        query = None if dialect is None else sql_of(found, trajectory, origin_of(opened, found, table, columns), dialect)
    twins = twins_of(found, trajectory) if twin else []
    text = SessionText(trajectory).context(found, Context(kind="full", label="full")) if context else None
    if as_json:
        traced_record = {} if lineage is None else {"lineage": lineage_record(lineage)}
        print_json(_record(found, trajectory, twins if twin else None, query, text) | traced_record)
        return
    if query is not None and not twin and not context and not with_lineage:
        click.echo(query, nl=False)  # alone, so that it can be piped into psql or sqlite3
        return
    _print(found, trajectory)
    if twin:
        _heading("Twins: the same question on an edited log")
        print_twins(twins, found)
    if text is not None:
        _heading("What a reader gets")
        console().print(Text(printable(text)), soft_wrap=True)
    if lineage is not None:
        _heading("Where it comes from, and where it went")
        print_lineage(lineage)
    if query is not None:
        _heading("As a query")
        click.echo(query, nl=False)


def origin_of(store: Store, pair: Pair, table: str | None, columns: dict[str, str]) -> Origin:
    """Return where the pair's rows came from, as the last compile run noted it; what the user says goes first."""
    noted: dict[str, str] = {}
    for action in store.actions():
        if action.kind == "compile" and action.target == pair.source:
            noted = action.detail
    known = (
        msgspec.json.decode(noted["columns"], type=dict[str, str])
        if noted.get("columns")
        else dict.fromkeys(CANONICAL_ROLES, "")
    )
    named = {role: columns.get(role) or known.get(role) or role for role in ROLES if role in known or role in columns}
    return Origin(
        table=table or noted.get("table") or pair.source,
        columns=named,
        query="" if table else noted.get("query", ""),
        joins=noted.get("joins") == "yes",
    )


def _record(
    pair: Pair, trajectory: Trajectory, twins: list[ToldTwin] | None, query: str | None, context: str | None
) -> dict[str, Any]:
    record = jsonl_record(Item(pair=pair, context=context or "", setting=NO_CONTEXT, bare=False))
    record["source"] = pair.source
    record["session_turns"] = len(trajectory.turns)
    record["program"] = None if pair.program is None else msgspec.json.decode(bytes(pair.program))
    record["program_in_words"] = [f"{name}: {words}" for name, words in _program(pair)]
    record["reasoning"] = pair.reasoning
    if twins is not None:
        record["twins"] = twins
    if query is not None:
        record["sql"] = query
    return record


def _program(pair: Pair) -> list[tuple[str, str]]:
    return [] if pair.program is None else program_in_words(decode(pair.program))


def _print(pair: Pair, trajectory: Trajectory) -> None:
    print_question(pair, trajectory)
    print_answer(pair)
    _heading("Evidence")
    turns = sorted(set(pair.supporting_turns))
    for turn in turns[:SHOWN_TURNS]:
        if turn in pair.withheld_turns:
            say(
                f"#{turn:03d} {trajectory.turns[turn].tool}\nwithheld from the reader: without this turn the log does not say",
                style="dim",
            )
        else:
            console().print(turn_text(trajectory.turns[turn], pair.evidence, around=AROUND_CHARACTERS), soft_wrap=True)
        say()
    if len(turns) > SHOWN_TURNS:
        say(f"... and {len(turns) - SHOWN_TURNS} more turns (--json lists all evidence)", style="dim")
    if pair.context_end is not None:
        say(f"The context ends before turn #{pair.context_end:03d}.")
    _heading("How the answer follows")
    for name, words in _program(pair):
        say(f"{name:>7}  {words}")
    _heading("Proof")
    for gate, outcome, words in proof_in_words(pair.proof):
        mark, style = (
            {True: ("✓", "green"), False: ("✗", "red")}.get(outcome, ("–", "dim")) if outcome is not None else ("–", "dim")
        )
        console().print(Text.assemble((f"{mark} ", style), (f"{gate:<12}", "bold"), words), soft_wrap=True)
    _heading("Where it stands")
    say(f"pair     {pair.id}  ({pair.state}, {pair.origin}, split {pair.split})")
    say(f"log      {pair.source}, session {pair.session_id}")
    say(f"rows     {', '.join(pair.row_ids[:SHOWN_TURNS])}{', ...' if len(pair.row_ids) > SHOWN_TURNS else ''}")


def _heading(words: str) -> None:
    console().print(Text(f"\n{words}", style="bold underline"))
