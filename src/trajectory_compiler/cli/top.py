"""The top of the command line: its commands by section, loaded only when they are run, and what bare `trajc` does."""

from __future__ import annotations

from importlib import import_module

import click

from trajectory_compiler import __version__
from trajectory_compiler.cli.lazy import LazyGroup

EXIT_CODES = (
    ("0", "done"),
    ("1", "some items failed: a session was blocked, a pair fell"),
    ("2", "cannot run: a wrong option, an unreadable log or store"),
    ("3", "the budget is reached"),
    ("4", "another run holds the store"),
)
SECTIONS: dict[str, dict[str, str]] = {
    "Start here": {
        "demo": "Write a sample log, compile it, show five proved pairs.",
        "inspect": "Say what a log holds, what can be compiled and what is wrong with it.",
        "compile": "Compile a log into proved question-answer pairs.",
        "audit": "Judge random pairs yourself and learn their error rate.",
        "export": "Write the pairs as a data set.",
    },
    "Then": {
        "verify": "Prove every stored pair again; have pairs in prose read by a model.",
        "calibrate": "Plant known faults into proved pairs and count how many a reader finds.",
        "stats": "Count pairs by kind, and what was dropped and why.",
        "costs": "Say what model calls cost, by run, day, model, stage, origin and pair.",
        "sample": "Print some pairs.",
        "show": "Show one pair with its evidence, its program and its proof.",
        "report": "Write reports for others: figures to compare, an evidence pack.",
        "mirror": "Keep a copy of the store in PostgreSQL or Supabase, and compare both.",
        "redact": "Redact a log without compiling it, look for leaks, test rules, restore.",
    },
    "Every day": {
        "sync": "Compile what came since the last run: for a scheduler.",
        "status": "Say what ran, what it cost, what waits, what failed and why.",
        "schedule": "Print a schedule for systemd, cron, Kubernetes or GitHub.",
    },
    "What must go, and what must stay": {
        "find": "Say in which sessions, pairs and files somebody stands.",
        "forget": "Erase sessions and everything that was made from them.",
        "hold": "Keep sessions from being erased.",
    },
    "The log itself": {
        "ledger": "Create, seal, verify and fill an append-only audit log.",
    },
}


class OutputClosed(Exception):  # noqa: N818  # a control value of the command line, not an error that anybody meets
    """Whoever read the output has had enough of it."""


class _TopGroup(LazyGroup):
    sections = SECTIONS

    def invoke(self, ctx: click.Context) -> object:
        try:
            return super().invoke(ctx)
        except BrokenPipeError:  # click would end the process with 1, which means something else here
            raise OutputClosed from None

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        with formatter.section("Exit codes"):
            formatter.write_dl(list(EXIT_CODES))
        formatter.write_paragraph()
        formatter.write_text(
            "Every command explains itself: trajc COMMAND --help. All stays on this machine but what --model sends."
        )


@click.group(
    cls=_TopGroup,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", "-V", prog_name="trajc", message="%(prog)s %(version)s")
@click.pass_context
def trajc(ctx: click.Context) -> None:
    """Compile an agent's audit log into long-context question-answer pairs, each with a proof.

    No model and no key are needed. Try it with: trajc demo
    """
    if ctx.invoked_subcommand is None:
        import_module("trajectory_compiler.cli.welcome").welcome(ctx)
