"""`trajc redact check`: leaks in any files."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import click

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.screen import counted, print_json, say
from trajectory_compiler.errors import InputError
from trajectory_compiler.pipeline.leak_check import Leak, LeakReport, check_files
from trajectory_compiler.redaction import load_policy
from trajectory_compiler.redaction.canaries import Watch, parse_canaries

SHOWN = 40
MOST = 100_000


@click.command(
    name="check",
    epilog=shared.example(
        "trajc redact check agent_log.redacted.jsonl",
        "trajc redact check pairs.jsonl .trajc/store.db run.log --canaries planted.txt",
        "trajc redact check .trajc/store.db --canaries planted.jsonl --no-rules --json",
    ),
)
@click.argument("files", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option(
    "--canaries",
    metavar="FILE",
    type=click.Path(path_type=Path),
    help='Values that were planted in the log: one a line, or {"value": "...", "kind": "..."}.',
)
@click.option("--rules/--no-rules", default=True, help="Scan with the policy's rules, too.  [default: rules]")
@shared.policy_option
@shared.json_option
def command(files: tuple[Path, ...], canaries: Path | None, rules: bool, policy: str, as_json: bool) -> int:
    """Look through FILES (copies, exports, stores, logs; compressed ones, too) for what should not be there.

    Canaries are looked for as they are and in every usual encoding. A finding names file, place and type, never the value.
    Exit code 1: something was found.
    """
    if canaries is None and not rules:
        raise click.UsageError("--no-rules leaves nothing to look for: add --canaries FILE.")
    planted = () if canaries is None else parse_canaries(_read(canaries), str(canaries))
    leaks = tuple(islice(check_files(files, Watch(planted) if planted else None, load_policy(policy) if rules else None), MOST))
    report = LeakReport(
        files=len(files), bytes=sum(p.stat().st_size for p in files), canaries=len(planted), rescanned=rules, leaks=leaks
    )
    if as_json:
        print_json(report)
    else:
        _print(report)
    return 1 if leaks else 0


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InputError(f"read the canaries of '{path}'", error.strerror or "it cannot be read", "Name a file.") from None


def _print(report: LeakReport) -> None:
    for leak in report.leaks[:SHOWN]:
        say(_in_words(leak))
    if len(report.leaks) > SHOWN:
        say(f"... and {len(report.leaks) - SHOWN:,} more: --json lists them.")
    looked = [f"{report.canaries:,} canaries"] if report.canaries else []
    looked += ["what the rules find"] if report.rescanned else []
    found = counted(len(report.leaks), "leak") if report.leaks else "no leak"
    size = f"{counted(report.files, 'file')}, {report.bytes / 1e6:,.1f} MB"
    say(f"Looked in {size} for {' and '.join(looked)}: {found}.")


def _in_words(leak: Leak) -> str:
    name = f"canary {leak.canary}, {leak.how.removeprefix('canary, ')}" if leak.canary else leak.how
    times = f", {leak.count:,} times" if leak.count > 1 else ""
    return f"{leak.file}: {leak.type} in {leak.place} ({name}{times})"
