"""`trajc audit`: a person judges random pairs, and the store learns their error rate."""

from __future__ import annotations

from collections.abc import Iterator

import click
import msgspec

from trajectory_compiler.cli import options as shared
from trajectory_compiler.cli.bound import upper_bound
from trajectory_compiler.cli.keys import Keys
from trajectory_compiler.cli.pair_lines import print_answer, print_question, turn_text
from trajectory_compiler.cli.screen import console, counted, print_json, say
from trajectory_compiler.cli.who import actor
from trajectory_compiler.errors import InputError
from trajectory_compiler.model import Family, Pair, Trajectory
from trajectory_compiler.store import PairQuery, Review, Store
from trajectory_compiler.store.clock import utc_now
from trajectory_compiler.store.records import Verdict

VERDICTS: dict[str, Verdict] = {"a": "accept", "r": "reject", "s": "skip"}
AROUND_CHARACTERS = 160
SHOWN_TURNS = 8


class AuditReport(msgspec.Struct, frozen=True, kw_only=True):
    """What an audit found. Rates run from 0 to 1 and are null where nothing was judged; skipped pairs do not count."""

    accepted: int
    rejected: int
    skipped: int
    error_rate: float | None
    error_rate_upper_95: float | None


@click.command(name="audit", epilog=shared.example("trajc audit -n 30", "trajc audit --qa-type provenance --seed 3"))
@click.option("-n", "--number", type=click.IntRange(min=1), metavar="N", default=30, show_default=True, help="How many pairs.")
@click.option("--seed", type=int, metavar="N", default=0, show_default=True, help="Another seed draws other pairs.")
@shared.families_option
@click.option("--reviewer", metavar="NAME", help="Whose judgement it is.  [default: your login name]")
@shared.store_option
@shared.json_option
def command(number: int, seed: int, qa_types: tuple[Family, ...], reviewer: str | None, store: str, as_json: bool) -> None:
    """Judge random pairs that nobody has judged yet: the question first, then answer and evidence, then one key.

    Every decision is stored at once. The audit ends with the error rate and its 95% upper bound. Without a terminal it reads
    its keys as lines from stdin.
    """
    with Store.open(store, create=False) as opened:
        drawn = list(opened.pairs(PairQuery(states=("proved", "tested"), qa_types=qa_types, limit=number, seed=seed)))
        if not drawn:
            raise InputError("audit pairs", "no pair is left to judge", "Compile a log, or see what there is with: trajc stats")
        verdicts = list(_judged(opened, drawn, Keys(quiet=as_json), reviewer or actor()))
    report = _report(verdicts)
    if as_json:
        print_json(report)
    else:
        say()
        say(_in_words(report), style="bold")


def _judged(store: Store, drawn: list[Pair], keys: Keys, reviewer: str) -> Iterator[Verdict]:
    """Yield the verdict on each pair until the person has had enough; each is stored before the next question."""
    for number, pair in enumerate(drawn, start=1):
        trajectory = store.trajectory_of(pair)
        if not keys.quiet:
            say()
            console().rule(f"{number} of {len(drawn)}")
            print_question(pair, trajectory)
        if keys.ask("any key shows the answer, q quits") in ("q", None):
            return
        if not keys.quiet:
            _print_evidence(pair, trajectory)
        key = keys.choose("[a]ccept  [r]eject  [s]kip  [q]uit", (*VERDICTS, "q"))
        if key in ("q", None):
            return
        verdict = VERDICTS[key]
        reason = keys.line("Why (Enter for none): ") if verdict == "reject" else ""
        store.add_review(Review(pair_id=pair.id, reviewer=reviewer, verdict=verdict, reason=reason, created_at=utc_now()))
        yield verdict


def _print_evidence(pair: Pair, trajectory: Trajectory) -> None:
    print_answer(pair)
    turns = sorted(set(pair.supporting_turns))
    for turn in turns[:SHOWN_TURNS]:
        console().print()
        if turn in pair.withheld_turns:
            say(f"#{turn:03d} {trajectory.turns[turn].tool}: withheld from the reader", style="dim")
        else:
            console().print(turn_text(trajectory.turns[turn], pair.evidence, around=AROUND_CHARACTERS))
    if len(turns) > SHOWN_TURNS:
        say(f"... and {len(turns) - SHOWN_TURNS} more turns", style="dim")
    console().print()


def _report(verdicts: list[Verdict]) -> AuditReport:
    accepted, rejected = verdicts.count("accept"), verdicts.count("reject")
    judged = accepted + rejected
    return AuditReport(
        accepted=accepted,
        rejected=rejected,
        skipped=verdicts.count("skip"),
        error_rate=rejected / judged if judged else None,
        error_rate_upper_95=round(upper_bound(rejected, judged), 4) if judged else None,
    )


def _in_words(report: AuditReport) -> str:
    judged = report.accepted + report.rejected
    if report.error_rate is None or report.error_rate_upper_95 is None:
        return "Nothing was judged, so nothing is known about the error rate."
    return (
        f"{report.rejected} of {counted(judged, 'pair')} rejected: error rate {report.error_rate:.1%}, "
        f"with 95% confidence at most {report.error_rate_upper_95:.1%}."
    )
