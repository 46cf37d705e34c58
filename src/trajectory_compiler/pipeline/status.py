"""How the daily runs are going, from what the store remembers: nothing is read from the log.

The yield is proved pairs for 100 compiled turns. It has drifted where the last run's is further from that of the 30 days before
than a quarter *and* than chance explains: three standard deviations of a Poisson count.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta

import msgspec

from trajectory_compiler.errors import InputError
from trajectory_compiler.pipeline.settling import moment, stamp_of
from trajectory_compiler.pipeline.snapshot import load_snapshot
from trajectory_compiler.redaction.keyfile import key_path, load_key
from trajectory_compiler.store import Run, Store
from trajectory_compiler.store.daily import Waiting

DAYS = 30
WORKING = ("sync", "compile")
LEAST_CHANGE, DEVIATIONS = 0.25, 3.0
OUTGROWN = 3  # a snapshot over a third of today's sessions is old


class RunLine(msgspec.Struct, frozen=True, kw_only=True):
    """One run. `cost_pico_usd` is what its model calls cost; calls of unknown price are counted apart."""

    run_id: str
    kind: str
    source: str
    status: str
    started_at: str
    seconds: float | None
    totals: dict[str, int]
    cost_pico_usd: int = 0
    unknown_prices: int = 0


class Yield(msgspec.Struct, frozen=True, kw_only=True):
    """Proved pairs for 100 turns: of the last run that compiled something, and of the runs in the 30 days before it."""

    last: float
    before: float
    runs: int
    drifted: bool


class SourceStatus(msgspec.Struct, frozen=True, kw_only=True):
    """One log. `watermark_at` is when its watermark last moved, `last` the latest run, `last_done_at` when one last ended well.

    `statistics_over` is how many sessions the statistics were taken over (null: they cannot be read); where the store has three
    times as many by now, they are `outgrown`.
    """

    source: str
    sessions: int
    watermark_at: str | None
    last: RunLine | None
    last_done_at: str | None
    open: int
    failing: int
    given_up: int
    troubles: tuple[Waiting, ...]
    drift: Yield | None
    statistics_over: int | None
    outgrown: bool


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that `trajc status` shows. Pico-dollars are 1e-12 dollars. `is_well` decides the exit code."""

    sources: tuple[SourceStatus, ...]
    runs: tuple[RunLine, ...]
    cost_today_pico_usd: int
    cost_30_days_pico_usd: int
    unknown_prices: int
    late: tuple[str, ...]
    is_well: bool


def status_of(store: Store, now: str, *, shown: int = 10, max_age_seconds: float | None = None) -> Status:
    """Say how the runs of a store are going. A source whose last good run is older than `max_age_seconds` is `late`."""
    costs = {line.key: line for line in store.costs("run")}
    lines = tuple(
        _line(run, costs[run.id].cost_pico_usd, costs[run.id].unknown) if run.id in costs else _line(run, 0, 0)
        for run in store.runs()
    )
    working = [line for line in lines if line.kind in WORKING]
    waiting = store.daily().waiting()
    marks = {mark.source: mark.updated_at for mark in store.daily().watermarks()}
    names = sorted({line.source for line in working} | set(marks))
    moment_now = moment(now)
    sources = tuple(
        _source(store, name, [line for line in working if line.source == name], waiting, marks.get(name)) for name in names
    )
    days = {line.key: line for line in store.costs("day")}
    recent = [line for day, line in days.items() if day >= stamp_of(moment_now - timedelta(days=DAYS))[:10]]
    late = tuple(source.source for source in sources if _is_late(source, moment_now, max_age_seconds))
    return Status(
        sources=sources,
        runs=tuple(reversed(lines[-shown:])) if shown else (),
        cost_today_pico_usd=days[now[:10]].cost_pico_usd if now[:10] in days else 0,
        cost_30_days_pico_usd=sum(line.cost_pico_usd for line in recent),
        unknown_prices=sum(line.unknown for line in recent),
        late=late,
        is_well=not late and all(map(_is_well, sources)),
    )


def _line(run: Run, cost: int, unknown: int) -> RunLine:
    ended = run.finished_at
    return RunLine(
        run_id=run.id,
        kind=run.kind,
        source=run.source,
        status=run.status,
        started_at=run.started_at,
        seconds=None if ended is None else (moment(ended) - moment(run.started_at)).total_seconds(),
        totals=run.totals,
        cost_pico_usd=cost,
        unknown_prices=unknown,
    )


def _source(store: Store, name: str, lines: Sequence[RunLine], waiting: Iterable[Waiting], mark: str | None) -> SourceStatus:
    own = [one for one in waiting if one.source == name]
    sessions = len(store.sessions(name))
    over = _statistics_over(store, name)
    done = [line for line in lines if line.status == "done"]
    return SourceStatus(
        source=name,
        sessions=sessions,
        watermark_at=mark,
        last=lines[-1] if lines else None,
        last_done_at=done[-1].started_at if done else None,
        open=sum(one.state == "open" for one in own),
        failing=sum(one.state == "failed" for one in own),
        given_up=sum(one.state == "given_up" for one in own),
        troubles=tuple(one for one in own if one.state != "open"),
        drift=drift_of(done),
        statistics_over=over,
        outgrown=over is not None and sessions >= OUTGROWN * max(1, over),
    )


def drift_of(done: Sequence[RunLine]) -> Yield | None:
    """Compare the last run that compiled something with the 30 days before it; None where there is nothing to compare."""
    compiling = [line for line in done if line.totals.get("turns")]
    if len(compiling) < 2:
        return None
    last = compiling[-1]
    start = moment(last.started_at) - timedelta(days=DAYS)
    before = [line for line in compiling[:-1] if moment(line.started_at) >= start]
    turns = sum(line.totals["turns"] for line in before)
    if not turns:
        return None
    proved = sum(line.totals.get("proved", 0) for line in before)
    own_turns, own = last.totals["turns"], last.totals.get("proved", 0)
    expected = proved / turns * own_turns
    # The yield of the days before is an estimate, too: its own share of chance is counted in.
    chance = DEVIATIONS * math.sqrt(max(expected, 1.0) * (1 + own_turns / turns))
    drifted = abs(own - expected) > max(LEAST_CHANGE * expected, chance)
    return Yield(last=round(100 * own / own_turns, 2), before=round(100 * proved / turns, 2), runs=len(before), drifted=drifted)


def _statistics_over(store: Store, name: str) -> int | None:
    try:
        snapshot = load_snapshot(store, name, load_key(key_path(store.path), create=False))
    except InputError:  # the key lies elsewhere: the other figures do not need it
        return None
    return None if snapshot is None else snapshot.sessions


def _is_late(source: SourceStatus, now: datetime, max_age_seconds: float | None) -> bool:
    if max_age_seconds is None:
        return False
    return source.last_done_at is None or (now - moment(source.last_done_at)).total_seconds() > max_age_seconds


def _is_well(source: SourceStatus) -> bool:
    """Say whether nothing new needs a person: what was given up by an earlier run was told then."""
    if source.last is None:
        return True
    newly = any(one.updated_at >= source.last.started_at for one in source.troubles)
    return source.last.status not in ("failed", "interrupted") and not source.failing and not newly
