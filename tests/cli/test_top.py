"""The top of the command line: help, errors as sentences, exit codes."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.cli.conftest import Trajc
from trajectory_compiler import __version__
from trajectory_compiler.cli import compiling
from trajectory_compiler.cli.hold import SUBCOMMANDS as HOLD_SUBCOMMANDS
from trajectory_compiler.cli.ledger import SUBCOMMANDS
from trajectory_compiler.cli.ledger import command as ledger
from trajectory_compiler.cli.redact import SUBCOMMANDS as REDACT_SUBCOMMANDS
from trajectory_compiler.cli.report import SUBCOMMANDS as REPORT_SUBCOMMANDS
from trajectory_compiler.cli.top import EXIT_CODES, SECTIONS
from trajectory_compiler.cli.top import trajc as top
from trajectory_compiler.errors import BudgetError
from trajectory_compiler.store import Store

SENTENCES = re.compile(r"Cannot .+?: .+\. .+")
GROUPS = {"ledger": SUBCOMMANDS, "redact": REDACT_SUBCOMMANDS, "report": REPORT_SUBCOMMANDS, "hold": HOLD_SUBCOMMANDS}
COMMANDS = [name for section in SECTIONS.values() for name in section if name not in (*GROUPS, "schedule")]
LEDGER_COMMANDS = list(SUBCOMMANDS)
INNER = [*((group, name) for group, names in GROUPS.items() for name in names), ("schedule", "print")]


def test_the_help_shows_the_five_verbs_first_and_the_exit_codes(trajc: Trajc) -> None:
    """Whoever types --help reads the five commands in the order in which they are used, and what each exit code means."""
    help_ = trajc("--help")
    assert help_.code == 0
    places = [help_.out.index(f"\n  {name} ") for name in ("demo", "inspect", "compile", "audit", "export", "verify")]
    assert places == sorted(places)
    assert help_.out.index("Start here:") < places[0]
    assert all(words in help_.out for _, words in EXIT_CODES)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(trajc: Trajc, name: str) -> None:
    """A command's help has an example that names it, and the options that all commands share."""
    help_ = trajc(name, "--help")
    assert help_.code == 0
    assert f"trajc {name}" in help_.out.split("Examples:")[1]
    assert "--store PATH" in help_.out
    assert "--json" in help_.out


@pytest.mark.parametrize(("group", "name"), INNER)
def test_every_subcommand_explains_itself(trajc: Trajc, group: str, name: str) -> None:
    """A subcommand's help has an example that names it, its group lists it, and it prints JSON when asked."""
    help_ = trajc(group, name, "--help")
    assert help_.code == 0
    assert f"trajc {group} {name}" in help_.out.split("Examples:")[1]
    assert "--json" in help_.out
    assert f"\n  {name} " in trajc(group, "--help").out


def test_every_option_has_a_help_text() -> None:
    """No option is left unexplained."""
    context = click.Context(top)
    commands = [top.get_command(context, name) for name in COMMANDS]
    commands += [ledger.get_command(context, name) for name in LEDGER_COMMANDS]
    for command in commands:
        assert command is not None
        options = [parameter for parameter in command.params if isinstance(parameter, click.Option)]
        assert [option.name for option in options if not option.help] == []


def test_help_loads_no_library_that_only_commands_need() -> None:
    """`trajc --help` is there at once: neither the compiler nor the terminal library is imported."""
    code = (
        "import sys; from trajectory_compiler.cli import run; run(['--help']); "
        "loaded = [m for m in ('rich', 'jinja2', 'sqlite3', 'trajectory_compiler.pipeline') if m in sys.modules]; "
        "sys.exit(str(loaded) if loaded else 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_the_version_and_the_module_name_the_same_program(trajc: Trajc) -> None:
    """`trajc --version` and `python -m trajectory_compiler --version` agree."""
    done = subprocess.run([sys.executable, "-m", "trajectory_compiler", "-V"], capture_output=True, text=True, check=True)
    assert trajc("--version").out == done.stdout == f"trajc {__version__}\n"


def test_bare_trajc_offers_the_sessions_that_lie_about(trajc: Trajc, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """With Claude Code's files under the home folder, the commands to try come first, with the place; the help follows."""
    monkeypatch.setenv("HOME", str(tmp_path))
    assert trajc().out.startswith("Usage: trajc")
    folder = tmp_path / ".claude" / "projects" / "one"
    folder.mkdir(parents=True)
    (folder / "a.jsonl").write_text('{"type":"user"}\n')
    offered = trajc()
    assert offered.code == 0
    assert f"trajc compile {tmp_path}/.claude/projects" in offered.out
    assert "Usage: trajc" in offered.out


@pytest.mark.parametrize(
    "arguments",
    [
        ("inspect", "nowhere.jsonl"),
        ("compile", "nowhere.jsonl"),
        ("verify",),
        ("stats",),
        ("sample",),
        ("show", "abc"),
        ("audit",),
        ("export", "--output", "x.jsonl"),
        ("export", "--context", "plenty"),
        ("compile", "nowhere.jsonl", "--html", "no/such/folder/page.html"),
        ("demo", "--output", "no/such/folder/log.jsonl"),
        ("stats", "--store", "postgresql://user:secret@host/db"),
    ],
)
def test_what_cannot_run_says_so_in_one_sentence(trajc: Trajc, arguments: tuple[str, ...]) -> None:
    """No log, no store, a bad place: exit 2, nothing on stdout, one line that says what was seen and what to do."""
    result = trajc(*arguments)
    assert result.code == 2
    assert result.out == ""
    assert SENTENCES.fullmatch(result.err.strip()), result.err
    assert "secret" not in result.err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("compile",), "Missing argument 'LOG'"),
        (("compile", "x", "--policy", "lax"), "'lax' is not one of"),
        (("compile", "x", "--policy", "off"), "it needs a --policy-reason"),
        (("compile", "x", "--policy", "strict", "--policy-reason", "why"), "belongs to --policy off"),
        (("compile", "x", "--column", "tool"), "not of the form ROLE=NAME"),
        (("compile", "x", "--effect", "tool=maybe"), "not of the form TOOL=yes"),
        (("compile", "x", "--families", "composition,rhyme"), "there is no family 'rhyme'"),
        (("compile", "x", "--split-pattern", "(("), "no regular expression"),
        (("sample", "--qa-type", "riddle"), "'riddle' is not one of"),
        (("export", "--json"), "add --output FILE"),
        (("export", "--format", "inspect"), "--output FILE"),
        (("nonsense",), "No such command 'nonsense'"),
    ],
)
def test_a_wrong_option_is_a_usage_error(trajc: Trajc, arguments: tuple[str, ...], said: str) -> None:
    """Exit 2, and the message names what was wrong with which option."""
    result = trajc(*arguments)
    assert result.code == 2
    assert said in result.err


def test_a_defect_shows_no_traceback_unless_asked(trajc: Trajc, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    """An error that nobody foresaw ends in one sentence without its message, which may hold text of the log."""

    def fail(*_: object, **__: object) -> None:
        raise ValueError("private text")

    monkeypatch.setattr(Store, "totals", fail)
    result = trajc("stats", "--store", store)
    assert (result.code, result.out) == (2, "")
    assert "private" not in result.err
    assert "TRAJC_DEBUG=1" in result.err
    monkeypatch.setenv("TRAJC_DEBUG", "1")
    assert "private text" in trajc("stats", "--store", store).err


def test_what_the_system_refuses_is_said_as_it_says_it(trajc: Trajc, monkeypatch: pytest.MonkeyPatch, store: Path) -> None:
    """A full disk under a temporary file, which no layer foresaw, is still one sentence."""

    def fail(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Store, "totals", fail)
    result = trajc("stats", "--store", store)
    assert result.code == 2
    assert result.err == "Cannot finish: the system reports 'No space left on device'. Mend that and run again.\n"


def test_budget_and_lock_have_exit_codes_of_their_own(
    trajc: Trajc, monkeypatch: pytest.MonkeyPatch, store: Path, small_log: Path
) -> None:
    """A spent budget is 3; a store that another run holds is 4, with who holds it."""
    with Store.open(store) as held, held.lock("compile other"):
        locked = trajc("compile", small_log)
    assert locked.code == 4
    assert "compile other" in locked.err

    def spent(*_: object) -> None:
        raise BudgetError("go on", "the budget is spent", "Raise it.")

    monkeypatch.setattr(compiling, "compile_into", spent)
    assert trajc("compile", small_log).code == 3


def test_ctrl_c_is_one_sentence_and_130(trajc: Trajc, monkeypatch: pytest.MonkeyPatch, small_log: Path) -> None:
    """A run that is stopped says that it can be taken up again."""

    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(compiling, "compile_into", stop)
    result = trajc("compile", small_log)
    assert result.code == 130
    assert "run the same command again" in result.err
