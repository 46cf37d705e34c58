"""`trajc sample`: some pairs on the terminal."""

from __future__ import annotations

from typing import Any

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.pair_lines import print_pair
from trajectory_compiler.cli.screen import print_json
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.formats import Item, jsonl_record
from trajectory_compiler.exports.request import NO_CONTEXT
from trajectory_compiler.model import Family
from trajectory_compiler.store import SHOWN_STATES, PairQuery, Store


@click.command(
    name="sample",
    epilog=shared.example(
        "trajc sample --limit 3", "trajc sample --qa-type composition --seed 7 --json", "trajc sample --candidates"
    ),
)
@shared.families_option
@click.option("--limit", type=click.IntRange(min=1), metavar="N", default=5, show_default=True, help="How many.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Another seed draws other pairs.")
@click.option("--source", metavar="NAME", help="Only pairs of this log.")
@click.option("--session", metavar="ID", help="Only pairs of this session.")
@click.option("--candidates", is_flag=True, help="Pairs that nobody has proved yet instead: a model's, or those of acc.")
@shared.store_option
@shared.json_option
def command(qa_types: tuple[Family, ...], candidates: bool, store: str, as_json: bool, **drawn: Any) -> None:
    """Print some pairs, drawn at random."""
    query = PairQuery(qa_types=qa_types, states=("candidate",) if candidates else SHOWN_STATES, **drawn)
    with Store.open(store, read_only=True) as opened:
        pairs = list(opened.pairs(query))
        if as_json:
            print_json([jsonl_record(Item(pair=pair, context="", setting=NO_CONTEXT, bare=False)) for pair in pairs])
            return
        if not pairs:
            raise InputError("print a sample", "no pair matches", "See what there is with: trajc stats")
        for pair in pairs:
            print_pair(pair, opened.trajectory_of(pair))
