"""`trajc export`: pairs as a data set."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.screen import counted, print_json, say, warn
from trajectory_compiler.cli.who import actor
from trajectory_compiler.exports import FORMATS, ExportRequest, parse_context
from trajectory_compiler.exports import export as write_export
from trajectory_compiler.exports.request import ExportFormat, Manifest, states_of
from trajectory_compiler.model import Family
from trajectory_compiler.store import Store
from trajectory_compiler.store.clock import utc_now


@click.command(
    name="export",
    epilog=shared.example(
        "trajc export --output pairs.jsonl",
        "trajc export --format inspect --context 16k --output pairs.jsonl && inspect eval pairs_task.py --model MODEL",
        "trajc export --format chat --context full --split train --output train.jsonl",
        "trajc export --origin acc --format acc --context 64k --output acc.jsonl",
    ),
)
@click.option("--format", "format_", type=click.Choice(FORMATS), default="jsonl", show_default=True, help="The form of a line.")
@click.option(
    "--context",
    default="none",
    show_default=True,
    metavar="none|evidence|full|TOKENS",
    help="How much of the session goes along: nothing, the supporting turns, all, or so many tokens (4096, 16k) around them.",
)
@click.option(
    "--output", metavar="FILE", type=click.Path(path_type=Path, allow_dash=True), help="Where to write.  [default: stdout]"
)
@click.option("--bare", is_flag=True, help="Answers of chat and acc without the steps that lead to them.")
@click.option(
    "--split", "splits", multiple=True, type=click.Choice(("train", "dev", "test")), help="Only this split; repeatable."
)
@shared.families_option
@click.option(
    "--origin",
    metavar="NAME",
    help="Only pairs of this origin: dataflow, model:NAME, or acc, whose pairs are candidates and exported by this name only.",
)
@click.option("--source", metavar="NAME", help="Only pairs of this log.")
@click.option("--limit", type=click.IntRange(min=1), metavar="N", help="A random sample of this size.")
@click.option(
    "--seed", type=int, metavar="N", default=0, show_default=True, help="Seed of the sample, and of the pieces of acc pairs."
)
@click.option("--observations-only", is_flag=True, help="Leave what the agent's model said and thought out of contexts.")
@click.option("--force", is_flag=True, help="Overwrite files that exist.")
@shared.store_option
@shared.json_option
def command(
    format_: ExportFormat,
    context: str,
    output: Path | None,
    bare: bool,
    splits: tuple[str, ...],
    qa_types: tuple[Family, ...],
    origin: str | None,
    source: str | None,
    limit: int | None,
    seed: int,
    observations_only: bool,
    force: bool,
    store: str,
    as_json: bool,
) -> None:
    """Write the pairs as a data set, with a manifest of digests and counts beside it.

    jsonl holds everything that is known of a pair; inspect runs in `inspect eval` as it is; acc has the columns of the ACC data
    set; chat holds messages for fine-tuning. What the table [purpose] of ./trajc.toml excludes stays here.
    """
    request = ExportRequest(
        format=format_,
        created_at=utc_now(),
        context=parse_context(context),
        splits=splits,
        qa_types=qa_types,
        origins=() if origin is None else (origin,),
        states=states_of(origin),
        source=source,
        limit=limit,
        seed=seed,
        bare=bare,
        force=force,
        actor=actor(),
        purpose=shared.purpose(),
        observations_only=observations_only,
    )
    if output is None or str(output) == "-":
        _to_stdout(request, store, as_json=as_json)
        return
    refuse_place(output)
    with Store.open(store, create=False) as opened:
        manifest = write_export(opened, request, output)
    if as_json:
        print_json(manifest)
    else:
        _report(manifest, output)


def _to_stdout(request: ExportRequest, store: str, *, as_json: bool) -> None:
    if as_json:
        raise click.UsageError("--json prints the manifest, so the pairs need a place of their own: add --output FILE.")
    if request.format == "inspect":
        raise click.UsageError("The inspect format is two files: name the first with --output FILE.")
    with Store.open(store, read_only=True) as opened:
        manifest = write_export(opened, request, sys.stdout.buffer)
    _warn_left_out(manifest)


def _report(manifest: Manifest, output: Path) -> None:
    say(f"{counted(manifest.records, 'pair')} of {counted(manifest.sessions, 'session')}, context {manifest.context}:")
    for file in manifest.files:
        say(f"  {output.with_name(file.name)}  {file.bytes:,} bytes  sha256 {file.sha256[:16]}")
    say(f"  {output.with_name(output.name + '.manifest.json')}")
    _warn_left_out(manifest)


def _warn_left_out(manifest: Manifest) -> None:
    for reason, count in manifest.left_out.items():
        warn(f"{counted(count, 'pair')} left out: {reason}.")
    if manifest.purpose.use == "evaluation":
        return
    for one in manifest.terms:  # nobody may train by accident on what a provider's terms keep
        holder = "wrote pairs" if one.part == "pairs" else "acted in contexts"
        warn(f"{one.model} {holder}: {one.restriction} ({one.source}, read {one.read}).")
