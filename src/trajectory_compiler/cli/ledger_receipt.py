"""`trajc ledger receipt`: the proof for one row, to hand to somebody who has no database."""

from __future__ import annotations

from pathlib import Path

import click
import msgspec

from trajectory_compiler.cli import ledger_options as sealing
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import print_json, say, warn
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.note import read_verifier
from trajectory_compiler.ledger.publish import published
from trajectory_compiler.ledger.receipt import make_receipt
from trajectory_compiler.ledger.seal import checkpoint_name
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_sealed_table


@click.command(
    name="receipt",
    context_settings={"ignore_unknown_options": True},  # an id may be negative
    epilog=shared.example(
        "trajc ledger receipt 4711 --log postgresql://reader@host/db --output receipt.json",
        "trajc ledger verify --receipt receipt.json --public-key sealer.pub",
    ),
)
@click.argument("row")
@click.option("--log", metavar="LOG", help="The log: the receipt then shows the row. Without it, the receipt holds its digest.")
@click.option("--checkpoint", "place", metavar="PLACE", help="The checkpoint to prove it under.  [default: the last one]")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), help="Where to write it.  [default: stdout]")
@sealing.seals_option
@sealing.public_key_option
@click.option("--table", metavar="NAME", help="The table, where it was renamed since it was sealed.")
@shared.json_option
def command(
    row: str,
    log: str | None,
    place: str | None,
    output: Path | None,
    seals: Path,
    public_key: str,
    table: str | None,
    as_json: bool,
) -> None:
    """Prove that a row was sealed as it stands, to an outsider: the receipt is checked with the public key alone.

    A receipt is not redacted: it shows the whole row.
    """
    with SealStore.open(seals) as store:
        note = None
        if place is not None:
            note = published(place, checkpoint_name(store.get("origin") or ""))
            if note is None:
                raise SealError(f"read the checkpoint '{place}'", "there is none", "Leave it out to take the last one.")
        source = open_sealed_table(log, store, SourceOptions(table=table)) if log is not None and store.shapes else None
        receipt = make_receipt(store, row, note, read_verifier(public_key), source)
    if output is None:
        print_json(receipt)
        return
    try:
        output.write_bytes(msgspec.json.format(msgspec.json.encode(receipt), indent=2) + b"\n")
    except OSError as error:
        raise SealError(f"write the receipt '{output}'", error.strerror or "it failed", "Name another file.") from error
    if as_json:
        print_json({"row": receipt.row, "index": receipt.index, "output": str(output)})
        return
    say(f"Receipt for row {receipt.row}: {output}", style="bold")
    if log is not None:
        warn("It shows the whole row, not redacted.")
