"""`trajc ledger verify`: a log against its seals and a checkpoint, or one receipt against a public key."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler.cli import ledger_options as sealing
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SealError
from trajectory_compiler.ledger.note import Verifier, read_verifier
from trajectory_compiler.ledger.publish import published
from trajectory_compiler.ledger.receipt import MAX_BYTES, Checked, check_receipt, parse_receipt
from trajectory_compiler.ledger.rows import instant_of
from trajectory_compiler.ledger.seal import checkpoint_name
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_sealed_table
from trajectory_compiler.ledger.verify import VerifyReport, verify

SHOWN = 20
_ABOUT = {
    "back-inserted": "not sealed, at or below the sealed rows: inserted later, or by a transaction that outlasted the seal",
    "late": "not sealed yet: its transaction was open when the seal was made; the next seal takes it",
    "doubled": "not sealed: it has the id of a sealed row",
}


@click.command(
    name="verify",
    epilog=shared.example(
        "trajc ledger verify postgresql://reader@host/db --checkpoint ~/mine/audit.checkpoint --public-key sealer.pub",
        "trajc ledger verify --receipt receipt.json --public-key sealer.pub",
    ),
)
@click.argument("log", required=False)
@click.option(
    "--checkpoint",
    "places",
    metavar="PLACE",
    multiple=True,
    help=f"A checkpoint that you hold: file, folder or address; repeatable.  [default: {sealing.DEFAULT_CHECKPOINT}]",
)
@click.option("--receipt", metavar="FILE", type=click.Path(path_type=Path), help="Check this receipt instead of a log.")
@sealing.seals_option
@sealing.public_key_option
@click.option("--table", metavar="NAME", help="The table, where it was renamed since it was sealed.")
@shared.json_option
def command(
    log: str | None,
    places: tuple[str, ...],
    receipt: Path | None,
    seals: Path,
    public_key: str,
    table: str | None,
    as_json: bool,
) -> int:
    """Find what was changed in a sealed log, row by row: edited, dated otherwise, deleted, cut off, put back, slipped in.

    With --receipt, check one row with no database: only the public key, and a checkpoint of your own if you name one. Exits
    with 1 when something was changed or a proof does not hold.
    """
    verifier = read_verifier(public_key)
    if receipt is not None:
        if log is not None:
            raise click.UsageError("A receipt is checked without a log: leave out one of them.")
        return _check_receipt(receipt, places, verifier, as_json=as_json)
    if log is None:
        raise click.UsageError("Name a log, or a receipt with --receipt FILE.")
    with SealStore.open(seals) as store:
        notes = [_note(place, store) for place in places or (sealing.DEFAULT_CHECKPOINT,)]
        report = verify(open_sealed_table(log, store, SourceOptions(table=table)), store, notes, verifier)
    if as_json:
        print_json({"sound": report.is_sound, "report": report})
    else:
        _print(report)
    return 0 if report.is_sound else 1


def _note(place: str, store: SealStore | None) -> str:
    name = checkpoint_name((store.get("origin") if store else None) or "ledger")
    note = published(place, name)
    if note is None:
        raise SealError(f"read the checkpoint '{place}'", "there is none", "Name one that you hold with --checkpoint.")
    return note


def _check_receipt(path: Path, places: tuple[str, ...], verifier: Verifier, *, as_json: bool) -> int:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES)
    except OSError as error:
        raise SealError(f"read the receipt '{path}'", error.strerror or "it failed", "Name another file.") from error
    held = _note(places[0], None) if places else None
    checked = check_receipt(parse_receipt(data), verifier, held)
    if as_json:
        print_json(_as_document(checked))
    else:
        _print_receipt(checked)
    return 0


def _as_document(checked: Checked) -> dict[str, object]:
    receipt, checkpoint = checked
    return {
        "sound": True,
        "row": receipt.row,
        "index": receipt.index,
        "origin": checkpoint.origin,
        "size": checkpoint.size,
        "sealed_at": checkpoint.said("sealed_at"),
        "columns": receipt.columns,
        "payload_purged": receipt.payload_hash is not None,
    }


def _print_receipt(checked: Checked) -> None:
    receipt, checkpoint = checked
    when = checkpoint.said("sealed_at") or "a time that it does not say"
    say(
        f"Row {receipt.row} is under the checkpoint of {checkpoint.size:,} rows of {checkpoint.origin}, sealed at {when}.",
        style="bold",
    )
    stamp = instant_of(receipt.shape.form, receipt.stamp.encode("utf-8", "surrogateescape"))
    say(f"  place {receipt.index:,}, stamped {stamp or 'with no time'}")
    if receipt.columns is None:
        say("  The receipt shows no columns: it proves that a row of this id and stamp was sealed, not what it said.")
    elif receipt.payload_hash is not None:
        say("  The columns that it shows are those that were sealed; the payload was purged.")
    else:
        say("  The columns that it shows are those that were sealed.")


def _print(report: VerifyReport) -> None:
    for problem in report.problems:
        say(f"not as it was signed: {problem}", style="red")
    if report.counts:
        shown = table("what", "rows", right=(1,))
        for kind, count in report.counts.items():
            add_row(shown, kind, count)
        show(shown)
    for found in report.tampered[:SHOWN]:
        detail = f" ({found.detail})" if found.detail else ""
        say(f"{found.kind}: row {found.id}{detail}", style="red")
    for row in report.unsealed[:SHOWN]:
        say(f"{row.kind}: row {row.id}, stamped {row.stamp}: {_ABOUT[row.kind]}", style="" if row.kind == "late" else "red")
    for purged in report.purged[:SHOWN]:
        say(f"purged: row {purged.id}, with record {purged.record}{'' if purged.is_signed else ' (which no key signed)'}")
    if max(len(report.tampered), len(report.unsealed), len(report.purged)) > SHOWN:
        say(f"... the first {SHOWN} of a list are shown; --json has more")
    for note in report.notes:
        say(f"note: {note}")
    verdict = "Nothing was changed" if report.is_sound else "The log is not as it was sealed"
    say(
        f"{verdict}: {report.intact:,} of {counted(report.sealed, 'sealed row')} as sealed, {counted(report.new, 'row')} not "
        f"sealed yet. Checkpoint of {report.size:,} rows of {report.origin}.",
        style="bold",
    )
