"""What `inspect` finds out about a log in one pass, and what it suggests: one suggestion per problem."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import msgspec

from trajectory_compiler.cli.stamps import Stamps
from trajectory_compiler.cli.truncation import Truncation, Wall
from trajectory_compiler.config import SessionOptions
from trajectory_compiler.exports.in_words import action_for, is_dropped, reason_in_words
from trajectory_compiler.ledger.attempts import facts_of
from trajectory_compiler.ledger.readiness import Check, LogFacts, readiness
from trajectory_compiler.model import Finding, TurnKind
from trajectory_compiler.pipeline.run import Progress
from trajectory_compiler.redaction import load_policy, masked
from trajectory_compiler.sessions import is_effect, open_sessions
from trajectory_compiler.sources import Source
from trajectory_compiler.sources.mapped import MappedSource
from trajectory_compiler.sources.postgres import without_password
from trajectory_compiler.sources.recognition import Told, plainly_told

SURE = 0.7
RESTS_ON = frozenset(
    ("session_id", "tool", "created_at", "agent", "arguments", "response", "success", "call_id", "kind", "content")
)
WATCHED_ROWS = 50_000  # whose texts are measured: a writer that cuts does so from the start


class Column(msgspec.Struct, frozen=True, kw_only=True):
    """Which column serves a role. `confidence` from 0 to 1; 1 is the role's own name, or the user's word."""

    role: str
    column: str
    confidence: float


class Tool(msgspec.Struct, frozen=True, kw_only=True):
    """A tool in the sessions that qualify. `effect`: it is taken to change the world; `failed` counts known failures."""

    tool: str
    kind: TurnKind
    calls: int
    failed: int
    effect: bool


class LeftOut(msgspec.Struct, frozen=True, kw_only=True):
    """Rows or sessions that were left out (`dropped`) or repaired, why, where, and what can be done."""

    stage: str
    reason: str
    dropped: bool
    count: int
    why: str
    where: str
    do: str


class InspectReport(msgspec.Struct, frozen=True, kw_only=True):
    """What `--json` prints. Lengths are in turns. `told` says how the format was recognised.

    `readiness` has a verdict per question, `left_out` a line per problem.
    """

    log: str
    source: str
    format: str
    told: Told
    columns: tuple[Column, ...]
    other_columns: tuple[str, ...]
    calls_and_results_apart: bool
    rows: int
    sessions: int
    qualified: int
    turns: int
    median_turns: int
    longest_turns: int
    tools: tuple[Tool, ...]
    left_out: tuple[LeftOut, ...]
    truncation: tuple[Wall, ...]
    readiness: tuple[Check, ...]
    suggestions: tuple[str, ...]


class _Counts:
    """What is counted while the sessions go by."""

    def __init__(self) -> None:
        self.lengths: Counter[int] = Counter()
        self.calls: Counter[tuple[str, TurnKind]] = Counter()
        self.failed: Counter[tuple[str, TurnKind]] = Counter()
        self.outcomes = 0
        self.truncation = Truncation()
        self.stamps = Stamps()
        self.cut_rows = 0
        self.watched = 0


def survey(log: str, source: Source, options: SessionOptions, effects: dict[str, bool], progress: Progress) -> InspectReport:
    """Read a log once and say what it holds.

    Raises: InputError: the log cannot be read. Cost: one pass; memory is one session.
    """
    sessions = open_sessions(source, options)
    counts = _Counts()
    for number, raw in enumerate(sessions, start=1):
        counts.lengths[len(raw.rows)] += 1
        counts.stamps.see(raw.rows)
        for row in raw.rows:
            counts.calls[row.tool, row.kind] += 1
            counts.failed[row.tool, row.kind] += row.success is False
            counts.outcomes += row.success is not None
            counts.cut_rows += row.extra.get("truncated") in (True, "true")
            if counts.watched < WATCHED_ROWS:
                counts.watched += 1
                counts.truncation.see(row)
        progress("reading", number, None)
    tally = sessions.tally
    report = InspectReport(
        log=without_password(log),
        source=source.name,
        format=source.format,
        told=source.told if isinstance(source, MappedSource) else plainly_told(source.format),
        columns=tuple(
            Column(role=role, column=column, confidence=source.mapping.confidence[role])
            for role, column in source.mapping.columns.items()
        ),
        other_columns=source.mapping.extra,
        calls_and_results_apart=source.mapping.joins,
        rows=tally.rows,
        sessions=tally.sessions,
        qualified=tally.qualified,
        turns=counts.calls.total(),
        median_turns=_median(counts.lengths),
        longest_turns=max(counts.lengths, default=0),
        tools=_tools(counts, effects),
        left_out=_left_out(sessions.findings()),
        truncation=counts.truncation.walls(),
        readiness=(),
        suggestions=(),
    )
    return msgspec.structs.replace(
        report,
        readiness=readiness(facts_of(source), _log_facts(report, counts, options)),
        suggestions=tuple(_suggestions(report, options, says_outcome=counts.outcomes > 0)),
    )


def _log_facts(report: InspectReport, counts: _Counts, options: SessionOptions) -> LogFacts:
    return LogFacts(
        rows=report.rows,
        lost_rows=sum(item.count for item in report.left_out if item.dropped and item.stage == "sources"),
        sessions=report.sessions,
        qualified=report.qualified,
        min_turns=options.min_turns,
        turns=report.turns,
        median_turns=report.median_turns,
        columns={column.role: (column.column, column.confidence) for column in report.columns},
        without_stamp=counts.stamps.without,
        equal_stamps=counts.stamps.equal,
        out_of_order=counts.stamps.out_of_order,
        cut_fields=tuple(f"{wall.field} at {wall.characters:,} characters" for wall in report.truncation),
        cut_rows=counts.cut_rows,
    )


def _median(lengths: Counter[int]) -> int:
    left = (lengths.total() + 1) // 2
    for length in sorted(lengths):
        left -= lengths[length]
        if left <= 0:
            return length
    return 0


def _tools(counts: _Counts, effects: dict[str, bool]) -> tuple[Tool, ...]:
    return tuple(
        Tool(
            tool=tool,
            kind=kind,
            calls=calls,
            failed=counts.failed[tool, kind],
            effect=kind == "tool" and is_effect(tool, effects),
        )
        for (tool, kind), calls in sorted(counts.calls.items(), key=lambda item: (-item[1], item[0]))
    )


def _left_out(findings: tuple[Finding, ...]) -> tuple[LeftOut, ...]:
    return tuple(
        LeftOut(
            stage=finding.stage,
            reason=finding.reason,
            dropped=is_dropped(finding.reason),
            count=finding.count,
            why=reason_in_words(finding.stage, finding.reason),
            where=masked(finding.detail, load_policy("standard")),
            do=action_for(finding.reason),
        )
        for finding in sorted(findings, key=lambda finding: -finding.count)
    )


def _suggestions(report: InspectReport, options: SessionOptions, *, says_outcome: bool) -> Iterator[str]:
    """Yield one sentence for each problem, the gravest first."""
    served = {column.role: column for column in report.columns}
    if report.rows and report.sessions == report.rows > 1:
        yield "Every row is a session of its own: name the column that keeps a session together with --column session_id=NAME."
    elif report.sessions and not report.qualified:
        yield f"No session qualifies: {_widen(options)}."
    for role, column in served.items():
        if column.confidence < SURE and role in RESTS_ON:  # no question rests on a cost or a duration
            yield (
                f"Column '{column.column}' serves as {role}, which is a guess ({column.confidence:.0%}): "
                f"confirm it or name another with --column {role}=NAME."
            )
    if "created_at" not in served and report.rows:
        yield "No column holds time stamps, so the order of the log is trusted: name one with --column created_at=NAME."
    for wall in report.truncation:
        yield (
            f"{wall.cut:,} values of '{wall.field}' end at exactly {wall.characters:,} characters and none is longer: "
            "the writer seems to cut them; log them whole, or questions rest on half the text."
        )
    tools = [tool for tool in report.tools if tool.kind == "tool"]
    if tools and not any(tool.effect for tool in tools):
        yield "No tool seems to change anything, and changes make the best questions: name one with --effect TOOL=yes."
    if tools and not says_outcome:
        yield "Nothing says whether a call succeeded: name the column with --column success=NAME if there is one."
    for item in report.left_out:
        if item.do and not (item.reason == "too_few_turns" and not report.qualified):
            yield f"{item.count:,} × {item.why}: {item.do}"


def _widen(options: SessionOptions) -> str:
    narrowing = [
        name
        for name, value in (("--agent", options.agent), ("--tool", options.tool), ("--since", options.since))
        if value is not None
    ]
    return f"leave out {' and '.join(narrowing)}" if narrowing else f"lower --min-turns (now {options.min_turns})"
