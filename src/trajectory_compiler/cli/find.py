"""`trajc find`: where a subject stands, for an access request."""

from __future__ import annotations

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.forgetting import erased_before
from trajectory_compiler.cli.screen import add_row, counted, print_json, say, show, table, warn
from trajectory_compiler.cli.subjects import subject_option
from trajectory_compiler.exports.derived import DerivedFile, files_with
from trajectory_compiler.pipeline.find import Found, find_subject
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.redaction.marks import subject_mark
from trajectory_compiler.store import Store
from trajectory_compiler.store.erasure import Tombstone

WAYS = {"hash": "keyed hash", "text": "plain text", "id": "session id"}


@click.command(
    name="find",
    epilog=shared.example("trajc find --subject amy@example.com", "trajc find --subject - < subject.txt"),
)
@subject_option
@click.option("--source", metavar="NAME", help="Only sessions of this log.")
@shared.store_option
@shared.json_option
def command(subjects: tuple[str, ...], source: str | None, store: str, as_json: bool) -> None:
    """Say in which sessions somebody stands, and which pairs and files were made from them. The value itself is never printed.

    It is sought by the keyed hashes that redaction kept, in the stored turns, and in session ids. Several values count as one
    subject: an address, a phone number, a name.
    """
    if not subjects:
        raise click.UsageError("Name whom to find: --subject VALUE, or --subject - to read it from standard input.")
    with Store.open(store, read_only=True) as opened:
        key = load_key(key_path(opened.path), create=False)
        with opened.view():
            found = find_subject(opened, key, subjects, source)
            digests = {t.digest for one in found.sessions for t in opened.erasure.trajectories(one.key)}
            files = files_with(opened, [pair for one in found.sessions for pair in one.pairs], digests)
            mark = subject_mark(key, subjects)
            before = tuple(one for one in opened.erasure.tombstones() if one.subject == mark)
    if as_json:
        print_json(msgspec.structs.asdict(found) | {"files": files, "erasures": before})
    else:
        _print(found, files, before)


def _print(found: Found, files: tuple[DerivedFile, ...], before: tuple[Tombstone, ...]) -> None:
    for tombstone in before:
        say(erased_before(tombstone))
    if found.sessions:
        shown = table("source", "session", "found by", "as", "pairs", right=(4,))
        for one in found.sessions:
            ways = ", ".join(WAYS[way] for way in one.ways)
            add_row(shown, one.source, one.session_id, ways, ", ".join(one.names), len(one.pairs))
        show(shown)
    pairs = sum(len(one.pairs) for one in found.sessions)
    say(f"{len(found.sessions):,} of {counted(found.searched, 'session')}, {counted(pairs, 'pair')}.")
    for file in files:
        gone = "" if file.exists else "; it is not there any more"
        say(f"{file.kind} {file.target}: {file.certainty} ({file.why}){gone}")
    if found.unreachable:
        warn(f"{counted(found.unreachable, 'session')} were hashed under another key, so nobody is found there by hash.")
