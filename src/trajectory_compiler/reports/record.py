"""What the store has on record, as parts of an evidence pack: logs, purpose, policy, models, cost, drops, seals, erasures."""

from __future__ import annotations

from typing import Any

import msgspec

from trajectory_compiler.exports.in_words import is_dropped, reason_in_words
from trajectory_compiler.ledger.verify import VerifyReport
from trajectory_compiler.models.prices import usd_of
from trajectory_compiler.reports.evidence import Content, Inputs, Sheet
from trajectory_compiler.store import Run
from trajectory_compiler.store.figures import ReadCalibration

SHOWN = 25  # rows of a table that grows with time; the newest ones are shown and the rest are counted
AGREED = "send-to"  # the kind of the action that remembers a host to which redacted sessions may be sent
TAKEN = ("export", "page", "vault", "restore", "evidence")


def processed(inputs: Inputs) -> Content:
    """Say which logs were read, how much of them, by which runs."""
    parts = inputs.store.figures().sources()
    runs = inputs.store.runs()
    totals = inputs.store.totals()
    sessions = tuple((p.source, p.state, f"{p.sessions:,}", f"{p.turns:,}", p.last_row or "no stamp") for p in parts)
    return Content(
        facts=(
            ("sources", f"{len({part.source for part in parts}):,}"),
            ("sessions", f"{sum(part.sessions for part in parts):,}"),
            ("turns", f"{totals.turns:,}"),
            ("runs", f"{len(runs):,}"),
        ),
        sheets=(
            Sheet(
                caption="Sessions by source and state",
                columns=("source", "state", "sessions", "turns", "last row"),
                rows=sessions,
                numeric=(2, 3),
            ),
            Sheet(caption=_newest("Runs", len(runs)), columns=("what", "source", "began", "ended", "how"), rows=_runs(runs)),
        ),
        notes=() if parts else ("The store holds no session.",),
    )


def _newest(caption: str, count: int) -> str:
    return f"{caption}, the newest {SHOWN} of {count:,}" if count > SHOWN else caption


def _runs(runs: tuple[Run, ...]) -> tuple[tuple[str, ...], ...]:
    return tuple((run.kind, run.source, run.started_at, run.finished_at or "–", run.status) for run in runs[-SHOWN:][::-1])


def purpose(inputs: Inputs) -> Content:
    """Say what the runs were for, as `[purpose]` of the config said when they ran: every change of it, by source."""
    rows: list[tuple[str, ...]] = []
    before: dict[str, tuple[str, ...]] = {}
    for run in inputs.store.runs():
        stated = _purpose_of(run)
        if stated is None or before.get(run.source) == stated:
            continue
        before[run.source] = stated
        rows.append((run.source, run.started_at, *stated))
    if not any(any(row[2:]) for row in rows):
        note = "No run states a purpose: the table [purpose] of trajc.toml was empty or not there. This part has no evidence."
        return Content(notes=(note,))
    columns = ("source", "from", "use", "lawful basis", "impact assessment", "left out")
    shown = tuple(tuple(cell or "not stated" for cell in row) for row in rows)
    return Content(sheets=(Sheet(caption="Purpose, as each run was started with", columns=columns, rows=shown),))


def _purpose_of(run: Run) -> tuple[str, ...] | None:
    """Read a run's options, whichever version wrote them: None where they know no purpose."""
    options = _parsed(run.options)
    stated = options.get("purpose") if isinstance(options, dict) else None
    if not isinstance(stated, dict):
        return None
    left_out = [
        f"{len(names):,} {key.removeprefix('exclude_')}"
        for key in ("exclude_agents", "exclude_tools", "exclude_sessions")
        if isinstance(names := stated.get(key), list) and names
    ]
    return (*(str(stated.get(key) or "") for key in ("use", "lawful_basis", "dpia")), ", ".join(left_out))


def _parsed(text: str) -> Any:
    try:
        return msgspec.json.decode(text)
    except msgspec.DecodeError:
        return None


def policy(inputs: Inputs) -> Content:
    """Say by which policies the sessions were redacted and what was replaced."""
    figures = inputs.store.figures()
    used, names = figures.policies(), figures.names()
    blocked = inputs.store.totals().sessions.get("blocked", 0)
    policies = tuple((p.name or "not kept by this version", p.hash[:16], p.reason or "–", f"{p.sessions:,}") for p in used)
    found = tuple((n.kind, f"{n.values:,}", f"{n.places:,}", f"{n.sessions:,}") for n in names)
    return Content(
        facts=(("sessions that could not be redacted and were left out", f"{blocked:,}"),),
        sheets=(
            Sheet(
                caption="Policies of the stored sessions",
                columns=("policy", "hash", "why nothing was redacted", "sessions"),
                rows=policies,
                numeric=(3,),
            ),
            Sheet(
                caption="What stands as a name in place of a value",
                columns=("kind", "different values", "places", "sessions"),
                rows=found,
                numeric=(1, 2, 3),
            ),
        ),
        notes=(
            "What is stored is pseudonymised, not anonymous: rare facts, style and free text may still say who somebody is.",
            "A rule finds what it was written for. What no rule finds is not counted here; trajc redact check looks for more.",
        ),
    )


def models(inputs: Inputs) -> Content:
    """Say which models were asked, for what, where they are, and how well the readers among them were calibrated."""
    used = inputs.store.figures().models()
    hosts = [action for action in inputs.store.actions() if action.kind == AGREED]
    calibrations = inputs.store.figures().calibrations()
    if not used and not calibrations:
        return Content(notes=("No model was asked: every pair was made and proved by programs on the machine that ran them.",))
    asked = tuple(
        (f"{m.provider}:{m.model}", m.stage, m.prompt_version or "–", f"{m.paid:,}", f"{m.cached:,}", m.first_call, m.last_call)
        for m in used
    )
    sheets = [
        Sheet(
            caption="Models",
            columns=("model", "stage", "prompt", "calls", "answered from the store", "first", "last"),
            rows=asked,
            numeric=(3, 4),
        ),
        Sheet(
            caption="Hosts to which redacted sessions may be sent, and who agreed",
            columns=("host", "who", "when"),
            rows=tuple((action.target, action.actor, action.created_at) for action in hosts),
        ),
        *map(_calibration, calibrations),
    ]
    notes = () if calibrations else ("No reader was calibrated.",)
    return Content(sheets=tuple(sheet for sheet in sheets if sheet.rows), notes=notes)


def _calibration(item: ReadCalibration) -> Sheet:
    figures = _flat(item.figures, ())
    judged = f", judged by {item.judge}" if item.judge else ""
    caption = f"Calibration of {item.reader}{judged}, {item.created_at}"
    return Sheet(caption=caption, columns=("figure", "value"), rows=tuple(figures), numeric=(1,))


def _flat(value: Any, path: tuple[str, ...]) -> list[tuple[str, str]]:
    """Return every number of a JSON value with its path in words; a rate with its interval is one line."""
    if isinstance(value, dict):
        if {"rate", "low", "high"} <= value.keys():
            cases = f" of {value['count']:,}" if isinstance(value.get("count"), int) else ""
            return [(_words(path), f"{value['rate']:.3f} [{value['low']:.3f}, {value['high']:.3f}]{cases}")]
        return [line for key, child in value.items() for line in _flat(child, (*path, str(key)))]
    if isinstance(value, bool) or not isinstance(value, int | float):
        return []
    return [(_words(path), f"{value:,}" if isinstance(value, int) else f"{value:.3f}")]


def _words(path: tuple[str, ...]) -> str:
    return ": ".join(path).replace("_", " ")


def cost(inputs: Inputs) -> Content:
    """Say what the calls cost, to the last digit, and what has no known price."""
    lines = inputs.store.costs("stage")
    unknown = sum(line.unknown for line in lines)
    total = sum(line.cost_pico_usd for line in lines)
    rows = tuple(
        (line.key, f"{line.paid:,}", f"{line.input_tokens:,}", f"{line.output_tokens:,}", f"{usd_of(line.cost_pico_usd):f}")
        for line in lines
    )
    return Content(
        facts=(("dollars", f"{usd_of(total):f}"), ("calls of unknown price, not in the sum", f"{unknown:,}")),
        sheets=(
            Sheet(
                caption="By stage",
                columns=("stage", "calls", "tokens in", "tokens out", "dollars"),
                rows=rows,
                numeric=(1, 2, 3, 4),
            ),
        )
        if rows
        else (),
        notes=() if rows else ("No model was asked: nothing was spent.",),
    )


def dropped(inputs: Inputs) -> Content:
    """Say what was left out at each stage, with the reason."""
    drops = inputs.store.drops()
    rows = tuple(
        (
            drop.stage,
            f"{drop.count:,}",
            reason_in_words(drop.stage, drop.reason),
            "dropped" if is_dropped(drop.reason) else "kept",
        )
        for drop in drops
    )
    notes = () if rows else ("Nothing was dropped.",)
    sheet = Sheet(
        caption="By stage and reason", columns=("stage", "count", "why", "what became of it"), rows=rows, numeric=(1,)
    )
    return Content(sheets=(sheet,) if rows else (), notes=notes)


def seals(inputs: Inputs) -> Content:
    """Say what verifying the sealed log found when the pack was made."""
    if inputs.seals is None:
        note = "No sealed log was named, so nothing is said about changes of the log itself. Name one with --log."
        return Content(notes=(note,))
    log, report = inputs.seals
    verdict = "as it was sealed" if report.is_sound else "NOT as it was sealed"
    return Content(
        facts=(
            ("the log is", verdict),
            ("sealed rows", f"{report.sealed:,}"),
            ("of these as sealed", f"{report.intact:,}"),
            ("rows not sealed yet", f"{report.new:,}"),
        ),
        sheets=_found(report),
        notes=(f"Log: {log}. Checkpoint of {report.size:,} rows of {report.origin}.", *report.problems, *report.notes),
    )


def _found(report: VerifyReport) -> tuple[Sheet, ...]:
    rows = tuple((kind, f"{count:,}") for kind, count in report.counts.items())
    return (Sheet(caption="What was found", columns=("what", "rows"), rows=rows, numeric=(1,)),) if rows else ()


def actions(inputs: Inputs) -> Content:
    """Say who exported, showed or restored what."""
    taken = [action for action in inputs.store.actions() if action.kind in TAKEN]
    rows = tuple((action.created_at, action.kind, action.actor, action.target) for action in taken[-SHOWN:][::-1])
    if not rows:
        return Content(notes=("Nothing was exported, shown as a page or restored with this store.",))
    sheet = Sheet(caption=_newest("On record", len(taken)), columns=("when", "what", "who", "where to"), rows=rows)
    return Content(sheets=(sheet,))


def erasures(inputs: Inputs) -> Content:
    """Say what was erased and why, never what it was, and what may not be erased at present."""
    done, holds = inputs.store.erasure.tombstones(), inputs.store.erasure.holds()
    sheets = (
        Sheet(
            caption=_newest("Erasures", len(done)),
            columns=("when", "kind", "reason", "who", "how much"),
            rows=tuple((e.created_at, e.kind, e.reason, e.actor, _counted(e.counts)) for e in done[-SHOWN:][::-1]),
        ),
        Sheet(
            caption="Legal holds",
            columns=("from", "kind", "reason", "who", "released"),
            rows=tuple((h.created_at, h.kind, h.reason, h.actor, h.released_at or "in force") for h in holds),
        ),
    )
    notes = [] if done else ["Nothing was erased."]
    notes += [] if holds else ["There is no legal hold."]
    return Content(sheets=tuple(sheet for sheet in sheets if sheet.rows), notes=tuple(notes))


def _counted(counts: dict[str, int]) -> str:
    """Return the numbers of a tombstone in words."""
    return ", ".join(f"{value:,} {key.replace('_', ' ')}" for key, value in counts.items() if value) or "–"
