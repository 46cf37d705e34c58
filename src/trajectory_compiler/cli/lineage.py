"""How the lineage of a pair looks on a terminal: from the rows of its log to the files that hold it."""

from __future__ import annotations

from typing import Any

import msgspec
from rich.text import Text

from trajectory_compiler.cli.screen import console, printable
from trajectory_compiler.exports.derived import DerivedFile, files_with
from trajectory_compiler.model import Pair
from trajectory_compiler.models.prices import usd_of
from trajectory_compiler.pipeline.tracing import SourceTrace, source_options, trace
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Store
from trajectory_compiler.store.lineage import Lineage, LineageCall

SHOWN_CALLS = 12


class Traced(msgspec.Struct, frozen=True, kw_only=True):
    """The lineage of a pair, how its log was read, the files that hold it, and its rows in the log where that was named."""

    lineage: Lineage
    read_as: dict[str, str]
    files: tuple[DerivedFile, ...]
    log: SourceTrace | None = None


def traced(store: Store, pair: Pair, log: str | None) -> Traced:
    """Gather the lineage of a pair; with a log, look its rows up there. Raises InputError where the log cannot be read."""
    found = store.lineage(pair)
    noted: dict[str, str] = {}
    for action in store.actions():
        if action.kind == "compile" and action.target == pair.source:
            noted = action.detail
    files = files_with(store, [pair.id], [])
    if log is None:
        return Traced(lineage=found, read_as=noted, files=files)
    key = load_key(key_path(store.path), create=False)
    return Traced(
        lineage=found, read_as=noted, files=files, log=trace(pair, found, log, source_options(noted, pair.source), key)
    )


def lineage_record(traced: Traced) -> dict[str, Any]:
    """Return what `--json` prints."""
    more = {"read_as": traced.read_as, "files": traced.files, "log": traced.log}
    return msgspec.structs.asdict(traced.lineage) | more


def print_lineage(traced: Traced) -> None:
    """Print where a pair comes from and where it went, a line for each step."""
    found = traced.lineage
    read_as = ", ".join(f"{name} {value}" for name, value in traced.read_as.items() if value and name in ("format", "table"))
    _line("log", f"{found.source}{f' ({read_as})' if read_as else ''}, session {found.session_id}")
    for row in found.rows:
        _line("row", f"{row.row_id}  turn #{row.turn:03d}  redacted turn {row.turn_hash[:16]}")
    latest = "" if found.is_latest else "; the session was compiled from other rows since"
    _line(
        "rows",
        f"keyed digest {found.rows_digest[:16]}, redacted form {found.trajectory_digest[:16]}, {found.stored_at}{latest}",
    )
    if traced.log is not None:
        _print_log(traced.log)
    why = f": {found.policy.reason}" if found.policy.reason else ""
    _line("policy", f"{found.policy.name or 'not kept'} {found.policy.hash[:16]}{why}")
    run = found.run
    _line("run", f"{run.kind} {run.id[:12]}, {run.started_at}, compiler {run.compiler_version}, {run.status}")
    _line("compiled", f"key {found.compile_key[:16]}, statistics now {(found.snapshot or 'none')[:16]}")
    _line("made by", f"{found.origin}, split {found.split}, now {found.state}")
    for call in found.calls[:SHOWN_CALLS]:
        _line("call", _call(call))
    if len(found.calls) > SHOWN_CALLS:
        _line("", f"... and {len(found.calls) - SHOWN_CALLS} more calls (--json lists them)")
    price = "of unknown price" if found.cost_pico_usd is None else f"${usd_of(found.cost_pico_usd):f}"
    _line("cost", f"{price} for {len(found.calls)} calls" if found.calls else "$0, no model was asked for it")
    for proof in found.proofs:
        gates = ", ".join(
            f"{gate} {'yes' if outcome else 'no'}" for gate, outcome in proof.gates.items() if outcome is not None
        )
        score = "" if proof.score is None else f", score {proof.score:g}"
        decides = "" if proof.decides else " (does not decide)"
        _line("proof", f"{proof.checker}, {proof.checked_at}, run {proof.run_id[:12]}{score}{decides}: {gates}")
    for review in found.reviews:
        _line(
            "review",
            f"{review.verdict} by {review.reviewer}, {review.created_at}{f': {review.reason}' if review.reason else ''}",
        )
    for one in found.data_sets:
        _line("data set", f"{one.name} v{one.version} ({one.digest[:16]}), item {one.place}")
    for file in traced.files:
        gone = "" if file.exists else "; it is not there any more"
        _line(file.kind, f"{file.target}, {file.made_at}: {file.certainty} ({file.why}){gone}")


def _print_log(log: SourceTrace) -> None:
    if not log.found:
        _line("in log", f"{log.log} no longer holds the session (or its id was redacted, and its rows have changed)")
        return
    _line("in log", f"{log.log}: {'the same rows' if log.unchanged else 'the rows have changed since'}")
    for row in log.rows:
        _line("in log", f"{row.row_id}  sha256 {row.sha256}")


def _call(call: LineageCall) -> str:
    price = "unknown price" if call.cost_pico_usd is None else f"${usd_of(call.cost_pico_usd):f}"
    source = "from the store" if call.from_cache else price
    whose = "for the pair" if call.of_pair else "for its session"
    return f"{call.model}, {call.stage}, prompt {call.prompt_version}, {call.status}, {source}, {whose}, {call.created_at}"


def _line(name: str, words: str) -> None:
    console().print(Text.assemble((f"{name:>9}  ", "dim"), printable(words)), soft_wrap=True)
