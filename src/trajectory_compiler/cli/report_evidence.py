"""`trajc report evidence`: what was processed, under which rules, with what proof, for whoever must answer."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler import __version__
from trajectory_compiler.cli import ledger_options as sealing
from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table
from trajectory_compiler.cli.show import origin_of
from trajectory_compiler.cli.who import actor
from trajectory_compiler.config import SourceOptions
from trajectory_compiler.errors import SealError
from trajectory_compiler.exports.files import new_file
from trajectory_compiler.exports.sql import DialectName, sql_of
from trajectory_compiler.ledger.note import read_verifier
from trajectory_compiler.ledger.publish import published
from trajectory_compiler.ledger.seal import checkpoint_name
from trajectory_compiler.ledger.seal_store import SealStore
from trajectory_compiler.ledger.table import open_sealed_table
from trajectory_compiler.ledger.verify import VerifyReport, verify
from trajectory_compiler.reports.evidence import EvidencePack, Inputs
from trajectory_compiler.reports.evidence_page import evidence_page
from trajectory_compiler.reports.packing import make_pack
from trajectory_compiler.reports.profile import PROFILES
from trajectory_compiler.store import Action, Store
from trajectory_compiler.store.clock import utc_now

PAIRS = 10
PAGE = "page"  # the kind of the actions by which an erasure finds the pages that show a pair


@click.command(
    name="evidence",
    epilog=shared.example(
        "trajc report evidence --profile pra-ss123 --html evidence.html",
        "trajc report evidence --profile fca-solo --json > evidence.json",
        "trajc report evidence --profile public-sector --html evidence.html --log postgresql://reader@host/db",
    ),
)
@click.option("--profile", type=click.Choice(PROFILES), required=True, help="For whom: which headings, and because of what.")
@click.option("--html", metavar="FILE", type=click.Path(path_type=Path), help="Write one page, to be printed and signed.")
@click.option(
    "--pairs", type=click.IntRange(min=0, max=100), metavar="N", default=PAIRS, show_default=True, help="How many pairs."
)
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Seed of the draw of pairs.")
@click.option(
    "--sql",
    "dialect",
    type=click.Choice(("postgres", "sqlite")),
    default="postgres",
    show_default=True,
    help="The dialect of the queries.",
)
@click.option("--log", metavar="LOG", help="The sealed log, which is then verified against its seals.")
@sealing.seals_option
@click.option(
    "--checkpoint",
    metavar="PLACE",
    default=sealing.DEFAULT_CHECKPOINT,
    show_default=True,
    help="A checkpoint of the sealed log that you hold: file, folder or address.",
)
@sealing.public_key_option
@shared.store_option
@shared.json_option
def command(
    profile: str,
    html: Path | None,
    pairs: int,
    seed: int,
    dialect: DialectName,
    log: str | None,
    seals: Path,
    checkpoint: str,
    public_key: str,
    store: str,
    as_json: bool,
) -> int:
    """Write what was processed, for which purpose, under which policy, with which models, at what cost, and what was dropped.

    With ten random pairs and their queries, seals, erasures, the limits of the method, a place for a name and a date. It is
    evidence, never a claim of compliance. Exits with 1 where a sealed log was changed or a pair no longer proves.
    """
    if html is not None:
        refuse_place(html)
    verified = None if log is None else (log, _verified(log, seals, checkpoint, public_key))
    with Store.open(store, create=False) as opened:
        inputs = Inputs(
            store=opened,
            made_at=utc_now(),
            made_by=actor(),
            program_version=__version__,
            sql=lambda pair, trajectory: sql_of(pair, trajectory, origin_of(opened, pair, None, {}), dialect),
            seals=None if verified is None else (_without_password(verified[0]), verified[1]),
            pairs=pairs,
            seed=seed,
        )
        pack = make_pack(profile, inputs)
        if html is not None:
            with new_file(html) as write:
                write(evidence_page(pack).encode("utf-8", "replace"))
            _note(opened, pack, html)
    if as_json:
        print_json(pack)
    else:
        _print(pack, html)
    is_sound = verified is None or verified[1].is_sound
    return 0 if is_sound and not _fallen(pack) else 1


def _verified(log: str, seals: Path, checkpoint: str, public_key: str) -> VerifyReport:
    verifier = read_verifier(public_key)
    with SealStore.open(seals) as store:
        note = published(checkpoint, checkpoint_name(store.get("origin") or "ledger"))
        if note is None:
            seen = "there is none"
            raise SealError(f"read the checkpoint '{checkpoint}'", seen, "Name one that you hold with --checkpoint.")
        return verify(open_sealed_table(log, store, SourceOptions()), store, [note], verifier)


def _without_password(address: str) -> str:
    """Return an address as a pack may show it: without whoever signs in, and how."""
    scheme, separator, rest = address.partition("://")
    return f"{scheme}://{rest.rpartition('@')[2].partition('?')[0]}" if separator else address


def _note(store: Store, pack: EvidencePack, path: Path) -> None:
    """Note that a page shows pairs, so that an erasure can name it."""
    shown = [item.id for section in pack.sections for item in section.content.pairs]
    detail = {"pairs": " ".join(shown), "profile": pack.profile}
    store.record_action(
        Action(kind=PAGE, actor=pack.made_by, target=str(path.absolute()), detail=detail, created_at=pack.made_at)
    )


def _fallen(pack: EvidencePack) -> int:
    return sum(item.proof.startswith("FAILS") for section in pack.sections for item in section.content.pairs)


def _print(pack: EvidencePack, html: Path | None) -> None:
    say(pack.title, style="bold")
    say(pack.statement)
    say()
    shown = table("part", "on record", "source")
    for section in pack.sections:
        content = section.content
        lines = sum(len(sheet.rows) for sheet in content.sheets)
        what = counted(len(content.pairs), "pair") if content.pairs else counted(lines, "line") if lines else "a note"
        places = "; ".join(f"{item.place} (read {item.read_on})" for item in section.because)
        add_row(shown, section.heading, what, places)
    show(shown)
    if fallen := _fallen(pack):
        say(f"{counted(fallen, 'pair')} of the sample no longer proves.", style="red")
    say(f"The page: {html}" if html is not None else "Write it as a page with --html FILE, or whole with --json.")
