"""`trajc redact restore`: what a vault holds, put back into a redacted copy."""

from __future__ import annotations

from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.compiling import refuse_place
from trajectory_compiler.cli.screen import counted, print_json, say
from trajectory_compiler.cli.who import actor
from trajectory_compiler.errors import InputError
from trajectory_compiler.exports.files import new_file, refuse_existing
from trajectory_compiler.pipeline.restore_log import Restored, restore_log
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.redaction.vault import Vault
from trajectory_compiler.store import Action, Store
from trajectory_compiler.store.clock import utc_now


@click.command(
    name="restore",
    epilog=shared.example(
        "trajc redact restore copy.jsonl --vault copy.vault --output restored.jsonl",
        "trajc redact restore copy.jsonl --vault copy.vault --type EMAIL --output restored.jsonl",
    ),
)
@click.argument("copy", type=click.Path(path_type=Path))
@click.option("--vault", metavar="FILE", type=click.Path(path_type=Path), required=True, help="The vault of the copy.")
@click.option("--output", metavar="FILE", type=click.Path(path_type=Path), required=True, help="Where to write (mode 0600).")
@click.option("--type", "types", metavar="TYPE", multiple=True, help="Only values of this type, such as EMAIL; repeatable.")
@click.option("--force", is_flag=True, help="Overwrite a file that exists.")
@shared.store_option
@shared.json_option
def command(copy: Path, vault: Path, output: Path, types: tuple[str, ...], force: bool, store: str, as_json: bool) -> None:
    """Put back what the vault holds of COPY, a file that `trajc redact run --vault` wrote.

    Secrets and what could not be scanned are in no vault. Every use is noted in the store, before the file is there: who, when,
    which file, how many values of which type.
    """
    refuse_place(output)
    refuse_existing([output], force=force)
    pages = Vault(load_key(key_path(vault), create=False)).pages(vault)
    with Store.open(store) as opened, new_file(output, private=True) as write:
        try:
            with copy.open("rb") as lines:
                found = restore_log(lines, pages, frozenset(types), write)
        except OSError as error:
            raise InputError(f"read '{copy}'", error.strerror or type(error).__name__, "Name a redacted copy.") from error
        opened.record_action(_action(found, copy, vault, output))
    if as_json:
        print_json(found)
        return
    put_back = ", ".join(f"{count:,} {kind}" for kind, count in found.restored.items()) or "nothing"
    left = ", ".join(f"{count:,} {kind}" for kind, count in found.left.items())
    say(f"{counted(found.rows, 'row')}: {put_back} put back{f'; left as they are: {left}' if left else ''}: {output}")
    if found.unknown_rows:
        say(f"{counted(found.unknown_rows, 'row')} belong to sessions that the vault does not hold.")
    say("This file is not redacted. Who restored what is noted in the store.")


def _action(found: Restored, copy: Path, vault: Path, output: Path) -> Action:
    detail = {
        "copy": str(copy.absolute()),
        "vault": str(vault.absolute()),
        "rows": str(found.rows),
        "restored": ", ".join(f"{count} {kind}" for kind, count in found.restored.items()),
    }
    return Action(kind="restore", actor=actor(), target=str(output.absolute()), detail=detail, created_at=utc_now())
