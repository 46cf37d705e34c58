"""The README, run: its Python example, its commands, its demo output."""

from __future__ import annotations

import contextlib
import io
import re
from pathlib import Path

import click
import pytest

from tools.demo_output import demo_output, shown_output
from trajectory_compiler.cli.top import trajc
from trajectory_compiler.demo import write_demo_log


@pytest.fixture(scope="module")
def readme(root: Path) -> str:
    """Return the text of the README."""
    return (root / "README.md").read_text()


def test_the_python_example_runs_and_prints_a_pair(readme: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The Python block of the README, run where the demo has left its log, prints a question and its evidence."""
    block = re.search(r"```python\n(.*?)```", readme, re.DOTALL)
    assert block
    monkeypatch.chdir(tmp_path)
    log = Path(".trajc/demo/agent_log.jsonl")
    log.parent.mkdir(parents=True)
    write_demo_log(log, 0, 1)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(block.group(1), "README.md", "exec"), {"__name__": "readme"})
    lines = printed.getvalue().splitlines()
    assert "?" in lines[0]
    assert len([line for line in lines if line.startswith("  #")]) >= 2


def test_every_command_and_option_of_the_readme_exists(readme: str) -> None:
    """A `trajc` line of the README names a command that there is, with options that it takes."""
    used = re.findall(r"trajc ([a-z]+)((?: +(?!#)[^\s`|]+)*)", readme)
    assert used
    for name, rest in used:
        command = trajc.get_command(None, name)  # type: ignore[arg-type]  # the group looks at the name alone
        assert command is not None, name
        if isinstance(command, click.Group):
            inner = command.get_command(None, rest.split()[0])  # type: ignore[arg-type]  # as above
            assert inner is not None, (name, rest)
            command = inner
        known = {option for parameter in command.params for option in (*parameter.opts, *parameter.secondary_opts)}
        assert set(re.findall(r"(?<!\S)(--?[a-z][a-z-]*)", rest)) <= known, name


def test_the_readme_shows_what_the_demo_prints(readme: str) -> None:
    """The output on the page is the real one: after a change that shows, `make docs`."""
    assert shown_output(readme) == demo_output()
